"""Data sources, one a file, and the way of a split from host memory to batches on the devices."""
