"""Working directories made by hand: scores whose right and wrong answers are chosen."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from lqjax.array_files import write_arrays
from lqjax.metrics.summary import summarise
from lqjax.rows import Cost, Epoch, Row, write_lines
from lqjax.workdir import Run, Workdir

GRID = {
    "gaussian_noise": ("Gaussian noise", ("sigma 0.1", "sigma 0.3", "sigma 0.5")),
    "gaussian_blur": ("Gaussian blur", ("3 px, sigma 1", "9 px, sigma 3", "15 px, sigma 5")),
    "motion_blur": ("motion blur", ("length 5 px", "length 15 px", "length 25 px")),
    "jpeg": ("JPEG", ("quality 70", "quality 40", "quality 10")),
}
LEVELS = ("low", "medium", "high")
LOSSES = {"gaussian_noise": 0.1, "gaussian_blur": 0.13, "motion_blur": 0.16, "jpeg": 0.07}
COSTS = {"alexnet": (61_100_840, 714_188_480, 4.1), "resnet50": (25_557_032, 4_089_184_256, 12.3)}


def grid_conditions():
    found = [("clean", "clean", "", "clean", 0.0, None)]
    for family, (title, settings) in GRID.items():
        for i, (level, setting) in enumerate(zip(LEVELS, settings, strict=True)):
            name = f"low_quality/{family}@{level}"
            label = f"{title}, {setting}"
            found.append(
                (name, f"low_quality/{family}", level, label, LOSSES[family] * (i + 1), 30 - 6 * i)
            )
    return found


def scores(labels, classes, right, rng):
    """Make scores whose best class is the true one exactly where `right` says so."""
    logits = rng.normal(size=(len(labels), classes))
    wrong = (labels + rng.integers(1, classes, len(labels))) % classes
    best = np.where(right, labels, wrong)
    logits[np.arange(len(labels)), best] = logits.max(1) + 1 + rng.random(len(labels))
    return logits


def write_run(run: Run, dataset, labels, classes, conditions, strength, size=64):
    rng = np.random.default_rng([len(run.model), run.seed, run.fold, 5])
    ease = np.random.default_rng(1).random(len(labels))
    names = tuple(classes)
    ids = np.array([f"test{run.fold}/{i}" for i in range(len(labels))])
    run.write_examples(ids, labels, names)
    for name, family, level, label, loss, psnr in conditions:
        chance = np.clip(strength * (1 - loss * (1.6 - strength)) + 0.25 * (ease - 0.5), 0, 1)
        right = rng.random(len(labels)) < chance
        logits = scores(labels, len(names), right, rng).astype(np.float32)
        row = Row(
            model=run.model, dataset=dataset, seed=run.seed, fold=run.fold, condition=name,
            family=family, level=level, label=label, image_size=size, psnr=psnr,
            ssim=1.0 if psnr is None else psnr / 40,
            **summarise(logits, labels),
        )  # fmt: skip
        run.write_condition(row, logits)


def write_history(run: Run, accuracies):
    write_lines(
        [
            Epoch(
                model=run.model,
                seed=run.seed,
                fold=run.fold,
                epoch=i + 1,
                step=20 * (i + 1),
                learning_rate=1e-3,
                train_loss=2.3 * (1 - a) + 0.02,
                train_accuracy=a,
                validation_loss=2.3 * (1 - a) + 0.1,
                validation_accuracy=max(0.0, a - 0.03),
                images_per_second=90.0,
                seconds=14.0,
            )
            for i, a in enumerate(accuracies)
        ],
        run.history_path,
    )


def write_cost(run: Run):
    parameters, multiply_adds, latency = COSTS.get(run.model, (11_689_512, 1_814_073_344, 6.2))
    run.write_cost(
        Cost(
            model=run.model,
            seed=run.seed,
            fold=run.fold,
            image_size=64,
            parameters=parameters,
            multiply_adds=multiply_adds,
            latency_ms=latency,
            latency_low_ms=latency * 0.96,
            latency_high_ms=latency * 1.08,
            throughput=1000 / latency,
            throughput_low=950 / latency,
            throughput_high=1040 / latency,
            batch_size=120,
            timed_runs=10,
            training_seconds=192.3,
            training_epochs=8,
            training_images_per_second=91.4,
            device="cpu (a processor, 2 cores)",
            dtype="float32",
        )
    )


LEVELLED = (0.55, 0.8, 0.9, 0.95, 0.97, 0.981, 0.985, 0.988)
LEVELLED_LATER = (0.2, 0.5, 0.71, 0.84, 0.93, 0.945, 0.953, 0.957)
RISING = (0.3, 0.45, 0.6, 0.72)


def write_gallery(workdir: Workdir, conditions, classes, examples=8, side=64):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side] / side
    images = np.stack(
        [
            np.stack(
                [
                    np.clip(
                        127 + 100 * np.sin(6 * (x + 0.1 * e)) * np.cos(5 * y + e)
                        + rng.normal(0, 60 * loss, (side, side)), 0, 255,
                    )
                    for e in range(examples)
                ]
            )
            for *_, loss, _ in conditions
        ]
    )[..., None].astype(np.uint8)  # fmt: skip
    write_arrays(
        workdir.gallery,
        images=images,
        conditions=np.array([c[0] for c in conditions]),
        labels=np.array([c[3] for c in conditions]),
        captions=np.array([classes[e % len(classes)] for e in range(examples)]),
        psnr=np.array(
            [[np.inf if p is None else p + e / 7 for e in range(examples)] for *_, p in conditions]
        ),
        ssim=np.array(
            [[1.0 if p is None else p / 40 for e in range(examples)] for *_, p in conditions]
        ),
    )
    write_mistakes(workdir, conditions, classes, images[:, :MISTAKES])


MISTAKES = 5


def write_mistakes(workdir: Workdir, conditions, classes, images):
    """Five wrong answers in each of the first and the last two conditions."""
    shown = [0, *range(max(1, len(conditions) - 2), len(conditions))]
    number = np.arange(MISTAKES * len(shown))
    names = np.array(classes)
    count = len(classes)
    write_arrays(
        workdir.mistakes,
        images=np.concatenate([images[i] for i in shown]),
        models=np.where(number % MISTAKES < 3, "resnet50", "alexnet"),
        others=np.where(number % MISTAKES < 3, "alexnet", "resnet50"),
        conditions=np.repeat([conditions[i][0] for i in shown], MISTAKES),
        labels=np.repeat([conditions[i][3] for i in shown], MISTAKES),
        ids=np.array([f"test/{i}" for i in number]),
        true=names[number % count],
        given=names[(number + 1) % count],
        others_given=names[number % count],
        confidences=1 - 0.04 * (number % MISTAKES),
        others_confidences=np.full(len(number), 0.625),
    )


def write_records(
    workdir: Workdir, models, n, classes, train=1257, seeds=(0,),
    conditions=("clean", "low_quality/*"),
):  # fmt: skip
    workdir.root.mkdir(parents=True, exist_ok=True)
    (workdir.root / "config.json").write_text(
        json.dumps(
            {
                "data": {"source": "digits", "path": "", "image_size": 64},
                "model": {"names": list(models), "dtype": "float32"},
                "optimizer": {"name": "adamw", "learning_rate": 0.001},
                "evaluation": {"conditions": list(conditions), "degradation_seed": 0},
                "run": {"seed": 0, "seeds": list(seeds)},
                "overrides": {"alexnet": {"optimizer.learning_rate": 0.0003}},
            }
        )
    )
    (workdir.root / "environment.json").write_text(
        json.dumps(
            {
                "python": "3.11.2",
                "platform": "Linux-6.1-x86_64",
                "packages": {"lqjax": "0.1.0", "jax": "0.10.2", "numpy": "2.4.6"},
                "backend": "cpu",
                "device": "cpu (a processor, 2 cores)",
                "git_revision": "4e823b1f",
                "dataset": {
                    "name": "digits",
                    "classes": classes,
                    "train": train,
                    "validation": 180,
                    "test": n,
                    "credit": "UCI handwritten digits, CC BY 4.0",
                    "skipped": [["cat/broken.jpg", "truncated file"]],
                    "notes": ["8 px originals, upsampled to 64 px."],
                },
            }
        )
    )


def build(
    path: Path, models=(("alexnet", 0.86), ("resnet50", 0.93)), n=360, classes=10,
    conditions=None, seeds=(0,), gallery=True, extras=True, histories=None, names=None,
    dataset="digits", size=64, folds=(0,), labels=None,
):  # fmt: skip
    """Write a working directory and return it."""
    workdir = Workdir.at(path)
    names = names or [str(i) for i in range(classes)]
    labels = np.arange(n) % len(names) if labels is None else np.asarray(labels)
    labels, n = labels.astype(np.int32), len(labels)
    asked = {} if conditions is None else {"conditions": [name for name, *_ in conditions]}
    conditions = grid_conditions() if conditions is None else conditions
    for model, strength in models:
        for seed, fold in itertools.product(seeds, folds):
            run = workdir.run(model, seed, fold)
            write_run(run, dataset, labels, names, conditions, strength, size)
            if extras:
                write_history(
                    run,
                    (histories or {}).get(
                        model, LEVELLED if model == "alexnet" else LEVELLED_LATER
                    ),
                )
                write_cost(run)
    if extras:
        train = {"train": n * (len(folds) - 1)} if len(folds) > 1 else {}  # all the other folds
        write_records(
            workdir, [model for model, _ in models], n, len(names), seeds=seeds, **asked, **train
        )
    if gallery:
        write_gallery(workdir, conditions, names)
    return workdir


def set_in_config(workdir: Workdir, group: str, **fields):
    """Change settings in the record of a working directory."""
    path = workdir.root / "config.json"
    config = json.loads(path.read_text())
    config.setdefault(group, {}).update(fields)
    path.write_text(json.dumps(config))


@pytest.fixture
def make_workdir(tmp_path):
    """Build working directories below a temporary folder."""

    def make(name="run", **choices):
        return build(tmp_path / name, **choices)

    return make
