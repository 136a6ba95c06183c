"""Tables, their encoding as numbers, batches, and data sets to learn on."""

from wengert.data._bundled import breast_cancer, diabetes, digits
from wengert.data._columns import DataWarning
from wengert.data._encoding import Encoding
from wengert.data._load import BUILT_IN, load
from wengert.data._split import batches, row_order, split_rows
from wengert.data._synthetic import blobs, circles, moons, polynomial_regression, spirals, triangle
from wengert.data._table import Table
from wengert.data._target import find_task

__all__ = [
    "BUILT_IN",
    "DataWarning",
    "Encoding",
    "Table",
    "batches",
    "blobs",
    "breast_cancer",
    "circles",
    "diabetes",
    "digits",
    "find_task",
    "load",
    "moons",
    "polynomial_regression",
    "row_order",
    "spirals",
    "split_rows",
    "triangle",
]
