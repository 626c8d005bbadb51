"""Degradations as augmentation: a step computes the one that was drawn, and no other."""

import jax
import pytest

from lqjax.training import degrading
from tests.training.small import BATCH, Small, config, split
from tests.training.tiny import TinyNetwork

DRAWN_FROM = ("gaussian_noise(sigma=0.5)", "jpeg(quality=5)", "gamma(exponent=2)")
STEPS = 12


@pytest.mark.parametrize("at_once", [1, 4])
@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_step_computes_one_condition_alone(monkeypatch, at_once, accumulation):
    computed = []

    def counted(condition, images, numbers, seed):
        jax.debug.callback(lambda: computed.append(str(condition)))
        return images

    monkeypatch.setattr(degrading, "apply_condition", counted)
    settings = config(
        augmentation__degradations=",".join(DRAWN_FROM),
        augmentation__degradation_probability=1.0,
        training__accumulation=accumulation,
    )
    data = split(size=16, count=STEPS * BATCH)
    Small(TinyNetwork(image_size=16), settings, data, steps=at_once).run(STEPS)
    jax.effects_barrier()
    assert len(computed) == STEPS, "one a step, however many there are to choose from"
    assert len(set(computed)) == len(DRAWN_FROM)
