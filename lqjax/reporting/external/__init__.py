"""Predictions of other code, read from CSV and JSONL so that they stand beside our own."""
