"""Mean and scale of numbers, and numbers in terms of them; refused where float64 cannot hold them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert.data._columns import Array, named_rows
from wengert.errors import DataError

__all__ = ["mean_and_scale", "standardised"]

# what is squared and summed on the way to a loss or a metric has to stay in the range of float64, 1e±308
LEAST, MOST = 1e-140, 1e140


def mean_and_scale(what: str, values: Array) -> tuple[float, float]:
    """Mean and standard deviation of numbers without gaps; the scale is 0 only where all are the same.

    Raises:
        DataError: if they are too large, or too close together; ``what`` names the column in the message.

    Example:
        >>> mean_and_scale('column "x"', np.array([1.0, 3.0]))
        (2.0, 1.0)
    """
    values = values.astype(np.float64)
    least, most = float(values.min()), float(values.max())
    if least == most:
        return least, 0.0
    with np.errstate(all="ignore"):
        mean, scale = float(values.mean()), float(values.std())
    if not (LEAST < scale < MOST and np.isfinite(mean)):
        small = scale <= LEAST
        raise DataError(
            f"{what} runs from {least:g} to {most:g}: numbers too {'close together' if small else 'far apart'} to be "
            f"standardised in float64, which ends at 1e{'-' if small else '+'}308; rescale the column "
            f"({'multiply' if small else 'divide'} it by a power of ten), take its logarithm, or drop it"
        )
    return mean, scale


def standardised(what: str, values: Array, mean: float, scale: float, rows: NDArray[Any]) -> NDArray[np.float64]:
    """``(values - mean) / scale``.

    Raises:
        DataError: if a value is so far from those that mean and scale come from that float64 cannot work on it.

    Example:
        >>> standardised('column "x"', np.array([4.0]), 2.0, 1.0, np.array([1]))
        array([2.])
    """
    with np.errstate(all="ignore"):
        found = (values - mean) / scale
    bad = np.abs(found) >= MOST
    if bad.any():
        raise DataError(
            f"{what} is {values[bad][0]:g} in {named_rows(rows[bad])}, too far from the values the encoding was "
            f"fitted on (mean {mean:g}, standard deviation {scale:g}) to be standardised in float64; correct or "
            f"remove these values, or learn from the logarithm of the column"
        )
    return found
