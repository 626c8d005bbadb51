"""What is in a data set, before anyone trains on it."""
