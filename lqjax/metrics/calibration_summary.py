"""Everything about the calibration of one set of answers, from scores and labels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from lqjax.metrics.accuracy import predictions
from lqjax.metrics.brier_decomposition import BrierDecomposition, decompose_brier_over_classes
from lqjax.metrics.calibration_error import adaptive_calibration_error, calibration_error
from lqjax.metrics.checks import check_scores
from lqjax.metrics.log_loss import negative_log_likelihood
from lqjax.metrics.reliability import ReliabilityDiagram, reliability_diagram
from lqjax.metrics.softmax import softmax


class CalibrationSummary(NamedTuple):
    """How far the confidences of a network's answers can be believed.

    Attributes:
      accuracy: share of right answers, in [0, 1].
      confidence: mean probability of the predicted class, in [0, 1].
      ece: expected calibration error, 15 bins of equal width, in [0, 1].
      adaptive_ece: the same over 15 bins of equally many answers.
      loss: mean log loss (NLL), in nats.
      brier: squared error summed over classes, mean over images, in [0, 2].
      parts: of the Brier score; their total is `brier`.
      diagram: the bins behind `ece`.
    """

    accuracy: float
    confidence: float
    ece: float
    adaptive_ece: float
    loss: float
    brier: float
    parts: BrierDecomposition
    diagram: ReliabilityDiagram


def summarise_calibration(
    logits: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"]
) -> CalibrationSummary:
    """Compute all calibration numbers of one set of answers.

    Args:
      logits: finite scores; divided by a temperature for the numbers after scaling.
      labels: true classes, each in [0, classes).

    Raises:
      ValueError: no examples, shapes or labels that do not fit, scores that are not finite.
    """
    logits, labels = np.asarray(logits), np.asarray(labels)
    check_scores(logits, labels)
    likely, correct = softmax(logits), predictions(logits) == labels
    confidences = likely.confidences
    diagram = reliability_diagram(confidences, correct)
    parts = decompose_brier_over_classes(likely.probabilities, labels)
    return CalibrationSummary(
        accuracy=float(correct.mean()),
        confidence=float(confidences.mean()),
        ece=calibration_error(diagram),
        adaptive_ece=adaptive_calibration_error(confidences, correct),
        loss=negative_log_likelihood(likely.logs, labels),
        brier=parts.total,
        parts=parts,
        diagram=diagram,
    )
