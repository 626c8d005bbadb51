"""Image classifiers: one family a file."""
