"""What is measured of a picture: one measure a file."""
