import numpy as np
import pytest

from wengert.data import Encoding, Table, find_task
from wengert.errors import DataError

N = 40


def table(**columns):
    return Table({"x": np.linspace(0, 1, len(next(iter(columns.values())))), **columns}, name="t")


def refused(values, task=None):
    with pytest.raises(DataError) as caught:
        find_task(table(y=values), "y", task)
    return str(caught.value)


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["red", "blue"] * 20, "classification"),
        ([True, False] * 20, "classification"),
        ([0, 1, 2, 3] * 10, "classification"),
        (list(range(40)), "regression"),
        ([0.0, 1.0] * 20, "regression"),
        (np.linspace(0, 1, 40), "regression"),
        ([3, 1, 4], "regression"),
    ],
)
def test_task_by_the_target(values, task):
    assert find_task(table(y=values), "y") == task


def test_task_can_be_overruled():
    assert find_task(table(y=[0, 1] * 20), "y", "regression") == "regression"
    assert find_task(table(y=[0.0, 1.0] * 20), "y", "classification") == "classification"
    assert find_task(table(y=[True, False] * 20), "y", "regression") == "regression"


def test_an_unknown_task():
    assert refused([1, 2], "ranking") == 'task is "regression" or "classification", not \'ranking\''


def test_missing_targets_are_counted_and_named():
    message = refused([1.0, None, 3.0, None])
    assert 'the target "y" has no value in 2 of 4 rows (rows 2, 4)' in message
    assert 'table.without_missing("y")' in message


def test_rows_are_numbered_as_in_the_file():
    part = table(y=[1.0, 2.0, 3.0, None]).take([0, 3])
    with pytest.raises(DataError, match=r"1 of 2 rows \(row 4\)"):
        find_task(part, "y")


def test_an_infinite_target():
    assert 'column "y" is infinite in 1 of 3 rows (row 3)' in refused([1.0, 2.0, np.inf])


def test_text_and_regression():
    message = refused(["red", "blue", "red"], "regression")
    assert 'the target "y" is text ("red", "blue", …) and regression predicts numbers' in message
    assert 'learn its 2 classes with task="classification"' in message


def test_dates_are_no_target():
    message = refused(["2011-01-01", "2011-01-02"])
    assert 'the target "y" is dates' in message
    assert "turn the column into numbers" in message


def test_too_many_classes():
    assert "has 40 different values in 40 rows: too many to be classes" in refused([f"id{i}" for i in range(40)])
    assert 'use task="regression"' in refused(np.linspace(0, 1, 40), "classification")


def test_one_row_and_no_rows():
    assert refused([1]) == '"t" has 1 row; learning needs rows to learn from and to test on'
    assert '"t" has 0 rows' in refused([])


def test_a_target_that_never_changes():
    assert 'the target "y" is 3 in every one of the 4 rows; there is nothing to learn' in refused([3] * 4)


def test_a_target_that_is_not_there():
    with pytest.raises(DataError, match=r'"t" has no column "Y"\. Did you mean "y"\?'):
        find_task(table(y=[1, 2]), "Y")


def test_amounts_are_standardised_and_come_back():
    source = table(y=[1.0, 2.0, 4.0, 9.0])
    encoding = Encoding.fit(source, "y")
    targets = encoding.targets(source)
    assert (targets.mean(), targets.std()) == pytest.approx((0.0, 1.0))
    assert (encoding.target_mean, encoding.target_scale) == (4.0, np.std([1.0, 2.0, 4.0, 9.0]))
    np.testing.assert_allclose(encoding.decode(targets[:, None]), source["y"])
    np.testing.assert_allclose(encoding.decode(targets), source["y"])


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([10, 9, 10, 9], ("9", "10")),
        (["b", "a", "b", "a"], ("a", "b")),
        ([True, False] * 2, ("False", "True")),
    ],
)
def test_classes_are_numbered_in_order_and_come_back(values, classes):
    source = table(y=values)
    encoding = Encoding.fit(source, "y")
    assert encoding.classes == classes
    codes = encoding.targets(source)
    assert codes.dtype == np.int64
    assert codes.tolist() == [classes.index(str(v)) for v in values]
    assert encoding.decode(np.eye(2)[codes]).tolist() == values


def test_fractions_as_classes_are_whole_where_they_can_be():
    assert Encoding.fit(table(y=[1.0, 2.0] * 20), "y", task="classification").classes == ("1", "2")


def test_a_class_that_training_did_not_have():
    encoding = Encoding.fit(table(y=["a", "b"] * 2), "y")
    with pytest.raises(DataError, match=r'has the class "c", which the encoding does not know; .* a, b'):
        encoding.targets(table(y=["a", "c"]))


def test_outputs_of_the_wrong_shape():
    amount = Encoding.fit(table(y=[1.0, 2.5, 3.0]), "y")
    with pytest.raises(DataError, match=r'"y" are \(n,\) or \(n, 1\), not \(3, 2\)'):
        amount.decode(np.zeros((3, 2)))
    classes = Encoding.fit(table(y=["a", "b"] * 2), "y")
    with pytest.raises(DataError, match=r"logits for 2 classes are \(n, 2\), not \(4,\)"):
        classes.decode(np.zeros(4))
