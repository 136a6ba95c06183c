"""Contour lines: circles, saddles, borders, gaps; levels that are round and evenly spread."""

import numpy as np
import pytest

from wengert.explain.surface import Levels, contour_lines, region_outlines


def square(nodes=61, reach=1.5):
    at = np.linspace(-reach, reach, nodes)
    return at, *np.meshgrid(at, at)


def is_closed(line):
    return bool((line[0] == line[-1]).all())


@pytest.mark.parametrize("radius", [0.3, 0.77, 1.2])
def test_a_circle_is_one_closed_line_at_its_radius(radius):
    at, x, y = square()
    (line,) = contour_lines(at, at, x**2 + y**2, radius**2)
    assert is_closed(line)
    # along an edge of length h the error of linear interpolation of r² is at most h²/4, of r that over 2 r
    h = at[1] - at[0]
    assert np.abs(np.hypot(*line.T) - radius).max() <= h**2 / 4 / (2 * radius) * 1.05


def test_the_error_shrinks_with_the_square_of_the_cell():
    errors = []
    for nodes in (31, 61, 121):
        at, x, y = square(nodes)
        (line,) = contour_lines(at, at, x**2 + y**2, 0.83)
        errors.append(np.abs(np.hypot(*line.T) - np.sqrt(0.83)).max())
    assert 3 < errors[0] / errors[1] < 5 and 3 < errors[1] / errors[2] < 5


def test_of_a_plane_lines_are_exact_and_run_from_border_to_border():
    at, x, y = square(9, 1.0)
    (line,) = contour_lines(at, at, 2 * x + y, 0.3)
    np.testing.assert_allclose(line @ [2, 1], 0.3, atol=1e-14)
    assert not is_closed(line) and {abs(line[0][1]), abs(line[-1][1])} == {1.0}


@pytest.mark.parametrize(("level", "joined"), [(-0.01, "above"), (0.01, "below")])
def test_a_saddle_is_cut_as_its_bilinear_interpolant_is(level, joined):
    # z = x y on one cell: its saddle has the value 0, so regions above −0.01 are joined, those above 0.01 are not
    at = np.array([-1.0, 1.0])
    lines = contour_lines(at, at, np.array([[1.0, -1.0], [-1.0, 1.0]]), level)
    assert len(lines) == 2
    for line in lines:
        middle = line.mean(0)
        # two lines about the corners that are cut off, the others are joined through the middle
        assert np.sign(middle[0] * middle[1]) == (-1 if joined == "above" else 1)


def test_an_uneven_saddle_is_decided_by_its_own_value_not_the_mean():
    # corners 4, 0, 4, 0.9: the bilinear saddle is 16/7.1 = 2.2535, the mean of the corners 2.225
    values = np.array([[4.0, 0.0], [0.9, 4.0]])
    at = np.array([0.0, 1.0])
    between = contour_lines(at, at, values, 2.24)
    beyond = contour_lines(at, at, values, 2.26)
    cut_off = [{tuple(np.round(line.mean(0)).astype(int).tolist()) for line in lines} for lines in (between, beyond)]
    assert cut_off == [{(1, 0), (0, 1)}, {(0, 0), (1, 1)}]


def test_there_are_no_lines_beside_what_is_not_finite():
    at, x, y = square(31)
    values = x**2 + y**2
    values[15:, 20:] = np.nan
    lines = contour_lines(at, at, values, 1.0)
    assert lines and all(np.isfinite(line).all() for line in lines)
    assert not any(((line[:, 0] > at[20]) & (line[:, 1] > at[15])).any() for line in lines)


def area(line):
    x, y = line[:-1].T
    return abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2


@pytest.mark.parametrize(("level", "expected"), [(2.0, 9 - 2 * np.pi + 4 * 0.0), (0.5, 9 - 0.5 * np.pi), (-1.0, 9.0)])
def test_outlines_enclose_what_lies_above(level, expected):
    at, x, y = square(161)
    values = x**2 + y**2
    lines = region_outlines(at, at, values, level)
    assert all(is_closed(line) for line in lines)
    if level < 2:  # the circle lies inside: the border less a hole
        areas = sorted(map(area, lines))
        assert areas[-1] - sum(areas[:-1]) == pytest.approx(expected, rel=1e-3)
    else:  # √2 < 1.5: still inside
        areas = sorted(map(area, lines))
        assert areas[-1] - areas[0] == pytest.approx(9 - 2 * np.pi, rel=1e-3)


def test_the_same_grid_gives_the_same_lines(rng):
    values = rng.normal(size=(20, 30))
    xs, ys = np.arange(30.0), np.arange(20.0)
    once, twice = (contour_lines(xs, ys, values, 0.1) for _ in range(2))
    assert len(once) == len(twice) and all((a == b).all() for a, b in zip(once, twice, strict=True))
    # every crossing of an edge is on exactly one line
    crossings = np.sum((values[:, 1:] >= 0.1) != (values[:, :-1] >= 0.1))
    crossings += np.sum((values[1:] >= 0.1) != (values[:-1] >= 0.1))
    assert sum(len(line) - is_closed(line) for line in once) == crossings


def test_levels_are_round_and_lie_inside():
    levels = Levels.of(np.linspace(0.53, 9.7, 500), 10)
    assert levels.values == tuple(float(k) for k in range(1, 10)) and not levels.log


def test_levels_of_decades_are_powers():
    levels = Levels.of(np.geomspace(1e-3, 1e6, 500), 9)
    assert levels.log and all(np.log10(v) == round(np.log10(v)) for v in levels.values)
    few = Levels.of(np.geomspace(0.5, 90, 500), 7)
    assert few.log and few.values == (1, 2, 5, 10, 20, 50)


def test_a_steep_range_about_a_negative_minimum_is_spread_out():
    values = np.concatenate([np.linspace(-1, -0.9, 400), np.geomspace(0.1, 1000, 100)])
    levels = Levels.of(values, 12)
    below = sum(v < -0.9 for v in levels.values)
    assert levels.log and below >= 2 and len(levels.values) >= 8


@pytest.mark.parametrize("values", [np.zeros(5), np.full(5, np.nan), np.array([])])
def test_where_nothing_varies_there_are_no_levels(values):
    assert Levels.of(values).values == ()


def test_bands_count_the_levels_below():
    levels = Levels.of(np.linspace(0.0, 10.0, 99), 5)
    assert levels.values == (2, 4, 6, 8)
    assert levels.band([0.5, 2.0, 7.0, 99.0]).tolist() == [0, 1, 3, 4]
