"""The training loss against PyTorch and against its formula in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from lqjax.config import TrainingConfig
from lqjax.training.class_weights import class_weights
from lqjax.training.loss import check_loss, make_loss

EXAMPLES, NAMES = 12, ("bird", "cat", "dog", "eel")
CLASSES = len(NAMES)
COUNTS = np.array([10, 20, 30, 40])
MAPPING = "cat=2,eel=0.5"
WEIGHTS = {"none": [1.0] * 4, "auto": [2.5, 1.25, 5 / 6, 0.625], MAPPING: [1.0, 2.0, 1.0, 0.5]}


def data():
    generator = np.random.default_rng(0)
    logits = 3 * generator.normal(size=(EXAMPLES, CLASSES))
    labels = generator.integers(0, CLASSES, EXAMPLES)
    share = generator.random((EXAMPLES, 1))
    hard = np.eye(CLASSES)[labels]
    return logits, labels, hard, share * hard + (1 - share) * hard[::-1]


def found(targets, **settings):
    settings = TrainingConfig(**settings)
    loss = make_loss(settings)
    counted = jnp.asarray(class_weights(settings.class_weights, NAMES, COUNTS), jnp.float32)
    logits = jnp.asarray(data()[0], jnp.float32)
    losses, weights = jax.jit(loss)(logits, jnp.asarray(targets, jnp.float32), counted)
    assert losses.shape == weights.shape == (EXAMPLES,)
    assert losses.dtype == weights.dtype == jnp.float32
    losses, weights = np.asarray(losses, np.float64), np.asarray(weights, np.float64)
    return losses, weights, (losses * weights).sum() / weights.sum()


def losses_of_torch(targets, class_weights, smoothing, reduction):
    """Give PyTorch's cross-entropy in float64, of labels or of shares."""
    torch = pytest.importorskip("torch")
    return torch.nn.functional.cross_entropy(
        torch.tensor(data()[0]),
        torch.tensor(targets),
        weight=torch.tensor(WEIGHTS[class_weights], dtype=torch.float64),
        label_smoothing=smoothing,
        reduction=reduction,
    ).numpy()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("class_weights", WEIGHTS)
def test_labels_give_the_mean_of_torch(class_weights, smoothing):
    _, labels, hard, _ = data()
    wanted = losses_of_torch(labels, class_weights, smoothing, "mean")
    _, weights, mean = found(hard, class_weights=class_weights, label_smoothing=smoothing)
    assert mean == pytest.approx(float(wanted), rel=1e-5)
    np.testing.assert_allclose(weights, np.array(WEIGHTS[class_weights])[labels], rtol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("class_weights", WEIGHTS)
def test_mixed_targets_give_the_losses_of_torch(class_weights, smoothing):
    mixed = data()[3]
    wanted = losses_of_torch(mixed, class_weights, smoothing, "none")
    losses, weights, mean = found(mixed, class_weights=class_weights, label_smoothing=smoothing)
    np.testing.assert_allclose(losses * weights, wanted, rtol=1e-5)
    np.testing.assert_allclose(weights, mixed @ WEIGHTS[class_weights], rtol=1e-6)
    if class_weights == "none":
        assert mean == pytest.approx(wanted.mean(), rel=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("class_weights", WEIGHTS)
def test_focal_of_labels(class_weights, gamma):
    """Lin et al.: -alpha (1 - p_t) ** gamma log p_t, alpha divided out by the weighted mean."""
    logits, labels, hard, _ = data()
    p = scipy.special.softmax(logits, axis=1)[np.arange(EXAMPLES), labels]
    losses, weights, _ = found(hard, loss="focal", focal_gamma=gamma, class_weights=class_weights)
    np.testing.assert_allclose(losses, -((1 - p) ** gamma) * np.log(p), rtol=1e-4)
    np.testing.assert_allclose(weights, np.array(WEIGHTS[class_weights])[labels], rtol=1e-6)


def test_focal_of_mixed_targets_is_the_mix_of_the_focal_losses():
    logits, _, _, mixed = data()
    p = scipy.special.softmax(logits, axis=1)
    smoothed = 0.9 * mixed + 0.1 / CLASSES
    losses, _, _ = found(mixed, loss="focal", focal_gamma=2.0, label_smoothing=0.1)
    np.testing.assert_allclose(losses, (-smoothed * (1 - p) ** 2 * np.log(p)).sum(1), rtol=1e-4)


@pytest.mark.parametrize("gamma", [0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("logit", [0.0, 8.0, 1e4])
def test_focal_has_finite_gradients_where_the_network_is_sure(gamma, logit):
    loss = make_loss(TrainingConfig(loss="focal", focal_gamma=gamma))
    targets, even = jnp.eye(CLASSES)[:1], jnp.ones(CLASSES)
    gradient = jax.grad(lambda logits: loss(logits, targets, even)[0].sum())(logit * targets)
    assert np.isfinite(gradient).all()
    p = scipy.special.softmax(logit * np.eye(CLASSES)[0])[0]
    if p < 1:
        # d/dz_y of -(1 - p) ** gamma log p, with dp / dz_y = p (1 - p)
        wanted = gamma * p * (1 - p) ** gamma * np.log(p) - (1 - p) ** (gamma + 1)
        assert float(gradient[0, 0]) == pytest.approx(wanted, rel=1e-3)


def test_the_settings_are_checked_against_the_classes():
    check_loss(TrainingConfig(class_weights=MAPPING), NAMES)
    with pytest.raises(ValueError, match="unknown class 'cta'; allowed: cat"):
        check_loss(TrainingConfig(class_weights="cta=2"), NAMES)
    with pytest.raises(ValueError, match="unknown class 'cta'"):
        class_weights("cta=2", NAMES, COUNTS)
