"""How much each example counts in the training loss, as the data say."""

from __future__ import annotations

import dataclasses

import numpy as np

from lqjax.data.source import Catalogue, Listing


def with_checked_weights(listed: Catalogue) -> Catalogue:
    """Turn the weights of a data set to float32; those of a split that is not trained on stay.

    Raises:
      ValueError: a weight that float32 does not hold as a number greater than 0; one line.
    """
    splits = {part: _checked(listing) for part, listing in listed.splits.items()}
    return dataclasses.replace(listed, splits=splits)


def as_stored(weights: np.ndarray) -> np.ndarray:
    """Round weights to float32, which all of them are kept and written as; none is refused."""
    with np.errstate(over="ignore", under="ignore"):
        return weights.astype(np.float32)


def weight_notes(listed: Catalogue) -> tuple[str, ...]:
    """Say that images count by weights, where they do."""
    found = [one.weights for one in listed.splits.values() if one.weights is not None]
    if not found:
        return ()
    lowest, highest = min(each.min() for each in found), max(each.max() for each in found)
    return (f"images count in the training loss by their weights, {lowest:g} to {highest:g}",)


def _checked(listing: Listing) -> Listing:
    if listing.weights is None:
        return listing
    given = np.asarray(listing.weights, np.float64)
    weights = as_stored(given)
    usable = np.isfinite(weights) & (weights >= np.finfo(np.float32).tiny)
    if not usable.all():
        row = int(np.argmin(usable))
        raise ValueError(
            f"{listing.names[row]}: weight {given[row]:g} is not possible; allowed: a finite number"
            " greater than 0 (to leave an example out, take its line away)"
        )
    return dataclasses.replace(listing, weights=weights)
