import json
import random

import numpy as np
import pytest

from wengert.data import Encoding, Table
from wengert.errors import DataError

N = 40
LINE = np.linspace(0, 1, N)


def refused(x=LINE, y=LINE):
    with pytest.raises(DataError) as caught:
        Encoding.fit(Table({"x": x, "y": y}), "y")
    return str(caught.value)


def powers():
    draw = random.Random(0)
    return np.array([10.0 ** draw.randrange(-300, 300) for _ in range(N)])


@pytest.mark.parametrize("values", [powers(), LINE * 1e308, LINE * 1e200, 1e308 * (2 * LINE - 1) * 1.7])
def test_numbers_too_far_apart(values):
    rest = "numbers too far apart to be standardised in float64, which ends at 1e+308; rescale the column (divide"
    for name, message in (('column "x"', refused(x=values)), ('the target "y"', refused(y=values))):
        assert message.startswith(f"{name} runs from ")
        assert rest in message
        assert message.endswith("take its logarithm, or drop it")


@pytest.mark.parametrize("values", [LINE * 1e-320, LINE * 1e-200])
def test_numbers_too_close_together(values):
    rest = (
        "numbers too close together to be standardised in float64, which ends at 1e-308; rescale the column (multiply"
    )
    assert refused(x=values).startswith('column "x" runs from 0 to ')
    assert refused(y=values).startswith('the target "y" runs from 0 to ')
    assert rest in refused(x=values)


@pytest.mark.parametrize("factor", [1e-100, 1e100])
def test_large_and_small_numbers_within_reach_are_standardised(factor):
    table = Table({"x": LINE * factor, "y": LINE * factor})
    encoding = Encoding.fit(table, "y")
    expected = (LINE - LINE.mean()) / LINE.std()
    np.testing.assert_allclose(encoding.inputs(table)[:, 0], expected)
    np.testing.assert_allclose(encoding.targets(table), expected)
    np.testing.assert_allclose(encoding.decode(expected), LINE * factor, rtol=1e-12, atol=1e-12 * factor)
    assert Encoding.from_config(json.loads(json.dumps(encoding.to_config()))) == encoding


def test_one_value_and_gaps_has_no_scale_of_rounding_errors():
    x = np.array([np.nan, 0.1, 0.1, 0.1])
    assert np.nanstd(x) > 0, "so it is, by rounding"
    assert Encoding.fit(Table({"x": x, "y": [1.0, 2.5, 3.0, 4.0]}), "y").features == ("x missing",)


def test_later_values_out_of_reach():
    encoding = Encoding.fit(Table({"x": LINE * 1e-9, "y": LINE * 1e-9}), "y")
    later = Table({"x": [0.0, 1e308], "y": [0.0, 1e308]})
    for name, encode in (('column "x"', encoding.inputs), ('the target "y"', encoding.targets)):
        with pytest.raises(DataError) as caught:
            encode(later)
        assert str(caught.value).startswith(f"{name} is 1e+308 in row 2, too far from the values")


def test_pixels_out_of_reach():
    columns = {f"p{i}": LINE * 1e300 for i in range(4)}
    with pytest.raises(DataError, match="the picture runs from 0 to 1e"):
        Encoding.fit(Table({**columns, "y": LINE}, image_shape=(2, 2)), "y")
