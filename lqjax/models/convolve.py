"""The convolution as an operation: one meaning, the fastest form for the platform.

On accelerators it is always the compiler's convolution. On a CPU (jaxlib 0.10.2, float32) these
kinds are faster as matrix products, and are written so:

- 1x1 kernels, strided ones after dropping the pixels that they skip;
- 3x3 kernels without stride on enough channels and pixels, in Winograd's form (what it gives is in
  docs/benchmarks.md);
- maps of one pixel, which only the middle of the kernel meets;
- maps smaller than the kernel, and gradients through results smaller than it: 3x3 on 2x2x512,
  batch 64, took 680 ms as a convolution and 8 ms as one product of unfolded patches;
- groups: the gradient of a grouped kernel took ten times that of the groups one by one.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from lqjax.models.platforms import rewrites_for_cpu
from lqjax.models.winograd import KERNEL_SIDE, pays, winograd_convolution

DIMENSIONS = ("NHWC", "HWIO", "NHWC")


def convolve(
    maps: jax.Array, kernel: jax.Array, *, stride: int, padding: int, groups: int = 1
) -> jax.Array:
    """Convolve maps with a kernel under symmetric zero padding.

    Args:
      maps: (batch, height, width, inputs).
      kernel: (size, size, inputs / groups, outputs), of the dtype of `maps`.
      stride: step in pixels, the same along both sides.
      padding: zeros added at each side.
      groups: number of channel groups.

    Returns:
      (batch, height', width', outputs), of the dtype of `maps`; the same to 1e-4 on every path.
    """
    if not rewrites_for_cpu() or maps.dtype != jnp.float32:
        return plain_convolution(maps, kernel, stride=stride, padding=padding, groups=groups)
    if groups == 1:
        return _on_cpu(maps, kernel, stride, padding)
    pairs = zip(jnp.split(maps, groups, axis=3), jnp.split(kernel, groups, axis=3), strict=True)
    return jnp.concatenate([_on_cpu(*pair, stride, padding) for pair in pairs], axis=3)


def plain_convolution(
    maps: jax.Array, kernel: jax.Array, *, stride: int, padding: int, groups: int = 1
) -> jax.Array:
    """Convolve with the compiler's own convolution; arguments as `convolve`."""
    return lax.conv_general_dilated(
        maps,
        kernel,
        window_strides=(stride, stride),
        padding=((padding, padding), (padding, padding)),
        dimension_numbers=DIMENSIONS,
        feature_group_count=groups,
    )


def _on_cpu(maps: jax.Array, kernel: jax.Array, stride: int, padding: int) -> jax.Array:
    size = kernel.shape[0]
    if size == 1 and padding == 0:
        return _pixelwise(maps[:, ::stride, ::stride], kernel[0, 0])
    if maps.shape[1:3] == (1, 1) and size == 2 * padding + 1:
        return _pixelwise(maps, kernel[padding, padding])
    if size == KERNEL_SIDE and stride == 1 and pays(maps.shape, kernel.shape[3], padding):
        return winograd_convolution(maps, kernel, padding)
    smallest = min(_results(length, size, stride, padding) for length in maps.shape[1:3])
    if min(smallest, *maps.shape[1:3]) < size:
        return _on_small_maps(maps, kernel, stride, padding)
    return plain_convolution(maps, kernel, stride=stride, padding=padding)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _on_small_maps(maps: jax.Array, kernel: jax.Array, stride: int, padding: int) -> jax.Array:
    """Convolve where maps or results are smaller than the kernel.

    The compiler's convolution is slow there if its input is smaller than the kernel: forward,
    that is `maps`; in the gradient for `maps`, the results. For the kernel it is always fast.
    """
    if min(maps.shape[1:3]) < kernel.shape[0]:
        return _unfolded_convolution(maps, kernel, stride, padding)
    return plain_convolution(maps, kernel, stride=stride, padding=padding)


def _on_small_maps_forward(
    maps: jax.Array, kernel: jax.Array, stride: int, padding: int
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _on_small_maps(maps, kernel, stride, padding), (maps, kernel)


def _on_small_maps_backward(
    stride: int, padding: int, saved: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    maps, kernel = saved
    plain = partial(plain_convolution, maps, stride=stride, padding=padding)
    _, for_maps = jax.vjp(lambda maps: _unfolded_convolution(maps, kernel, stride, padding), maps)
    _, for_kernel = jax.vjp(plain, kernel)
    return for_maps(gradient)[0], for_kernel(gradient)[0]


_on_small_maps.defvjp(_on_small_maps_forward, _on_small_maps_backward)


def _results(length: int, size: int, stride: int, padding: int) -> int:
    return (length + 2 * padding - size) // stride + 1


def _pixelwise(maps: jax.Array, matrix: jax.Array) -> jax.Array:
    """Multiply every pixel's channels by a matrix (inputs, outputs)."""
    product = maps.reshape(-1, maps.shape[3]) @ matrix
    return product.reshape(*maps.shape[:3], -1)


def _unfolded_convolution(
    maps: jax.Array, kernel: jax.Array, stride: int, padding: int
) -> jax.Array:
    """Convolve as one product of unfolded patches with the kernel as a matrix."""
    patches = _unfold(maps, kernel.shape[0], stride, padding)
    return _pixelwise(patches, kernel.reshape(-1, kernel.shape[3]))


def _unfold(maps: jax.Array, size: int, stride: int, padding: int) -> jax.Array:
    """Collect the patch under each kernel position: (batch, height', width', size^2 * inputs)."""
    sides = [_results(length, size, stride, padding) for length in maps.shape[1:3]]
    border = (padding, padding)
    padded = jnp.pad(maps, ((0, 0), border, border, (0, 0)))
    reach = [(side - 1) * stride + 1 for side in sides]
    taps = [
        padded[:, i : i + reach[0] : stride, j : j + reach[1] : stride]
        for i in range(size)
        for j in range(size)
    ]
    return jnp.concatenate(taps, axis=3)
