"""Which network to take: an answer from measured rows, for needs that a user states."""
