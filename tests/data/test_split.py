import numpy as np
import pytest

from wengert import random
from wengert.data import batches, split_rows
from wengert.errors import DataError


@pytest.mark.parametrize("n", [2, 3, 10, 101])
@pytest.mark.parametrize("fraction", [0.01, 0.2, 0.5, 0.99])
def test_a_split_is_a_partition_with_two_parts(n, fraction):
    training, held_out = split_rows(n, fraction)
    assert sorted([*training, *held_out]) == list(range(n))
    assert len(training) >= 1
    assert len(held_out) == min(max(round(fraction * n), 1), n - 1)


def test_the_seed_decides():
    first, again, other = (split_rows(100, 0.2, seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_rows_are_drawn_at_random():
    held_out = split_rows(10_000, 0.2, 3)[1]
    assert abs(held_out.mean() - 5000) < 200  # 4 standard errors of the mean are 230


def test_strata_keep_their_share():
    strata = np.repeat(["a", "b", "c"], [600, 300, 100])
    _, held_out = split_rows(1000, 0.2, strata=strata)
    assert np.unique(strata[held_out], return_counts=True)[1].tolist() == [120, 60, 20]


def test_no_class_is_held_out_whole():
    strata = np.array([0] * 10 + [1])
    training, _ = split_rows(11, 0.9, strata=strata)
    assert set(strata[training]) == {0, 1}


def test_rare_classes_still_leave_a_row_to_test_on():
    _, held_out = split_rows(6, 0.1, strata=[0, 0, 1, 1, 2, 2])
    assert len(held_out) == 1


def test_bad_splits():
    with pytest.raises(DataError, match="1 row cannot be split"):
        split_rows(1, 0.2)
    with pytest.raises(DataError, match=r"between 0 and 1, and 20 does not; 0\.2 is usual"):
        split_rows(10, 20)
    with pytest.raises(DataError, match=r"strata has shape \(3,\) and there are 10 rows"):
        split_rows(10, 0.2, strata=[1, 2, 3])


def test_batches_go_over_each_row_once():
    drawn = list(batches(10, 3, random.key(0)))
    assert [len(rows) for rows in drawn] == [3, 3, 3, 1]
    assert sorted(np.concatenate(drawn)) == list(range(10))


def test_batches_are_shuffled_by_their_key():
    order = [np.concatenate(list(batches(50, 8, random.key(seed)))).tolist() for seed in (0, 0, 1)]
    assert order[0] == order[1] != order[2]
    assert order[0] != sorted(order[0])


def test_a_batch_larger_than_the_data():
    assert [sorted(rows) for rows in batches(3, 64, random.key(0))] == [[0, 1, 2]]


def test_batches_with_replacement_repeat_rows():
    drawn = np.concatenate(list(batches(1000, 64, random.key(0), replace=True)))
    # the share of rows drawn at least once tends to 1 - 1/e
    assert len(drawn) == 1000
    assert abs(len(set(drawn.tolist())) / 1000 - (1 - np.exp(-1))) < 0.05


def test_bad_batches():
    with pytest.raises(DataError, match="batches of 0 from 5 rows cannot be drawn"):
        batches(5, 0, random.key(0))
