"""Summaries of values, against NumPy; and small heat maps of large arrays."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

from wengert.explain.values import heat_map, heat_map_svg, summarise


def test_numbers_are_numpys(rng: np.random.Generator) -> None:
    x = rng.normal(size=(30, 40))
    x[0, :5] = 0
    s = summarise(x)
    assert (s.shape, s.dtype, s.size) == ((30, 40), "f64[30,40]", 1200)
    assert (s.low, s.high, s.zeros, s.nans, s.infs) == (x.min(), x.max(), 5, 0, 0)
    assert s.mean == pytest.approx(x.mean(), rel=1e-13)
    assert s.norm == pytest.approx(np.linalg.norm(x), rel=1e-13)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros((0, 3)), "f64[0,3] no elements"),
        (np.array([np.nan, np.nan]), "f64[2] NaN, 2 NaNs"),
        (np.array([np.inf, 1.0, -np.inf]), "f64[3] all 1, 2 ∞"),
        (np.array([-np.inf]), "f64[1] nothing finite"),
        (np.arange(5), "i64[5] 0 … 4, mean 2, 1 zero"),
        (np.array([True, False]), "bool[2] 0 … 1, mean 0.5, 1 zero"),
        (np.array([[1, 2], [3, 4]], np.int8), "i8[2,2] 1 … 4, mean 2.5"),
        (3, "int 3"), (2.5, "float 2.5"), (1 - 2j, "complex 1 − 2i"), (np.float32(2), "f32 2"),
        (np.array(4.0), "f64[] 4"), (True, "bool 1"), (0.0, "float 0"),
        (np.full((3, 4), 7.0), "f64[3,4] all 7"),
        (np.array([3 + 4j, 0]), "c128[2] 0 … 5, mean 1.5 + 2i, 1 zero"),
        (np.array([200, 100], np.uint8), "u8[2] 100 … 200, mean 150"),
    ],
)  # fmt: skip
def test_any_value_has_a_line(value: Any, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert str(summarise(value)) == text


def test_nothing_overflows() -> None:
    s = summarise(np.array([1e300, 1e300]))
    assert s.norm == pytest.approx(math.sqrt(2) * 1e300, rel=1e-14)
    assert summarise(np.array([3e-300, 4e-300])).norm == pytest.approx(5e-300, rel=1e-14)
    assert summarise(np.array([60000.0, 60000.0], np.float16)).mean == 60000


def test_ten_million_elements_in_any_layout(rng: np.random.Generator) -> None:
    x = rng.normal(size=(10_000, 1000)).astype(np.float32)
    x[7, 7] = np.nan
    s, t = summarise(x), summarise(x.T)
    assert (s.low, s.high, s.nans) == (t.low, t.high, t.nans) == (np.nanmin(x), np.nanmax(x), 1)
    assert s.norm == pytest.approx(np.sqrt(np.nansum(x.astype(float) ** 2)), rel=1e-12)
    assert np.shape(s.cells) == (16, 16)


@pytest.mark.parametrize("value", ["text", None, [object()]])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="a summary is of numbers"):
        summarise(value)


# ---- heat maps


def test_small_arrays_are_their_own_map() -> None:
    x = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(heat_map(x), x)
    assert heat_map(np.arange(3.0)).shape == (1, 3)
    assert heat_map(5).tolist() == [[5.0]]


def test_large_arrays_are_means_of_blocks() -> None:
    x = np.arange(64.0 * 32).reshape(64, 32)
    np.testing.assert_allclose(heat_map(x), x.reshape(16, 4, 16, 2).mean(axis=(1, 3)))
    assert heat_map(np.ones((17, 3))).shape == (16, 3)
    assert heat_map(np.ones((2, 3, 4, 5))).shape == (16, 5)


def test_nans_and_infinities_are_left_out_of_means() -> None:
    x = np.ones((32, 32))
    x[0, 0], x[0, 1], x[2:4, 2:4] = np.nan, np.inf, np.nan
    cells = heat_map(x)
    assert cells[0, 0] == 1
    assert math.isnan(cells[1, 1])
    assert np.count_nonzero(np.isnan(cells)) == 1


def test_the_picture_has_a_cell_for_each(visit: Any) -> None:
    s = summarise(np.array([[1.0, -2.0, np.nan], [0.0, 0.5, 2.0]]))
    svg = heat_map_svg(s, title="<W>")
    assert svg.count("<rect") == 7
    assert "&lt;W&gt;" in svg
    page = visit(f'<!DOCTYPE html><body><div style="width:200px">{svg}</div>', width=480, height=200)
    assert page.locator("svg rect title").count() == 6
    page.keep("heat-map")


def test_the_picture_of_nothing_is_empty() -> None:
    assert heat_map_svg(summarise(np.zeros((0, 2)))).count("<rect") == 1
