import numpy as np
import pytest

from wengert.data import Table, blobs, moons
from wengert.errors import DataError


@pytest.fixture
def table():
    return Table({"x": [1.0, 2.0, 3.0], "city": ["a", None, "b"], "y": [1, 2, 3]}, name="towns")


def test_columns_cannot_be_changed(table):
    with pytest.raises(ValueError, match="read-only"):
        table.columns["x"][0] = 9.0


def test_the_callers_array_stays_writeable():
    x = np.zeros(3)
    Table({"x": x})
    x[0] = 1.0


def test_the_callers_array_is_not_aliased():
    x = np.zeros(3)
    table = Table({"x": x})
    x[0] = 1.0
    assert table["x"][0] == 0.0


def test_take_keeps_the_numbers_of_rows_and_the_kinds(table):
    part = table.take([2, 1]).take([1])
    assert (part.rows.tolist(), part["city"].tolist(), part["city"].dtype) == ([2], [None], np.dtype(object))


def test_take_by_mask(table):
    assert table.take(table["x"] > 1)["y"].tolist() == [2, 3]


def test_a_part_keeps_name_and_target():
    part = moons().take([0]).drop(["x1"])
    assert (part.name, part.target, list(part.columns)) == ("moons", "label", ["x2", "label"])


def test_drop_takes_one_name_too(table):
    assert list(table.drop("city").columns) == ["x", "y"]


def test_columns_of_unequal_length():
    with pytest.raises(DataError, match=r"have one length, and these have \{'x': 2, 'y': 3\}"):
        Table({"x": [1, 2], "y": [1, 2, 3]})


def test_a_column_that_is_not_there_suggests_the_nearest(table):
    with pytest.raises(DataError, match=r'"towns" has no column "City"\. Did you mean "city"\? It has: x, city, y'):
        table["City"]
    with pytest.raises(DataError, match=r'"towns" has no column to drop "z"'):
        table.drop(["z"])


def test_without_missing(table):
    assert table.without_missing("city")["y"].tolist() == [1, 3]
    assert len(table.without_missing("x")) == 3
    assert len(table.without_missing()) == 2


def test_arrays():
    x, y = blobs().arrays()
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((200, 2), np.float64, (200,), np.int64)


def test_arrays_of_text_name_the_encoding(table):
    with pytest.raises(DataError, match=r'"city" of "towns" is not numbers; .*Encoding.fit\(table, "y"\)'):
        table.arrays("y")
    with pytest.raises(DataError, match=r'"towns" has no target of its own'):
        table.arrays()
