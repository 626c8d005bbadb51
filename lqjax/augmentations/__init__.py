"""Train-time augmentations: one a file."""
