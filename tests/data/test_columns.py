import datetime
from decimal import Decimal

import numpy as np
import pytest

from wengert.data._columns import as_column, kind_of, missing_in, named_rows, nearest
from wengert.errors import DataError


@pytest.mark.parametrize(
    ("values", "kind", "dtype"),
    [
        ([1, 2], "integer", "int64"),
        (np.array([1, 2], dtype=np.uint8), "integer", "int64"),
        ([1, None], "number", "float64"),
        ([1.5, float("nan")], "number", "float64"),
        ([Decimal("1.5"), Decimal(2)], "number", "float64"),
        ([2**70, 1], "number", "float64"),
        (np.array([2**63], dtype=np.uint64), "number", "float64"),
        ([True, False], "boolean", "bool"),
        ([True, None], "number", "float64"),
        (["a", None], "text", "object"),
        (np.array(["a", "b"]), "text", "object"),
        (["a", 1], "text", "object"),
        ([1, "a", 2.5], "text", "object"),
        (["2011-01-01", "2011-01-02 10:30"], "date", "<M8[us]"),
        ([datetime.date(2011, 1, 1), None], "date", "<M8[us]"),
        (["2011-13-41"], "text", "object"),
        (["2011-01-01", "later"], "text", "object"),
        ([None, None], "number", "float64"),
        ([b"a", b"b"], "other", "object"),
        ([[1, 2], [3, 4]], "other", "object"),
        ([[1, 2], [3]], "other", "object"),
        ([], "number", "float64"),
    ],
)
def test_kind_of_values(values, kind, dtype):
    column = as_column("x", values)
    assert (kind_of(column), column.dtype) == (kind, np.dtype(dtype))


def test_whole_numbers_and_text_do_not_merge():
    assert as_column("x", [1, "a"]).tolist() == ["1", "a"]


def test_durations_are_seconds():
    assert as_column("x", np.array([90], dtype="timedelta64[m]")).tolist() == [5400.0]


def test_a_zone_is_dropped_and_the_clock_kept():
    east = datetime.timezone(datetime.timedelta(hours=5))
    column = as_column("t", [datetime.datetime(2011, 1, 1, 23, tzinfo=east)])
    assert column[0] == np.datetime64("2011-01-01T23")


@pytest.mark.parametrize(
    "values",
    [[1.0, None], ["a", None], ["2011-01-01", None], [datetime.date(2011, 1, 1), None], [True, None]],
)
def test_what_is_missing_is_found_in_every_kind(values):
    assert missing_in(as_column("x", values)).tolist() == [False, True]


def test_a_column_has_one_dimension():
    with pytest.raises(DataError, match=r'column "x" has shape \(2, 2\)'):
        as_column("x", np.zeros((2, 2)))


def test_complex_is_refused():
    with pytest.raises(DataError, match=r'column "x" is complex; give its real and imaginary part'):
        as_column("x", np.array([1j]))


def test_nearest_says_nothing_rather_than_nonsense():
    assert nearest("zzz", ["temperature"]) == ""


def test_named_rows():
    assert [named_rows([4]), named_rows([4, 7]), named_rows(range(1, 9))] == [
        "row 4",
        "rows 4, 7",
        "rows 1, 2, 3, 4, 5 and 3 more",
    ]
