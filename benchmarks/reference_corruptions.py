"""The pip package `imagecorruptions`, made to run on today's NumPy, SciPy and scikit-image.

Only names that those packages dropped are put back; what is computed stays the same. The one
exception: where numba is installed, the pixel loop of `glass_blur` is compiled, as the package's
repository does since its last release.
"""

from __future__ import annotations

import functools
import io
import sys
import types
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

IN_C = {"jpeg_compression": "Pillow (libjpeg-turbo)", "pixelate": "Pillow"}
"""Where the package does nothing but call a C library."""
PILLOW_QUALITY = (25, 18, 15, 10, 7)
PILLOW_SCALE = (0.6, 0.5, 0.4, 0.3, 0.25)

Corrupt = Callable[[np.ndarray, str, int], np.ndarray]


def load() -> tuple[Corrupt, dict[str, str]]:
    """Import the package.

    Returns:
      `(image, name, severity) -> image` on uint8, and the versions of what it runs on.

    Raises:
      ImportError: the package or something that it needs is not installed.
    """
    _restore_modules()
    import cv2
    import imagecorruptions
    from imagecorruptions import corruptions

    if not hasattr(np, "float_"):
        np.float_ = np.float64  # type: ignore[attr-defined]
    corruptions.gaussian = _accept_multichannel(corruptions.gaussian)
    compiled = _compile_glass_blur(corruptions)
    if compiled:
        imagecorruptions.corruption_dict["glass_blur"] = corruptions.glass_blur

    def corrupt(image: np.ndarray, name: str, severity: int) -> np.ndarray:
        return imagecorruptions.corrupt(image, corruption_name=name, severity=severity)

    packages = ("imagecorruptions", "scipy", "scikit-image", "pillow", "numpy")
    versions = {name: version(name) for name in packages}
    versions |= {"opencv": cv2.__version__, "numba in glass_blur": compiled or "no"}
    return corrupt, versions


def bare_call(name: str, severity: int) -> Callable[[np.ndarray], object]:
    """Call Pillow as the package does, without the package."""
    import PIL.Image

    def jpeg(image: np.ndarray) -> object:
        buffer = io.BytesIO()
        quality = PILLOW_QUALITY[severity - 1]
        PIL.Image.fromarray(image).save(buffer, "JPEG", quality=quality)
        return PIL.Image.open(buffer).load()

    def pixelate(image: np.ndarray) -> object:
        height, width = (int(side * PILLOW_SCALE[severity - 1]) for side in image.shape[:2])
        small = PIL.Image.fromarray(image).resize((width, height), PIL.Image.Resampling.BOX)
        return small.resize(image.shape[1::-1], PIL.Image.Resampling.NEAREST)

    return jpeg if name == "jpeg_compression" else pixelate


def _restore_modules() -> None:
    """Stand in for `pkg_resources` and `scipy.ndimage.interpolation`."""
    import scipy.ndimage

    resources = types.ModuleType("pkg_resources")

    def resource_filename(package: str, path: str) -> str:
        return str(Path(sys.modules[package].__file__ or "").parent / path)

    resources.resource_filename = resource_filename  # type: ignore[attr-defined]
    interpolation = types.ModuleType("scipy.ndimage.interpolation")
    interpolation.map_coordinates = scipy.ndimage.map_coordinates  # type: ignore[attr-defined]
    sys.modules["pkg_resources"] = resources
    sys.modules["scipy.ndimage.interpolation"] = interpolation


def _accept_multichannel(gaussian: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """Translate the keyword that scikit-image renamed."""

    @functools.wraps(gaussian)
    def wrapped(
        image: np.ndarray, *args: object, multichannel: bool = False, **kwargs: object
    ) -> np.ndarray:
        kwargs.setdefault("channel_axis", -1 if multichannel else None)
        return gaussian(image, *args, **kwargs)

    return wrapped


def _compile_glass_blur(corruptions: types.ModuleType) -> str:
    """Compile the pixel loop; give numba's version, or nothing where it is not installed."""
    try:
        import numba
    except ImportError:
        return ""
    parameters = [(0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)]

    @numba.njit
    def shuffle(pixels: np.ndarray, reach: int, passes: int) -> None:
        height, width = pixels.shape[:2]
        for _ in range(passes):
            for row in range(height - reach, reach, -1):
                for column in range(width - reach, reach, -1):
                    right, down = np.random.randint(-reach, reach, size=(2,))
                    pixels[row, column] = pixels[row + down, column + right]

    def glass_blur(image: object, severity: int = 1) -> np.ndarray:
        sigma, reach, passes = parameters[severity - 1]
        blur = functools.partial(corruptions.gaussian, sigma=sigma, multichannel=True)
        pixels = np.uint8(blur(np.array(image) / 255.0) * 255)
        shuffle(pixels, reach, passes)
        return np.clip(blur(pixels / 255.0), 0, 1) * 255

    corruptions.__dict__["glass_blur"] = glass_blur
    return numba.__version__
