"""What can stand on the command line: modes and flags, how they are read, and the help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lqjax.config import Config
from lqjax.registry import unknown_name
from lqjax.settings import leaves
from lqjax.textlists import enumeration

MODES = (
    *("compare", "train", "evaluate", "report", "advise", "audit"),
    *("predict", "list", "gallery", "degrade"),
)
TOOL_FLAGS = {
    "predict": ("--input", "--output", "--workdir", "--weights", "--model"),
    "list": ("--output",),
    "gallery": ("--input", "--output", "--conditions", "--size", "--seed", "--frost"),
    "degrade": ("--input", "--output", "--conditions", "--size", "--seed", "--frost", "--format"),
}
"""Flags of the modes that need no recipe."""

RESULT_FLAGS = {
    "report": ("--predictions",),
    "advise": (
        *("--predictions", "--mixture", "--floor_accuracy"),
        *("--ceiling_latency_ms", "--ceiling_memory_mib", "--certainty"),
    ),
}
"""Flags of the modes that read results, besides those that all modes with a recipe have."""

PROCESS_FLAGS = ("--coordinator", "--processes", "--process")
"""Flags of the modes that several processes can share."""

ALONE = ("audit",)
"""Modes with a recipe that one process does by itself."""

FLAGS = (
    *("--mode", "--config", "--workdir"),
    *PROCESS_FLAGS,
    *TOOL_FLAGS["degrade"],
    *("--weights", "--model"),
    *RESULT_FLAGS["advise"],
    *("--help", "--version"),
)
DEFAULT_MODE = "compare"

HELP = """usage: python launch.py [--mode=MODE] [--config=RECIPE] [--config.GROUP.SETTING=VALUE ...]
                        [--workdir=DIR]

Train networks under one protocol, degrade the test images, and report which network to choose.

  --mode=MODE       compare (default: train, evaluate, report), train, evaluate, or report;
                    predict, audit, advise, list, gallery and degrade are below
  --config=RECIPE   a recipe file; default configs/quickstart.py
  --config.GROUP.SETTING=VALUE
                    change one setting, for example --config.optimizer.learning_rate=0.003
                    or --config.model.names=alexnet,resnet18: for all networks, whatever the
                    recipe says of single ones
  --config.overrides.MODEL.GROUP.SETTING=VALUE
                    change it for one of the compared networks only
  --workdir=DIR     where everything is kept; default runs/<recipe>. An existing one goes on where
                    it stopped. report and advise take several: --workdir=a,b
  --coordinator=HOST:PORT --processes=2 --process=0
                    one of several processes, which share the work: started on each host with its
                    own --process. Not needed under SLURM, Open MPI and on TPU slices
  --version, --help

The main job, with nothing but what is installed:   python launch.py
Before training:
  --mode=audit --config.data.source=folder --config.data.path=DIR
                    look at the pictures: blurry, dark, noisy, twice, worse in one class ...; writes
                    audit.html and keep.csv, which the training reads (docs/audit.md)
From results that are there (--workdir=DIR, or several):
  --mode=report --predictions=FILE.csv,FILE.jsonl
                    put predictions of other code on the same test images beside them
                    (docs/predictions.md)
  --mode=advise [--mixture="clean=0.5,low_quality/jpeg@*=0.3"] [--floor_accuracy=0.9]
                    [--ceiling_latency_ms=20] [--ceiling_memory_mib=500] [--certainty=0.95]
                    which network to take for images like these, how probable it is that this is
                    right, and what would change it (docs/advice.md); takes --predictions too
With a trained network:
  --mode=predict --workdir=DIR --input=FOLDER --output=predictions.csv [--model=resnet18]
                    classify every picture below a folder, with probabilities; files that cannot be
                    read are listed. --weights=FILE.safetensors takes exported or published weights
                    in place of a working directory (docs/prediction.md)
Without training:
  --mode=list       print every degradation, restoration and suite; --output=FILE.md writes a page
  --mode=gallery --input=PICTURE [--conditions="imagenet_c/*"] [--output=gallery.png]
                    draw a suite on a picture, as one figure
  --mode=degrade --input=FOLDER --output=FOLDER --conditions="imagenet_c/*" [--format=jpeg85]
                    write a corrupted copy of a folder of pictures, with a manifest; a stopped one
                    goes on. --size=224 cuts and resizes to squares first, --seed=0 is the noise,
                    --frost=FOLDER has the published photographs of frost

On your own images, one folder a class:
  python launch.py --config=configs/compare.py --config.data.source=folder --config.data.path=DIR

Settings (default):
"""


@dataclass(frozen=True)
class Arguments:
    """What stood on the command line."""

    mode: str = DEFAULT_MODE
    recipe: str = ""
    workdir: str = ""
    overrides: tuple[tuple[str, str], ...] = field(default=())
    show: str = ""
    tool_flags: Mapping[str, str] = field(default_factory=dict)
    coordinator: str = ""
    processes: int = 0
    process: int = -1


def parse(argv: Sequence[str]) -> Arguments:
    """Read the flags, each as `--flag=value` or `--flag value`.

    Raises:
      ValueError: an unknown flag or mode, or a flag without its value.
    """
    values: dict[str, str] = {}
    overrides: list[tuple[str, str]] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        flag, equals, value = word.partition("=")
        if flag in ("--help", "-h", "--version"):
            return Arguments(show="version" if flag == "--version" else "help")
        if flag not in FLAGS and not flag.startswith("--config."):
            raise unknown_name("flag", word if not word.startswith("--") else flag, FLAGS)
        if not equals:
            if not rest or rest[0].startswith("--"):
                raise ValueError(f"{flag} needs a value: write {flag}=...")
            value = rest.pop(0)
        if flag.startswith("--config."):
            overrides.append((flag.removeprefix("--config."), value))
        else:
            values[flag.removeprefix("--")] = value
    mode = values.get("mode", DEFAULT_MODE)
    if mode not in MODES:
        raise unknown_name("mode", mode, MODES)
    tool_flags = _tool_flags(mode, values, overrides)
    return Arguments(
        mode,
        values.get("config", ""),
        values.get("workdir", ""),
        tuple(overrides),
        tool_flags=tool_flags,
        coordinator=values.get("coordinator", ""),
        processes=_whole_number("processes", values, 0),
        process=_whole_number("process", values, -1),
    )


def _whole_number(name: str, values: Mapping[str, str], default: int) -> int:
    if name not in values:
        return default
    if not values[name].isdecimal():
        raise ValueError(f"--{name}={values[name]} is not possible; give a whole number")
    return int(values[name])


def _tool_flags(
    mode: str, values: Mapping[str, str], overrides: Sequence[tuple[str, str]]
) -> dict[str, str]:
    """Take the flags of single modes; refuse flags that the mode does not read."""
    given = {name: value for name, value in values.items() if name != "mode"}
    own = (TOOL_FLAGS | RESULT_FLAGS).get(mode, ())
    shared: tuple[str, ...] = ("--config", "--workdir", *PROCESS_FLAGS)
    if mode in ALONE:
        shared = ("--config", "--workdir")
    if mode in TOOL_FLAGS:
        shared = ()
    for name in given:
        if f"--{name}" not in (*shared, *own):
            flags_of = (TOOL_FLAGS | RESULT_FLAGS).items()
            readers = [m for m, flags in flags_of if f"--{name}" in flags]
            belongs = f"; it belongs to --mode={enumeration(readers)}" if readers else ""
            raise ValueError(f"--mode={mode} does not read --{name}{belongs}")
    if overrides and mode in TOOL_FLAGS:
        raise ValueError(f"--mode={mode} reads no recipe; leave --config.{overrides[0][0]} out")
    if overrides and mode in RESULT_FLAGS:
        path = overrides[0][0]
        raise ValueError(
            f"--mode={mode} reads what was measured, with the settings of the working directory;"
            f" leave --config.{path} out, or give it to --mode=evaluate first"
        )
    return {name: value for name, value in given.items() if f"--{name}" in own}


def help_text() -> str:
    """Return the usage and every setting with its default."""
    lines = []
    for path, declared, value in leaves(Config()):
        if path == "overrides":
            continue
        facts = declared.metadata["setting"]
        unit = f" ({facts.unit})" if facts.unit else ""
        shown = ",".join(map(str, value)) if isinstance(value, tuple) else value
        lines.append(f"  {path}={shown}\n      {facts.doc}{unit}")
    return HELP + "\n".join(lines)
