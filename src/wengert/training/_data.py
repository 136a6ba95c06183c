"""From what the user gives to arrays in the model's dtype, with the rows that are held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from wengert import pytree
from wengert.data import split_rows
from wengert.errors import DataError, ModelError

__all__ = ["Data", "Validation", "model_dtype", "prepared", "rows_of"]

Array = NDArray[Any]
Validation = float | tuple[Any, Any] | None


@final
@dataclass(frozen=True)
class Data:
    """Arrays to train on, and to validate on if there are any."""

    inputs: Array
    targets: Array
    validation: tuple[Array, Array] | None


def model_dtype(model: Any) -> np.dtype[Any]:
    """The dtype of the numbers that the model learns."""
    found = {leaf.dtype for leaf in map(np.asarray, pytree.leaves(model)) if leaf.dtype.kind == "f"}
    if not found:
        raise ModelError(
            f"{type(model).__name__} has no arrays of floats among its leaves, so there is nothing to learn: "
            "a model is a frozen dataclass with arrays as fields, as nn.mlp makes them"
        )
    return np.result_type(*found)


def rows_of(value: Any, name: str, dtype: np.dtype[Any]) -> Array:
    """An array of finite numbers, one sample a row; floats in ``dtype``, integers as they are."""
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"{name} have dtype {array.dtype} and must be numbers: wengert.data.Encoding turns the columns "
            "of a table into numbers"
        )
    if array.ndim == 0 or len(array) == 0:
        raise DataError(f"{name} have shape {array.shape}: there is no row to learn from")
    if array.dtype.kind == "f":
        _check_finite(array, name)
    return _plain(array, dtype if array.dtype.kind == "f" else array.dtype.newbyteorder("="))


def _plain(array: Array, dtype: np.dtype[Any]) -> Array:
    """The array itself, if it lies row by row: as rows are fetched fastest, and as machine code takes them."""
    return np.require(array, dtype, ["C", "A"])


def _check_finite(array: Array, name: str) -> None:
    strange = ~np.isfinite(array)
    if strange.any():
        rows = np.flatnonzero(strange.reshape(len(array), -1).any(axis=1))
        raise DataError(
            f"{name} have {int(strange.sum())} numbers that are NaN or infinite, in {len(rows)} of "
            f"{len(array)} rows, the first in row {rows[0]}: drop those rows, or fill in the numbers"
        )


def _pair(inputs: Any, targets: Any, kind: str, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    x, y = rows_of(inputs, f"{kind}inputs", dtype), rows_of(targets, f"{kind}targets", dtype)
    if len(x) != len(y):
        raise DataError(
            f"{kind}inputs have {len(x)} rows (shape {x.shape}) and {kind}targets {len(y)} "
            f"(shape {y.shape}): each row of inputs has one target"
        )
    # integers among the inputs are numbers like the others
    return _plain(x, dtype), y


def prepared(model: Any, inputs: Any, targets: Any, validation: Validation, seed: int) -> Data:
    """Checked arrays; ``validation`` is a fraction of the rows, a pair of arrays, or None."""
    dtype = model_dtype(model)
    x, y = _pair(inputs, targets, "", dtype)
    if validation is None or validation == 0:
        return Data(x, y, None)
    if isinstance(validation, tuple | list):
        return Data(x, y, _pair(*validation, "validation ", dtype))
    rows, held_out = split_rows(len(x), validation, seed)
    return Data(x[rows], y[rows], (x[held_out], y[held_out]))
