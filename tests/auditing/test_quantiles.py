import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.auditing.quantiles import counted_quantile, masked_quantile, quantile_and_number


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.5, 0.95, 0.99, 1.0])
def test_quantiles_of_counts_are_numpys_percentiles(share):
    random = np.random.default_rng(0)
    for number in (1, 2, 7, 40):
        values = random.integers(0, 11, number)
        counts = np.bincount(values, minlength=11).astype(np.float32)
        found = counted_quantile(jnp.asarray(counts[None]), share)[0]
        assert found == pytest.approx(np.percentile(values / 10, 100 * share), abs=1e-5)


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_masked_quantiles_are_order_statistics(kind):
    random = np.random.default_rng(1)
    values = (random.random((3, 9, 13)) * 1e6).astype(kind)
    mask = random.random(values.shape) < 0.4
    mask[2] = False
    found = np.asarray(masked_quantile(jnp.asarray(values), jnp.asarray(mask), 0.5, 1e6))
    for row in (0, 1):
        expected = np.percentile(values[row][mask[row]], 50, method="inverted_cdf")
        assert expected <= found[row] <= expected + 16
    assert np.isnan(found[2])


def test_a_quantile_of_zeros_is_zero():
    zeros = jnp.zeros((1, 4, 4))
    assert masked_quantile(zeros, zeros == 0, 0.5, 255.0)[0] == 0


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_a_quantile_comes_with_how_many_values_count(kind):
    """The largest possible one counts, and where nothing does there are none."""
    largest = 749_101_500
    values = np.asarray([[[largest, 3, largest]], [[5, 5, 5]]], kind)
    mask = np.asarray([[[True, False, True]], [[False, False, False]]])
    found, number = quantile_and_number(jnp.asarray(values), jnp.asarray(mask), 0.5, largest)
    assert number.dtype == jnp.int32
    assert number.tolist() == [2, 0]
    assert found[0] == pytest.approx(largest, rel=2e-5)
    assert np.isnan(found[1])
