"""Readings: other ways to answer with the weights of a trained network, one a file."""
