"""What all image code shares: operations, conditions, keys, kernels, borders."""
