"""Where the log of a training run goes: one writer a file, found by name."""
