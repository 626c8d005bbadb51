"""Seconds of the paired bootstrap over a whole grid, against a loop over resamples.

    python benchmarks/intervals.py
    python benchmarks/intervals.py --images 50000 --conditions 96 --json intervals.json

Ours: `paired_bootstrap`, then a BCa interval for every cell, for the gap of the models' means and
for a ratio of summed errors. The loop: `values[drawn].mean(0)` for the same draws, means only, for
`--part` resamples, multiplied up to all and marked so; its means must equal ours.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import time
from pathlib import Path

import numpy as np

from lqjax.metrics.paired_bootstrap import PairedBootstrap, paired_bootstrap

MODELS = 2
SEED = 0
MIB = 2**20


def answers(images: int, conditions: int) -> np.ndarray:
    """Make right and wrong answers that go together over models and conditions."""
    random = np.random.default_rng(SEED)
    ease = random.random((images, 1, 1), np.float32)
    level = np.linspace(0.3, -0.2, conditions, dtype=np.float32) + np.array([[0.05], [0.0]])
    return random.random((images, MODELS, conditions), np.float32) < 0.6 * ease + level


def gap(means: np.ndarray) -> np.ndarray:
    return means[:, 0].mean(-1) - means[:, 1].mean(-1)


def error_ratio(means: np.ndarray) -> np.ndarray:
    return (1 - means[:, 0]).sum(-1) / (1 - means[:, 1]).sum(-1)


def intervals(sets: PairedBootstrap) -> None:
    sets.estimates()
    sets.estimate(gap, share=True)
    sets.estimate(error_ratio)


def loop(values: np.ndarray, resamples: int) -> np.ndarray:
    """Draw as most scripts do: images by number, one test set after the other."""
    random = np.random.default_rng(SEED)
    n = len(values)
    return np.array([values[random.integers(0, n, n)].mean(0) for _ in range(resamples)])


def environment(flags: argparse.Namespace) -> dict[str, object]:
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores", "python": platform.python_version(),
        "numpy": np.__version__, "load": round(os.getloadavg()[0], 2), "images": flags.images,
        "models": MODELS, "conditions": flags.conditions, "resamples": flags.resamples,
        "repeats": flags.repeats,
    }  # fmt: skip


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def read_flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--conditions", type=int, default=76)
    parser.add_argument("--resamples", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--part", type=int, default=20, help="resamples of the loop")
    parser.add_argument("--scores", action="store_true", help="scores in float64, not answers")
    parser.add_argument("--json", type=Path, help="also write everything here")
    return parser.parse_args()


def main() -> None:
    flags = read_flags()
    facts = environment(flags)
    print("\n".join(f"{name}: {value}" for name, value in facts.items()))
    values = answers(flags.images, flags.conditions)
    if flags.scores:
        values = values * np.random.default_rng(SEED).random(values.shape)
    seconds: dict[str, list[float]] = {
        "resampling": [],
        "intervals": [],
        "together": [],
        "loop": [],
    }
    for _ in range(flags.repeats):
        began = time.perf_counter()
        sets = paired_bootstrap(values, resamples=flags.resamples, seed=SEED)
        drawn = time.perf_counter()
        intervals(sets)
        ended = time.perf_counter()
        seconds["resampling"].append(drawn - began)
        seconds["intervals"].append(ended - drawn)
        seconds["together"].append(ended - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB
    for _ in range(flags.repeats):
        began = time.perf_counter()
        means = loop(values, flags.part)
        seconds["loop"].append((time.perf_counter() - began) * flags.resamples / flags.part)
    np.testing.assert_allclose(sets.resampled[: flags.part], means, rtol=1e-12)
    for name, found in seconds.items():
        of = f" (multiplied up from {flags.part} resamples)" if name == "loop" else ""
        middle = statistics.median(found)
        print(f"{name}: {middle:.2f} s ({min(found):.2f} to {max(found):.2f}){of}")
    print(f"memory of the process at its peak, before the loop: {peak:.0f} MiB")
    if flags.json:
        content = {"environment": facts, "seconds": seconds, "peak_mib": peak}
        flags.json.write_text(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
