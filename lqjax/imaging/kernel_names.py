"""Names of the kernels that enlarge a picture; without jax, for whoever needs no more of them."""

KERNELS = ("nearest", "bilinear", "bicubic", "lanczos")
"""Of `resampling.enlarging_matrix`, in the order of their numbers."""
