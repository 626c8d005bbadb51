"""lqjax: which network to choose for low-quality images.

Everything listed here is imported on first use, so that `import lqjax` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lqjax import lines as _lines  # noqa: F401  sets up the logger, before a user changes it

if TYPE_CHECKING:
    from lqjax.answering import advise as advise
    from lqjax.answering import report as report
    from lqjax.classifying import load as load
    from lqjax.config import Config as Config
    from lqjax.data_audit import audit as audit
    from lqjax.experiment import compare as compare
    from lqjax.experiment import evaluate as evaluate
    from lqjax.experiment import train as train
    from lqjax.exporting import export_weights as export_weights
    from lqjax.imaging.degrade import degrade as degrade
    from lqjax.imaging.equal_damage import severity_for as severity_for
    from lqjax.imaging.frost_photographs import no_frost_photographs as no_frost_photographs
    from lqjax.imaging.frost_photographs import use_frost_photographs as use_frost_photographs
    from lqjax.joining import start_distributed as start_distributed

__version__ = "0.1.0"

_HOMES = {
    "Config": "lqjax.config",
    "advise": "lqjax.answering",
    "audit": "lqjax.data_audit",
    "compare": "lqjax.experiment",
    "degrade": "lqjax.imaging.degrade",
    "evaluate": "lqjax.experiment",
    "export_weights": "lqjax.exporting",
    "load": "lqjax.classifying",
    "no_frost_photographs": "lqjax.imaging.frost_photographs",
    "report": "lqjax.answering",
    "severity_for": "lqjax.imaging.equal_damage",
    "start_distributed": "lqjax.joining",
    "train": "lqjax.experiment",
    "use_frost_photographs": "lqjax.imaging.frost_photographs",
}
__all__ = sorted([*_HOMES, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"lqjax has no {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
