"""The record of an image operation and the registry that holds all of them.

Degradations (`lqjax/degradations`) and restorations (`lqjax/restorations`) are the same kind of
thing: a pure function of images, an optional random draw per example, and named physical
parameters. One registry holds both, so that a condition can chain them.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from lqjax.registry import Registry, unknown_name
from lqjax.typing import Images, Keys

DRAWN = math.nan
"""Default of a parameter that is drawn per example unless a value is given."""


@dataclass(frozen=True)
class Parameter:
    """One physical parameter of an operation.

    Attributes:
      name: as users type it.
      unit: "px", "degree", "1"; what one step of the number means.
      low, high: allowed range, both ends included.
      default: value when none is given; `None` makes the parameter required. `DRAWN` means
        drawn per example.
      integer: whole numbers only.
      odd: odd whole numbers only (kernel sizes).
      static: why every value compiles anew (it fixes shapes); empty for a traced parameter, all
        of whose values share one compile.
      identity: the value at which the operation returns its input bit for bit, if there is one.
      choices: names of the values 0, 1, ..., by which users write them ("bicubic"); then `low`
        and `high` are 0 and the last.
      meaning: one short phrase for lists and documentation.
      examples: values for galleries and for the contract tests, which otherwise take those of
        the suites and the ends of the range.
    """

    name: str
    unit: str
    low: float
    high: float
    default: float | None = None
    integer: bool = False
    odd: bool = False
    static: str = ""
    identity: float | None = None
    meaning: str = ""
    examples: tuple[float, ...] = ()
    choices: tuple[str, ...] = ()

    def text(self, value: float) -> str:
        """Write a value as conditions do: the name of a choice, or the shortest number."""
        if self.choices:
            return self.choices[int(value)]
        return str(int(value)) if float(value).is_integer() else repr(float(value))

    @property
    def whole(self) -> bool:
        """Whether values are int32, not float32."""
        return self.integer or self.odd or bool(self.choices)

    @property
    def equal_factors(self) -> bool:
        """Whether equal factors, not equal differences, are equal steps: 1000 photons, 100, 10."""
        return math.isinf(self.high) or (not self.whole and self.identity is None and self.low > 0)

    @property
    def unit_note(self) -> str:
        """Unit as error messages append it; nothing for a pure number."""
        return "" if self.unit == "1" else f" ({self.unit})"

    def check(self, value: Any, operation: str) -> float | int:
        """Return the value as int or float.

        Raises:
          ValueError: not a number, out of range, or not whole or odd where it must be.
        """
        if isinstance(value, str) and self.choices:
            if value not in self.choices:
                raise unknown_name(f"{self.name} of {operation}", value, self.choices)
            return self.choices.index(value)
        label = f"{operation}({self.name}={value})"
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"{label}: {self.name} must be a number") from None
        if self.default is not None and math.isnan(self.default) and math.isnan(number):
            return number
        if not self.low <= number <= self.high:
            raise ValueError(
                f"{label}: {self.name} must lie in [{self.low:g}, {self.high:g}]{self.unit_note}"
            )
        if self.whole and number != int(number):
            raise ValueError(f"{label}: {self.name} must be a whole number{self.unit_note}")
        if self.odd and int(number) % 2 == 0:
            raise ValueError(f"{label}: {self.name} must be odd{self.unit_note}")
        return int(number) if self.whole else number


def resolve(
    owner: str, parameters: Sequence[Parameter], given: Mapping[str, Any]
) -> dict[str, float | int]:
    """Check given parameters and fill in defaults, in declaration order.

    Args:
      owner: what has the parameters, as users type it.

    Raises:
      ValueError: an unknown, missing or impossible parameter.
    """
    names = tuple(parameter.name for parameter in parameters)
    for name in given:
        if name not in names:
            raise unknown_name(f"parameter of {owner}", name, names)
    values: dict[str, float | int] = {}
    for parameter in parameters:
        if parameter.name in given:
            values[parameter.name] = parameter.check(given[parameter.name], owner)
        elif parameter.default is None:
            raise ValueError(
                f"{owner} needs {parameter.name}{parameter.unit_note}; write"
                f" {owner}({parameter.name}=...)"
            )
        else:
            values[parameter.name] = parameter.default
    return values


@dataclass(frozen=True)
class Operation:
    """An image operation: what it needs, how it draws, how it applies.

    Calling it is the contract of `docs/architecture.md`: `op(keys, images, **parameters)`
    takes float32 NHWC images in [0, 1] with 1 or 3 channels and returns the same, for any
    size from `minimum_size` up. It is pure and works under jit, vmap and sharding.

    Attributes:
      name: as users type it.
      kind: "degradation" or "restoration".
      parameters: in the order in which conditions write them.
      apply: `(images, draws, **parameters) -> images` for a batch; `draws` is what `draw` gave
        with a leading batch axis, or `None` for a deterministic operation.
      draw: `(key, shape) -> draws` for one example of shape (height, width, channels), or
        `None`. Draws are unit draws: they do not depend on the parameters, so that all
        severities of an operation degrade an example with the same noise.
      minimum_size: least height and width in pixels.
      exact: integer arithmetic or selection: results are equal bit for bit under every
        transformation.
      source: paper or reference code that defines it.
    """

    name: str
    kind: str
    parameters: tuple[Parameter, ...]
    apply: Callable[..., Images]
    draw: Callable[..., Any] | None = None
    minimum_size: int = 1
    exact: bool = False
    source: str = ""

    def resolve(self, given: Mapping[str, Any]) -> dict[str, float | int]:
        """Check given parameters and fill in defaults, in declaration order.

        Raises:
          ValueError: an unknown, missing or impossible parameter.
        """
        return resolve(self.name, self.parameters, given)

    def draws(self, keys: Keys, shape: tuple[int, ...]) -> Any:
        """Draw once per example: `keys` (batch,), `shape` of one image."""
        draw = self.draw
        if draw is None:
            return None
        return jax.vmap(lambda key: draw(key, shape))(keys)

    def __call__(self, keys: Keys, images: Images, **parameters: Any) -> Images:
        """Apply to a batch; `keys` has one key per example and is unused when nothing is drawn.

        Raises:
          ValueError: images of another rank, channel count, dtype or too small a size, or not one
            key for each of them.
        """
        check_images(images, self)
        if self.draw is not None:
            check_keys(keys, images, self)
        return self.apply(images, self.draws(keys, images.shape[1:]), **parameters)

    def checked(self, keys: Keys, images: Images, **parameters: Any) -> Images:
        """Apply to a batch after looking at every value; costs a pass over the images.

        Outside compiled code only, where values can be looked at.

        Raises:
          ValueError: as calling the operation does; also NaN or values outside [0, 1] in the
            images, or a parameter out of range.
        """
        check_images(images, self)
        # Comparisons, not min and max: on a CPU XLA's minimum passes over NaN.
        outside = ~((images >= 0) & (images <= 1))
        if outside.any():
            place = tuple(int(i) for i in jnp.unravel_index(outside.argmax(), images.shape))
            raise ValueError(
                f"{self.name} takes images in [0, 1] without NaN, but {images[place]:g} stands at"
                f" {place}"
            )
        return self(keys, images, **self.resolve(parameters))

    @property
    def stream(self) -> int:
        """Number that separates the random stream of this operation from all others."""
        return zlib.crc32(self.name.encode())


def check_images(images: Images, operation: Operation) -> None:
    """Refuse images that break the contract, naming the operation and the fix."""
    if images.ndim != 4 or images.shape[3] not in (1, 3):
        raise ValueError(
            f"{operation.name} takes images of shape (batch, height, width, 1 or 3), got"
            f" {tuple(images.shape)}; add the batch or channel axis"
        )
    if images.dtype != "float32":
        raise ValueError(
            f"{operation.name} takes float32 images in [0, 1], got {images.dtype};"
            " use lqjax.degrade for other types"
        )
    if min(images.shape[1:3]) < operation.minimum_size:
        raise ValueError(
            f"{operation.name} needs images of at least {operation.minimum_size} px, got"
            f" {images.shape[1]} x {images.shape[2]}"
        )


def check_keys(keys: Any, images: Images, operation: Operation) -> None:
    """Refuse anything but one typed key for each image."""
    dtype = getattr(keys, "dtype", None)
    if dtype is None or not jnp.issubdtype(dtype, jax.dtypes.prng_key):
        raise ValueError(
            f"{operation.name} draws: give it keys from jax.random.split(jax.random.key(seed),"
            f" {len(images)})"
        )
    if keys.shape != images.shape[:1]:
        raise ValueError(
            f"{operation.name} needs one key for each image: {len(images)} images, keys of shape"
            f" {tuple(keys.shape)}"
        )


OPERATIONS: Registry[Operation] = Registry("operation", "lqjax.degradations", "lqjax.restorations")


def operation(
    name: str,
    kind: str,
    *parameters: Parameter,
    draw: Callable[..., Any] | None = None,
    minimum_size: int = 1,
    exact: bool = False,
    source: str,
) -> Callable[[Callable[..., Images]], Operation]:
    """Return a decorator that turns `(images, draws, **parameters)` into a registered operation."""

    def add(apply: Callable[..., Images]) -> Operation:
        made = Operation(name, kind, parameters, apply, draw, minimum_size, exact, source)
        OPERATIONS.add(name, made)
        return made

    return add
