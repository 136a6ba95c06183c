import json
import warnings

import numpy as np
import pytest

from wengert.data import DataWarning, Encoding, Table, digits
from wengert.errors import DataError

DAYS = np.arange("2011-01-01", "2011-03-01", dtype="datetime64[D]")
N = len(DAYS)


def fitted(y=None, **columns):
    n = len(next(iter(columns.values())))
    table = Table({**columns, "y": np.linspace(0, 1, n) if y is None else y}, name="t")
    return Encoding.fit(table, "y"), table


def column(encoding, table, feature):
    return encoding.inputs(table)[:, encoding.features.index(feature)]


def refused(**columns):
    with pytest.raises(DataError) as caught:
        fitted(**columns)
    return str(caught.value)


# ---- each kind of column ----------------------------------------------------------------------


def test_numbers_are_standardised():
    encoding, table = fitted(x=[1.0, 2.0, 6.0])
    x = np.array([1.0, 2.0, 6.0])
    np.testing.assert_allclose(encoding.inputs(table)[:, 0], (x - x.mean()) / x.std())


def test_mean_and_scale_are_those_of_the_training_rows():
    encoding, _ = fitted(x=[0.0, 2.0])
    np.testing.assert_allclose(encoding.inputs(Table({"x": [4.0]})), [[3.0]])


def test_booleans_are_numbers():
    encoding, table = fitted(b=[True, False, False, True])
    np.testing.assert_allclose(encoding.inputs(table)[:, 0], [1, -1, -1, 1])


def test_whole_numbers_of_few_values_are_levels_as_well():
    hours = np.arange(240) % 24
    encoding, table = fitted(hour=hours)
    assert encoding.features == ("hour", *(f"hour={h}" for h in range(24)))
    np.testing.assert_array_equal(encoding.inputs(table)[:, 1:], np.eye(24)[hours])


@pytest.mark.parametrize(
    "values", [np.arange(240) % 2, np.arange(240) % 40, np.arange(60) % 24, (np.arange(240) % 24) / 1.0]
)
def test_other_numbers_are_not_levels(values):
    encoding, _ = fitted(x=values)
    assert encoding.features == ("x",)


def test_gaps_do_not_hide_levels():
    encoding, table = fitted(hour=[*(int(h) for h in np.arange(240) % 4), None])
    assert encoding.features == ("hour", "hour=0", "hour=1", "hour=2", "hour=3", "hour missing")
    np.testing.assert_array_equal(encoding.inputs(table)[-1], [0, 0, 0, 0, 0, 1])


def test_a_table_of_many_counts_has_no_levels():
    encoding, _ = fitted(**{f"pixel{i}": (np.arange(200) + i) % 17 for i in range(20)})
    assert len(encoding.features) == 20


def test_categories_one_hot():
    encoding, table = fitted(sky=["wet", "dry", "wet", None])
    assert encoding.features == ("sky=dry", "sky=wet", "sky missing")
    assert encoding.inputs(table).tolist() == [[0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_a_category_not_seen_before_is_all_zeros_and_a_warning():
    encoding, _ = fitted(sky=["wet", "dry"])
    with pytest.warns(DataWarning, match=r'"sky" has "snow", which the training rows did not have'):
        assert encoding.inputs(Table({"sky": ["snow", "wet"]})).tolist() == [[0, 0], [0, 1]]


def test_categories_of_text_know_their_numbers():
    encoding, _ = fitted(zone=["1", "2", "A"])
    assert encoding.inputs(Table({"zone": [2, 1]})).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_missing_numbers_are_the_mean_and_say_so():
    encoding, table = fitted(x=[1.0, None, 3.0])
    assert encoding.features == ("x", "x missing")
    np.testing.assert_allclose(encoding.inputs(table), [[-1, 0], [0, 1], [1, 0]])


def test_a_column_of_one_value_and_gaps_says_where_the_gaps_are():
    encoding, table = fitted(x=[1.0, None, 1.0])
    assert encoding.features == ("x missing",)
    assert encoding.inputs(table).tolist() == [[0], [1], [0]]


def test_gaps_where_training_had_none_are_the_mean_and_a_warning():
    encoding, _ = fitted(x=[1.0, 3.0])
    with pytest.warns(DataWarning, match=r'column "x" has 1 missing values and had none in training'):
        assert encoding.inputs(Table({"x": [None, 3.0]})).tolist() == [[0.0], [1.0]]


def test_dates_are_split_where_they_vary():
    encoding, table = fitted(day=DAYS)
    parts = [f"day {part} {wave}" for part in ("month", "day", "weekday") for wave in ("sin", "cos")]
    assert encoding.features == tuple(parts)  # one year, no hours
    at = {name: column(encoding, table, name) for name in parts}
    python = [day.item() for day in DAYS]
    for part, period, found in [
        ("month", 12, [d.month - 1 for d in python]),
        ("day", 31, [d.day - 1 for d in python]),
        ("weekday", 7, [d.weekday() for d in python]),
    ]:
        angle = 2 * np.pi * np.array(found) / period
        np.testing.assert_allclose(at[f"day {part} sin"], np.sin(angle), atol=1e-12)
        np.testing.assert_allclose(at[f"day {part} cos"], np.cos(angle), atol=1e-12)


def test_hours_and_years_of_dates():
    when = np.array(["1969-05-05T06:59", "2012-05-05T18:00", None], dtype="datetime64[us]")
    encoding, table = fitted(t=when)
    np.testing.assert_allclose(column(encoding, table, "t year"), [-1, 1, 0])
    np.testing.assert_allclose(column(encoding, table, "t hour sin"), [1, -1, 0], atol=1e-12)
    assert column(encoding, table, "t missing").tolist() == [0, 0, 1]
    assert "t month sin" not in encoding.features


def test_a_picture_keeps_every_pixel_on_one_scale():
    table = digits()
    encoding = Encoding.fit(table)
    x = table.arrays()[0]
    np.testing.assert_allclose(encoding.inputs(table), (x - x.mean()) / x.std())


# ---- columns that are left out ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([3.0] * N, r"is 3\.0 in every row"),
        (["a"] * N, "is a in every row"),
        ([None] * N, "has no value in any row"),
        ([f"user {i}" for i in range(N)], f"has {N} different texts in {N} rows, as an identifier"),
        ([[1, 2]] * N, "holds values of type list, not numbers, text or dates"),
    ],
)
def test_columns_that_teach_nothing_are_left_out_with_a_message(values, reason):
    table = Table({"x": np.arange(N) / 7, "bad": values, "y": np.linspace(0, 1, N)})
    with pytest.warns(DataWarning, match=f'column "bad" is left out: it {reason}'):
        encoding = Encoding.fit(table, "y")
    assert encoding.features == ("x",)
    assert list(encoding.dropped) == ["bad"]


@pytest.mark.parametrize("name", ["id", "ID", "customer_id", "index", "Unnamed: 0", ""])
def test_row_numbers_are_left_out(name):
    table = Table({"x": np.arange(N) / 7, name: np.arange(N), "y": np.linspace(0, 1, N)})
    with pytest.warns(DataWarning, match="numbers the rows, as an identifier does"):
        assert Encoding.fit(table, "y").features == ("x",)


def test_a_count_is_not_an_identifier():
    assert fitted(paid=np.arange(N))[0].features == ("paid",)


def test_frequent_categories_may_be_many():
    assert len(fitted(city=[f"city {i % 150}" for i in range(3000)])[0].features) == 150


def test_nothing_left():
    with pytest.warns(DataWarning):
        message = refused(x=[3.0] * 4)
    assert message == '"t" has no column left to learn from\n  "x" is 3.0 in every row'
    table = Table({"x": [1.0, 2.0], "y": [0.0, 1.0]}, name="t")
    with pytest.raises(DataError, match='"t" has no column left to learn from; drop fewer of them'):
        Encoding.fit(table, "y", drop=["x"])


def test_dropped_columns_are_not_read():
    table = Table({"x": [1.0, 2.0], "bad": [np.inf, 1.0], "y": [0.5, 1.0]})
    assert Encoding.fit(table, "y", drop=["bad"]).features == ("x",)


# ---- what is refused --------------------------------------------------------------------------


def test_an_infinite_input():
    message = refused(x=[1.0, np.inf, 2.0, -np.inf])
    assert 'column "x" is infinite in 2 of 4 rows (rows 2, 4); leave these fields empty' in message


def test_a_column_to_drop_that_is_not_there():
    _, table = fitted(temp=[1.0, 2.0])
    with pytest.raises(DataError, match=r'"t" has no column to drop "tmp"\. Did you mean "temp"\?'):
        Encoding.fit(table, "y", drop=["tmp"])
    with pytest.raises(DataError, match='"y" is the target and cannot be dropped'):
        Encoding.fit(table, "y", drop=["y"])


def test_a_column_that_prediction_lacks():
    encoding, _ = fitted(temp=[1.0, 2.0])
    with pytest.raises(DataError, match=r'"new" has no column "temp"\. Did you mean "Temp"\?'):
        encoding.inputs(Table({"Temp": [1.0]}, name="new"))


def test_a_column_that_changed_its_kind():
    encoding, _ = fitted(x=[1.0, 2.0])
    with pytest.raises(DataError, match=r'"x" was numbers .* here it is text: \'warm\' in row 2'):
        encoding.inputs(Table({"x": [None, "warm"]}))
    encoding, _ = fitted(day=DAYS)
    with pytest.raises(DataError, match=r'"day" was dates .* here it is integer: \'7\' in row 1'):
        encoding.inputs(Table({"day": [7, 8]}))


def test_an_empty_column_at_prediction_is_all_missing():
    encoding, _ = fitted(x=[1.0, None, 2.0], day=["2011-01-01", None, "2011-02-01"], s=["a", None, "b"])
    found = encoding.inputs(Table({"x": [None], "day": [None], "s": [None]}))
    assert set(np.flatnonzero(found[0])) == {
        i for i, feature in enumerate(encoding.features) if feature.endswith("missing")
    }


def test_without_a_target_there_are_only_inputs():
    table = Table({"x": [1.0, 2.0]})
    encoding = Encoding.fit(table)
    assert encoding.task is None
    assert encoding.inputs(table).shape == (2, 1)
    with pytest.raises(
        DataError, match=r'this encoding has no target; fit it with one: Encoding.fit\(table, "column"\)'
    ):
        encoding.targets(table)


# ---- storing it -------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [np.linspace(0, 1, N), ["a", "b"] * (N // 2) + ["a"] * (N % 2)])
def test_json_and_back(target):
    encoding, table = fitted(
        y=target, x=[None, *np.arange(N - 1.0)], sky=["wet", *["dry"] * (N - 1)], day=DAYS, n=np.arange(N) % 4
    )
    again = Encoding.from_config(json.loads(json.dumps(encoding.to_config())))
    assert again == encoding
    np.testing.assert_array_equal(again.inputs(table), encoding.inputs(table))
    np.testing.assert_array_equal(again.targets(table), encoding.targets(table))


@pytest.mark.parametrize("config", [{}, {"encoders": [{"encoder": "Magic"}], "target": None, "dropped": {}}])
def test_what_is_not_an_encoding(config):
    with pytest.raises(DataError, match=r"this is not an encoding's description \(KeyError"):
        Encoding.from_config(config)


def test_fitting_says_nothing_when_all_is_well():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoding, table = fitted(x=[1.0, 2.0, 3.0], sky=["wet", "dry", "wet"])
        encoding.inputs(table)


# ---- thousands of columns -----------------------------------------------------------------------


def test_of_thousands_of_columns_left_out_ten_are_named():
    constant = {f"c{i}": [1.0] * 4 for i in range(3000)}
    with pytest.warns(DataWarning) as told:
        fitted(x=[1.0, 2.0, 3.0, 4.0], **constant)
    messages = [str(each.message) for each in told]
    assert len(messages) == 11
    assert messages[9] == 'column "c9" is left out: it is 1.0 in every row'
    assert messages[10] == "2990 more columns are left out, 3000 in all"
    with pytest.warns(DataWarning):
        message = refused(**constant)
    assert message.count('"c') == 10
    assert message.endswith('\n  "c9" is 1.0 in every row\n  and 2990 more')


def test_of_many_columns_with_new_gaps_ten_are_named():
    names = [f"c{i}" for i in range(30)]
    encoding, _ = fitted(**{name: [1.0, 2.5] for name in names})
    with pytest.warns(DataWarning) as told:
        encoding.inputs(Table({name: [None, 1.0] for name in names}))
    messages = [str(each.message) for each in told]
    assert len(messages) == 11
    assert messages[10] == "20 more columns have missing values and had none in training"
