"""Prediction, the grid of conditions, cost."""
