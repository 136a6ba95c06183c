"""Input that cannot be used: one clear error, naming the thing and the mend."""

import numpy as np
import pytest

from wengert import nn, optim, random, training
from wengert.errors import DataError, ModelError, ShapeError


def model(seed=0, dropout=0.0, dtype=np.float64):
    return nn.mlp(random.key(seed), [3, 8, 2], dropout=dropout, dtype=dtype)


def fit(*args, **kwargs):
    chosen = {
        "loss": nn.softmax_cross_entropy,
        "optimizer": optim.adam(0.01),
        "epochs": 3,
        "progress": "none",
    }
    return training.fit(*args, **{**chosen, **kwargs})


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        (np.zeros((0, 3)), np.zeros(0, int), r"inputs have shape \(0, 3\): there is no row"),
        (
            np.zeros((5, 3)),
            np.zeros(4, int),
            r"inputs have 5 rows \(shape \(5, 3\)\) and targets 4 \(shape \(4,\)\)",
        ),
        (np.zeros((5, 3)), np.array(["a"] * 5), "targets have dtype <U1 and must be numbers"),
        (np.array([["a"] * 3] * 5), np.zeros(5, int), r"inputs have dtype <U1.*wengert\.data\.Encoding"),
        (
            np.zeros((5, 3)),
            [0, 1, np.nan, 0, np.nan],
            "targets have 2 numbers that are NaN.*2 of 5 rows.*in row 2",
        ),
        (np.full((5, 3), np.inf), np.zeros(5, int), "inputs have 15 numbers that are NaN or infinite"),
        (3.0, np.zeros(5, int), r"inputs have shape \(\)"),
        (np.zeros((1, 3)), np.zeros(1, int), "two are needed"),
    ],
)
def test_data_that_cannot_be_used(x, y, text):
    with pytest.raises(DataError, match=text):
        fit(model(), x, y)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"epochs": 0}, "epochs is 0 and must be an integer of at least 1"),
        ({"epochs": 2.5}, r"epochs is 2\.5"),
        ({"batch_size": 0}, "batch_size is 0 .* or None for all rows at once"),
        ({"batch_size": -3}, "batch_size is -3"),
        ({"patience": 0}, "patience is 0"),
        ({"loss": "mse"}, r"loss is 'mse'.*loss=nn\.softmax_cross_entropy"),
        ({"optimizer": "adam"}, r"optimizer is 'adam'.*optim\.adam\(1e-3\)"),
    ],
)
def test_arguments_that_make_no_sense(problem, options, text):
    with pytest.raises(ModelError, match=text):
        fit(model(), *problem, **options)


def test_validation_that_makes_no_sense(problem):
    with pytest.raises(DataError, match="between 0 and 1"):
        fit(model(), *problem, validation=1.5)
    with pytest.raises(DataError, match="validation inputs have 2 rows"):
        fit(model(), *problem, validation=(np.zeros((2, 3)), np.zeros(3, int)))


def test_a_model_without_numbers(problem):
    with pytest.raises(ModelError, match="Sequential has no arrays of floats"):
        fit(nn.Sequential([nn.relu]), *problem)


def test_wrong_widths_name_the_layer(problem):
    with pytest.raises(ShapeError, match=r"layers\[0\]: Dense\(4 → 2\) takes rows of 4 numbers"):
        fit(nn.mlp(random.key(0), [4, 2]), *problem)
