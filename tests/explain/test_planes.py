"""Areas and contours on grids, and the pictures made of them."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from wengert.explain.charts import region_chart, surface_chart
from wengert.explain.charts.contours import above, contour


def polygons(data):
    """The corners of each closed piece of a path of M, L, H, V."""
    found = []
    for piece in data.split("M")[1:]:
        x = y = 0.0
        corners = []
        for letter, numbers in re.findall(r"([LHV]?)([-\d. ]+)", piece.rstrip("z")):
            values = [float(v) for v in numbers.split()]
            x, y = (values[0], y) if letter == "H" else (x, values[0]) if letter == "V" else values
            corners.append((x, y))
        found.append(np.array(corners))
    return found


def area(corners):
    """The area of a polygon by the shoelace formula."""
    x, y = corners.T
    return abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def disc(fine=60, size=600.0):
    at = np.linspace(-1.5, 1.5, fine)
    return 1 - np.hypot(*np.meshgrid(at, at)), np.linspace(0, size, fine)


def test_the_area_above_a_level_is_that_of_the_disc():
    values, places = disc()
    found = sum(area(p) for p in polygons(above(values, 0.0, places, places)))
    assert found == pytest.approx(np.pi * 200.0**2, rel=2e-3)


def test_the_contour_is_a_circle_of_its_length():
    values, places = disc()
    pieces = polygons(contour(values, 0.0, places, places))
    assert all(len(p) == 2 for p in pieces)
    radii = np.hypot(*(np.concatenate(pieces) - 300.0).T)
    np.testing.assert_allclose(radii, 200.0, atol=0.5)
    assert sum(np.hypot(*(a - b)) for a, b in pieces) == pytest.approx(2 * np.pi * 200, rel=1e-2)


def test_a_level_beyond_all_values_has_nothing_and_one_below_has_all():
    values, places = disc()
    assert above(values, 9.0, places, places) == contour(values, 9.0, places, places) == ""
    assert sum(area(p) for p in polygons(above(values, -9.0, places, places))) == pytest.approx(600.0**2)
    assert contour(values, -9.0, places, places) == ""


def test_a_saddle_is_cut_twice():
    values, at = np.array([[1.0, -1.0], [-1.0, 1.0]]), np.array([0.0, 10.0])
    assert len(polygons(contour(values, 0.0, at, at))) == 2


def halves(k=2, fine=20):
    xs = np.linspace(0, 1, fine)
    p = np.zeros((fine, fine, k))
    p[..., 0] = 1 - xs
    p[..., 1] = xs
    return xs, p


def test_regions_say_which_class_wins_where():
    xs, p = halves()
    text = region_chart("plane", "Regions", xs, xs, p, [[0.1, 0.1], [0.9, 0.9], [0.9, 0.2]], [0, 1, 0],
                        [False, True, True], ["no", "yes"], ("a", "b"))  # fmt: skip
    root = ET.fromstring(text)
    assert "no is the likeliest on 50% of the plane; yes is the likeliest on 50%" in text
    told = [t.text for t in root.iter("{http://www.w3.org/2000/svg}title")]
    assert told[1:] == ["yes, predicted yes", "no, predicted yes"]
    circles = [c for c in root.iter("{http://www.w3.org/2000/svg}circle") if c.get("stroke")]
    assert ["ink" in c.get("stroke") for c in circles] == [False, True]  # the mistake has a ring


@pytest.mark.parametrize("k", [2, 3, 9])
def test_regions_of_any_number_of_classes_are_well_formed(k):
    xs, p = halves(k)
    text = region_chart("plane", "Regions", xs, xs, p, np.zeros((0, 2)), [], [], [f"class <{n}>" for n in range(k)])
    ET.fromstring(text)
    assert "nan" not in text


def test_a_surface_is_shaded_between_its_contours():
    at = np.linspace(0, 10, 30)
    values = np.add.outer(at, np.zeros(30))
    text = surface_chart("plane", "Surface", at, at, values, [[5.0, 5.0], [99.0, 0.0]], [5.0, 0.0], [True, True])
    ET.fromstring(text)
    assert "values from 0 to 10" in text
    assert "1 point outside" in text


@pytest.mark.parametrize("values", [np.zeros((5, 5)), np.full((5, 5), 1e9), np.arange(25.0).reshape(5, 5) * 1e-12])
def test_surfaces_of_hardly_anything(values):
    at = np.arange(5.0)
    text = surface_chart("plane", "Surface", at, at, values, [[1.0, 1.0]], [float(values[0, 0])], [False])
    ET.fromstring(text)
    assert "nan" not in text
