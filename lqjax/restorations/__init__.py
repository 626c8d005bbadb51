"""Restorations: one operation a file, registered in `lqjax.imaging.operations`."""
