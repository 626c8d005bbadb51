"""Scores and labels for the tests of metrics: random, and with something missing or in excess."""

import warnings

import numpy as np
from scipy import special

from lqjax.metrics.confusion import confusion_matrix


def scores(n, classes, seed, dtype=np.float32):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n).astype(np.int32)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), labels] += 1.0
    return logits.astype(dtype), labels


def hard(name):
    """Make scores and labels that have something missing or in excess."""
    logits, labels = scores(120, 5, 9, np.float64)
    match name:
        case "random":
            pass
        case "a class absent from the labels":
            logits, labels = logits[labels != 3], labels[labels != 3]
        case "a class absent from the predictions":
            logits[:, 3] -= 50
        case "a class absent from both":
            logits, labels = logits[labels != 3], labels[labels != 3]
            logits[:, 3] -= 50
        case "equal pictures":
            logits = logits[np.arange(len(labels)) % 12]
        case "rounded scores":
            logits = np.round(logits)
        case "all scores equal":
            logits[:] = 0
        case "all right":
            logits = 4 * np.eye(5)[labels]
        case "all wrong":
            logits = -4 * np.eye(5)[labels]
        case "one class, all right":
            labels[:] = 2
            logits[:, 2] += 50
        case "one class, some right":
            labels[:] = 2
        case "one class, all wrong":
            labels[:] = 2
            logits[:, 2] -= 50
        case "one answer":
            logits[:, 2] += 50
        case "one example, right":
            logits, labels = np.array([[0.0, 2.0, 1.0]]), np.array([1])
        case "one example, wrong":
            logits, labels = np.array([[0.0, 2.0, 1.0]]), np.array([0])
        case "two classes":
            logits, labels = scores(90, 2, 4, np.float64)
        case "two classes, ties":
            logits, labels = scores(90, 2, 4, np.float64)
            logits = np.round(logits)
        case "two classes, no positive":
            logits, labels = np.eye(2)[[0, 1, 1]], np.zeros(3, int)
        case "two classes, no negative":
            logits, labels = np.eye(2)[[0, 1, 1]], np.ones(3, int)
        case _:
            raise KeyError(name)
    return logits, labels


HARD = (
    "random", "a class absent from the labels", "a class absent from the predictions",
    "a class absent from both", "equal pictures", "rounded scores", "all scores equal",
    "all right", "all wrong", "one class, all right", "one class, some right",
    "one class, all wrong", "one answer", "one example, right", "one example, wrong",
    "two classes", "two classes, ties", "two classes, no positive", "two classes, no negative",
)  # fmt: skip


def quietly(function, *arguments, **settings):
    """Call scikit-learn where it warns of what the case is about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **settings)


def hard_matrix(name):
    logits, labels = hard(name)
    predicted, classes = logits.argmax(1), logits.shape[1]
    return labels, predicted, classes, confusion_matrix(labels, predicted, classes)


def draw(n, classes, sharpen, seed=0):
    """Draw labels from a softmax and return its logits times `sharpen`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes)) * 2
    shares = special.softmax(logits, axis=1)
    labels = np.array([rng.choice(classes, p=share) for share in shares])
    return logits * sharpen, labels
