"""Compare the corruptions of ImageNet-C with the pip package `imagecorruptions`, in one run.

    pip install --no-deps imagecorruptions==1.1.2
    pip install opencv-python-headless numba scikit-image scipy pillow
    python benchmarks/degradations.py --json speed.json
    python benchmarks/degradations.py --without-reference    # on a machine with an accelerator

Ours: a batch of uint8 images on the device, `imagenet_c/<name>@<severity>`, cut down to 8 bits.
Theirs: `imagecorruptions.corrupt` on the same images, one at a time, as the package works. The
sides take turns. It is a comparison of speed only: the package differs from the published
ImageNet-C in places (no affine step in elastic_transform, a frost that is always enlarged, another
trim in zoom_blur, another motion blur); what lqjax computes is tested against the original.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import jaxlib
import numpy as np
import reference_corruptions

from lqjax.imaging import apply
from lqjax.imaging.conditions import Condition, parse
from lqjax.imaging.keys import example_numbers
from lqjax.imaging.suites import SUITES

SUITE = "imagenet_c"
SEED = 0
LEAST_SECONDS = 0.02
"""Time that one turn of the reference should at least take; more images until it does."""
NO_LOOP = "glass_blur"
"""Left out of the second total: a Python loop over pixels in the package as released."""
MIB = 2**20
LAYOUT = "{:18} {:26} {:26} {:>6} {:>6} {:>7} {:>9}  "
HEADER = ("corruption", "lqjax images/s (range)", "reference images/s", "ratio", "best", "memory",
          "compile s")  # fmt: skip


@dataclass(frozen=True)
class Side:
    """Images per second of one implementation: median and range over the turns."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(rates: list[float]) -> Side:
        return Side(statistics.median(rates), min(rates), max(rates))

    def __str__(self) -> str:
        return f"{self.median:8.1f} ({self.low:.1f}-{self.high:.1f})"


@dataclass(frozen=True)
class Row:
    """One corruption.

    `ratio` is that of the medians, `best_ratio` that of the fastest turns, which other programs on
    the machine disturb least. `temporaries` is what the compiled program needs besides input and
    output, as a multiple of the batch in float32. `bare` is the C library alone, without the
    package around it. `why` says what kept a side from running.
    """

    name: str
    ours: Side | None = None
    theirs: Side | None = None
    bare: Side | None = None
    ratio: float | None = None
    best_ratio: float | None = None
    temporaries: float | None = None
    compile_seconds: float | None = None
    why: str = ""


def pictures(batch: int, size: int) -> np.ndarray:
    """Make uint8 pictures whose spectrum falls as 1/f, like that of photographs."""
    random = np.random.default_rng(SEED)
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    frequency[0, 0] = np.inf
    noise = np.fft.rfft2(random.standard_normal((batch, 3, size, size))) / frequency
    grey, colour = np.fft.irfft2(noise[:, :1], (size, size)), np.fft.irfft2(noise, (size, size))
    mixed = (grey + colour / 2).transpose(0, 2, 3, 1)
    scaled = 128 + 60 * mixed / mixed.std(axis=(1, 2, 3), keepdims=True)
    return scaled.clip(0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Program:
    """A condition, compiled for the batch."""

    run: Callable[[], None]
    temporaries: float
    compile_seconds: float


def our_program(condition: Condition, images: jax.Array) -> Program:
    numbers = jnp.asarray(example_numbers(np.arange(len(images)).astype(str)))
    began = time.perf_counter()
    program, arguments = apply.prepare(condition, images, numbers, SEED)
    compiled = program.lower(*arguments).compile()
    seconds = time.perf_counter() - began
    temporaries = compiled.memory_analysis().temp_size_in_bytes / (images.size * 4)

    def run() -> None:  # finds the program that was just compiled
        apply.apply_condition(condition, images, numbers, SEED).block_until_ready()

    run()
    return Program(run, temporaries, seconds)


def enough(one: Callable[[np.ndarray], object], images: np.ndarray) -> Callable[[], int]:
    """Warm up, and make a turn: as many images as take `LEAST_SECONDS`; gives their number."""
    one(images[0])
    began = time.perf_counter()
    one(images[1 % len(images)])
    seconds = time.perf_counter() - began
    count = int(np.clip(LEAST_SECONDS / seconds, 2, 10 * len(images)))

    def turn() -> int:
        for i in range(count):
            one(images[i % len(images)])
        return count

    return turn


def compare(
    name: str,
    images: np.ndarray,
    corrupt: reference_corruptions.Corrupt | None,
    severity: int,
    repeats: int,
) -> Row:
    """Measure one corruption, the sides in turn."""
    turns: dict[str, Callable[[], int]] = {}
    program, why = None, []
    try:
        program = our_program(parse(f"{SUITE}/{name}@{severity}"), jax.device_put(images))
    except Exception as error:  # a missing operation must not end the comparison
        why.append(f"lqjax cannot run: {_one_line(error)}")
    else:
        run = program.run
        turns["ours"] = lambda: run() or len(images)
    if corrupt is not None:
        try:
            turns["theirs"] = enough(lambda image: corrupt(image, name, severity), images)
        except Exception as error:  # nor a reference that no longer runs
            why.append(f"the reference cannot run: {_one_line(error)}")
        else:
            if name in reference_corruptions.IN_C:
                turns["bare"] = enough(reference_corruptions.bare_call(name, severity), images)
    rates: dict[str, list[float]] = {side: [] for side in turns}
    for _ in range(repeats):
        for side, turn in turns.items():
            began = time.perf_counter()
            count = turn()
            rates[side].append(count / (time.perf_counter() - began))
    sides = {side: Side.of(values) for side, values in rates.items()}
    both = "ours" in sides and "theirs" in sides
    return Row(
        name,
        **sides,
        ratio=sides["ours"].median / sides["theirs"].median if both else None,
        best_ratio=sides["ours"].high / sides["theirs"].high if both else None,
        temporaries=program.temporaries if program else None,
        compile_seconds=program.compile_seconds if program else None,
        why="; ".join(why),
    )


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def line(row: Row) -> str:
    numbers = (row.ratio, row.best_ratio, row.temporaries, row.compile_seconds)
    cells = [row.name, *("" if side is None else str(side) for side in (row.ours, row.theirs))]
    cells += ["" if number is None else f"{number:.2f}" for number in numbers]
    return LAYOUT.format(*cells) + row.why


def total(rows: list[Row]) -> dict[str, float | str | int]:
    """Sum the time of an image over the rows that both sides ran; the bounds."""
    both = [row for row in rows if row.ours and row.theirs]
    ours = {row.name: 1 / row.ours.median for row in rows if row.ours}
    found: dict[str, float | str | int] = {
        "corruptions": len(ours),
        "ours_seconds_per_image": sum(ours.values()),
        "compile_seconds": sum(row.compile_seconds or 0 for row in rows),
    }
    if both:
        theirs = {row.name: 1 / row.theirs.median for row in both if row.theirs}
        lowest = min(both, key=lambda row: row.ratio or 0)
        found |= {
            "compared": len(both),
            "theirs_seconds_per_image": sum(theirs.values()),
            "ratio_total": sum(theirs.values()) / sum(ours[name] for name in theirs),
            "lowest_ratio": lowest.ratio or 0.0,
            "lowest": lowest.name,
        }
        rest = [name for name in theirs if name != NO_LOOP]
        if rest and len(rest) < len(theirs):
            found[f"ratio_without_{NO_LOOP}"] = sum(theirs[name] for name in rest) / sum(
                ours[name] for name in rest
            )
    return found


def environment(flags: argparse.Namespace) -> dict[str, object]:
    device = jax.devices()[0]
    return {
        "device": f"{device.platform} ({device.device_kind})", "jax": jax.__version__,
        "jaxlib": jaxlib.__version__, "python": platform.python_version(),
        "numpy": np.__version__, "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 2),
        "size": flags.size, "batch": flags.batch, "severity": flags.severity,
        "repeats": flags.repeats, "dtype": "uint8 in, float32 inside and out",
    }  # fmt: skip


def peaks() -> dict[str, float]:
    """Give the most memory the process and the device have held, MiB."""
    unit = 1024 if platform.system() == "Linux" else 1
    process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    device = (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0)
    found = {"process_peak_mib": process / MIB}
    return found | ({"device_peak_mib": device / MIB} if device else {})


def read_flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=32, help="images per call of lqjax")
    parser.add_argument("--size", type=int, default=224, help="side, px")
    parser.add_argument("--severity", type=int, default=3, choices=range(1, 6))
    parser.add_argument("--repeats", type=int, default=9, help="turns of each side")
    parser.add_argument("--only", default="", help="comma-separated corruptions")
    parser.add_argument("--without-reference", action="store_true", help="lqjax alone")
    parser.add_argument("--json", type=Path, help="also write everything here")
    return parser.parse_args()


def main() -> None:
    flags = read_flags()
    facts, corrupt = environment(flags), None
    if not flags.without_reference:
        try:
            corrupt, versions = reference_corruptions.load()
        except ImportError as error:
            raise SystemExit(f"{error}; install it or pass --without-reference") from None
        facts["reference"] = versions
    print("\n".join(f"{name}: {value}" for name, value in facts.items()))
    print("Speed only: definitions differ in places, and results are not compared here.\n")
    print(LAYOUT.format(*HEADER))
    images, rows = pictures(flags.batch, flags.size), []
    names = flags.only.split(",") if flags.only else [e.name for e in SUITES[SUITE].entries]
    for name in names:
        rows.append(compare(name, images, corrupt, flags.severity, flags.repeats))
        print(line(rows[-1]), flush=True)
    print("\nmemory: temporaries, as a multiple of the batch in float32")
    for row in rows:
        if row.bare:
            library = reference_corruptions.IN_C[row.name]
            print(f"{row.name}: the reference is C code; {library} alone: {row.bare} images/s")
    sums = {**total(rows), **peaks()}
    for name, value in sums.items():
        print(f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}")
    if flags.json:
        content = {"environment": facts, "rows": [asdict(row) for row in rows], "suite": sums}
        flags.json.write_text(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
