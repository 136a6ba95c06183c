"""Real sets that scikit-learn carries with it; nothing is downloaded."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.data._read import not_installed
from wengert.data._table import Table

__all__ = ["breast_cancer", "diabetes", "digits"]


def _datasets(name: str) -> Any:
    try:
        from sklearn import datasets
    except ImportError as error:
        raise not_installed("scikit-learn", "sklearn", f'the data set "{name}"') from error
    return datasets


def digits() -> Table:
    """1797 handwritten digits, 8 × 8 pixels of 0 to 16; target ``digit`` (Alpaydin and Kaynak, 1998).

    Example:
        >>> from wengert import data
        >>> data.digits().image_shape
        (8, 8)
    """
    bunch = _datasets("digits").load_digits()
    columns = {f"pixel {i // 8} {i % 8}": bunch.data[:, i] for i in range(64)}
    return Table({**columns, "digit": bunch.target}, name="digits", target="digit", image_shape=(8, 8))


def diabetes() -> Table:
    """442 patients, ten measurements; target ``progression`` of the disease in a year (Efron et al., 2004).

    Example:
        >>> from wengert import data
        >>> len(data.diabetes())
        442
    """
    bunch = _datasets("diabetes").load_diabetes(scaled=False)
    return Table({**_named_columns(bunch), "progression": bunch.target}, name="diabetes", target="progression")


def breast_cancer() -> Table:
    """569 tumours, thirty measurements; target ``diagnosis``, malignant or benign (Street et al., 1993).

    Example:
        >>> from wengert import data
        >>> sorted(set(data.breast_cancer().columns["diagnosis"]))
        ['benign', 'malignant']
    """
    bunch = _datasets("breast_cancer").load_breast_cancer()
    diagnosis = np.asarray(bunch.target_names)[bunch.target]
    return Table({**_named_columns(bunch), "diagnosis": diagnosis}, name="breast_cancer", target="diagnosis")


def _named_columns(bunch: Any) -> dict[str, Any]:
    return {str(name): bunch.data[:, i] for i, name in enumerate(bunch.feature_names)}
