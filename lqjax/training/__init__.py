"""The training engine: state, step, loop, checkpoints."""
