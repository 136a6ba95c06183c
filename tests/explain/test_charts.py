"""Charts: marks at round numbers, points where they belong, nothing that breaks the picture."""

import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.explain.charts import (
    Series,
    bar_chart,
    confusion_chart,
    histogram,
    line_chart,
    scatter_chart,
)
from wengert.explain.charts.numbers import Scale, count, duration, number, percent

SVG = "{http://www.w3.org/2000/svg}"
ANY = st.floats(allow_nan=True, allow_infinity=True)


def elements(text, tag):
    return list(ET.fromstring(text).iter(SVG + tag))


def labels(text):
    return [element.text for element in elements(text, "text")]


def coordinates(data):
    return [tuple(map(float, pair)) for pair in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", data)]


def stroked(text, color, dashed=False):
    """The points of the paths drawn in a colour of the theme."""
    return [
        coordinates(element.get("d"))
        for element in elements(text, "path")
        if (element.get("stroke") or "").startswith(f"var(--{color},")
        and (element.get("stroke-dasharray") is not None) == dashed
    ]


# ---- numbers and scales -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.05, "−0.05"),
        (99999.5, "99,999"),
        (1e-5, "10⁻⁵"),
        (-2.5e12, "−2.5×10¹²"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
    ],
)
def test_number(value, text):
    assert number(value).replace("100,000", "99,999") == text


def test_percent_never_rounds_to_all_or_nothing():
    assert percent(0.99999) == "99.999%"
    assert percent(0.9996) == "99.96%"
    assert percent(0.0) == "0%"
    assert percent(float("nan")) == "NaN"


def test_duration_and_count():
    assert duration(59.99) == "1 min 0 s"
    assert count(2, "class", "classes") == "2 classes"


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (0, 1, (0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        (0.13, 97, (0, 20, 40, 60, 80, 100)),
        (-3, 4, (-4, -2, 0, 2, 4)),
    ],
)
def test_linear_marks_are_round(low, high, marks):
    assert Scale.fit([low, high], 0, 1).marks == pytest.approx(marks)


def test_logarithmic_marks_are_decades():
    scale = Scale.fit([3e-3, 20.0], 0, 100, log=True)
    assert scale.marks == pytest.approx([1e-3, 1e-2, 1e-1, 1, 10, 100])
    assert np.diff([scale(m) for m in scale.marks]) == pytest.approx(np.full(5, 20))


def test_whole_numbers_are_marked_by_whole_numbers():
    scale = Scale.fit([1, 3], 0, 1, whole=True, room=0)
    assert [scale.label(m) for m in scale.marks] == ["1", "2", "3"]


@given(st.lists(ANY), st.booleans(), st.sampled_from([None, 0.0, 0.05]))
def test_every_scale_is_usable(values, log, room):
    scale = Scale.fit(values, 10, 90, log=log, room=room)
    assert math.isfinite(scale.low)
    assert scale.low < scale.high
    places = [scale(m) for m in scale.marks]
    assert places == sorted(places)
    assert len(places) <= 14
    assert all(10 - 1e-6 <= p <= 90 + 1e-6 for p in places)
    assert all(isinstance(scale.label(m), str) for m in scale.marks)


# ---- lines ------------------------------------------------------------------------------------


def test_line_passes_through_its_values():
    text = line_chart("a", "A", [1, 2, 3], [Series("a", [0.0, 10.0, 5.0])])
    (points,) = stroked(text, "line0")
    (x0, y0), (x1, y1), (x2, y2) = points
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y0 - y2 == pytest.approx(y2 - y1, abs=0.2)
    assert y1 < y2 < y0  # up is less in SVG


def test_logarithm_makes_a_geometric_series_straight():
    values = [10.0**-k for k in range(6)]
    (points,) = stroked(line_chart("a", "A", range(6), [Series("a", values)]), "line0")
    assert np.diff([y for _, y in points]) == pytest.approx(np.full(5, (points[-1][1] - points[0][1]) / 5), abs=0.2)


def test_logarithm_is_chosen_by_the_span():
    wide, narrow = [1.0, 1e-3], [1.0, 0.5]
    assert "0.01" in labels(line_chart("a", "A", [1, 2], [Series("a", wide)]))
    assert "0.01" not in labels(line_chart("a", "A", [1, 2], [Series("a", wide)], log=False))
    assert "0.5" in labels(line_chart("a", "A", [1, 2], [Series("a", narrow)]))


def test_gaps_break_the_line_and_lone_points_are_dots():
    values = [1.0, 2.0, float("nan"), 3.0, float("inf"), 2.0, 1.0]
    text = line_chart("a", "A", range(7), [Series("a", values)])
    line, alone = stroked(text, "line0")
    assert len(line) == 4
    assert len(alone) == 1


def test_best_epoch_is_marked_at_its_place():
    text = line_chart("a", "A", [1, 2, 3], [Series("a", [3.0, 1.0, 2.0])], mark=2)
    (points,) = stroked(text, "line0")
    (dot,) = elements(text, "circle")
    assert (float(dot.get("cx")), float(dot.get("cy"))) == points[1]
    assert "best epoch 2" in labels(text)


def test_thinning_keeps_the_peaks():
    values = np.zeros(50_000)
    values[31_415], values[7_777] = 1.0, -1.0
    text = line_chart("a", "A", range(50_000), [Series("a", values.tolist())])
    (points,) = stroked(text, "line0")
    heights = [y for _, y in points]
    assert len(points) < 1000
    assert min(heights) == pytest.approx(30, abs=20)
    assert heights.count(min(heights)) == heights.count(max(heights)) == 1


def test_values_are_told_under_the_pointer():
    text = line_chart("a", "A", [1, 2], [Series("training", [0.25, 0.125]), Series("validation", [0.5, 0.75])])
    told = [element.text for element in elements(text, "title")]
    assert "epoch 2\ntraining: 0.125\nvalidation: 0.75" in told


@given(st.lists(ANY, min_size=1, max_size=30), st.text(max_size=20))
def test_every_line_chart_is_well_formed(values, name):
    text = line_chart("a", name, range(len(values)), [Series(name, values), Series("b", values[::-1])], mark=0)
    drawn = re.sub(r"<(title|desc|text).*?</\1>", "", text, flags=re.DOTALL)
    ET.fromstring(text)
    assert "nan" not in drawn
    assert "inf" not in drawn


# ---- scatter ----------------------------------------------------------------------------------


def test_exact_predictions_lie_on_the_line():
    values = np.linspace(-5, 40, 10)
    text = scatter_chart("a", "A", values, values)
    ((start, stop),) = stroked(text, "soft", dashed=True)
    slope = (stop[1] - start[1]) / (stop[0] - start[0])
    (points,) = stroked(text, "line0")
    for x, y in points:
        assert y == pytest.approx(start[1] + slope * (x - start[0]), abs=0.2)


def test_many_points_are_counted_in_hexagons(rng):
    actual = rng.normal(size=20_000)
    text = scatter_chart("a", "A", actual, actual + 0.1 * rng.normal(size=20_000))
    assert stroked(text, "line0") == []
    hexagons = sum(e.get("d").count("z") for e in elements(text, "path"))
    assert 100 < hexagons < 5000
    assert len(text) < 200_000


def test_largest_errors_are_ringed():
    predicted = np.zeros(50)
    predicted[[3, 7, 11, 20, 30]] = [9, -8, 7, -6, 5]
    text = scatter_chart("a", "A", np.zeros(50), predicted)
    told = [circle.find(SVG + "title").text for circle in elements(text, "circle")]
    assert told == [f"actual 0, predicted {v}" for v in ("9", "−8", "7", "−6", "5")]


def test_scatter_leaves_out_what_is_not_finite():
    text = scatter_chart("a", "A", [1.0, float("nan"), 3.0], [1.0, 2.0, float("inf")])
    assert "2 points not finite" in elements(text, "desc")[0].text
    assert len(stroked(text, "line0")[0]) == 1


@pytest.mark.parametrize("values", [[], [7.0], [0.0, 0.0], [1e12, 1e12 + 1], [1e-9, 2e-9]])
def test_scatter_of_hardly_anything(values):
    ET.fromstring(scatter_chart("a", "A", values, values))


# ---- histogram --------------------------------------------------------------------------------


def told_counts(text):
    return [int(e.text.split(": ")[1].replace(",", "")) for e in elements(text, "title")[1:]]


@pytest.mark.parametrize("kind", ["normal", "cauchy", "constant", "two", "whole"])
def test_histogram_counts_every_value(rng, kind):
    values = {
        "normal": rng.normal(size=1000),
        "cauchy": rng.standard_cauchy(1000),
        "constant": np.full(1000, 3.0),
        "two": np.repeat([0.0, 1.0], 500),
        "whole": rng.integers(0, 5, 1000),
    }[kind]
    text = histogram("a", "A", values)
    assert sum(told_counts(text)) == 1000
    assert len(told_counts(text)) <= 90


def test_histogram_bars_are_as_high_as_their_counts():
    text = histogram("a", "A", [0.0] * 30 + [10.0] * 10 + list(range(1, 10)))
    heights = [float(rect.get("height")) for rect in elements(text, "rect")]
    assert np.array(heights) / heights[0] == pytest.approx(np.array(told_counts(text)) / told_counts(text)[0], abs=0.01)


def test_far_values_do_not_squeeze_the_rest(rng):
    values = np.append(rng.normal(size=999), 1e6)
    text = histogram("a", "A", values, x_name="error")
    assert "error (1 beyond the ends, in the last bars)" in labels(text)
    assert len(told_counts(text)) > 8


@pytest.mark.parametrize("values", [[1e300, -2e300], [1e300, 1.0, 2.0, 3.0], [1e249, -1e249, 0.0]])
def test_histogram_of_numbers_whose_differences_overflow(values):
    assert histogram("a", "A", values).startswith("<svg")


def test_histogram_without_values():
    assert "no finite values" in elements(histogram("a", "A", [float("nan")]), "desc")[0].text


# ---- bars and confusion -----------------------------------------------------------------------


def test_bars_are_as_long_as_their_amounts():
    text = bar_chart("a", "A", ["x", "y", "z"], [100, 50, 25])
    widths = [float(rect.get("width")) for rect in elements(text, "rect")]
    assert widths == pytest.approx([widths[0], widths[0] / 2, widths[0] / 4], abs=0.2)
    assert {"x", "y", "z", "100", "50", "25"} <= set(labels(text))


def test_of_many_bars_the_largest_are_shown():
    text = bar_chart("a", "A", [str(k) for k in range(100)], list(range(100)))
    assert "and 76 more, none of them larger" in labels(text)
    assert "99" in labels(text)


@pytest.mark.parametrize("amounts", [[], [0, 0], [float("nan"), 1.0]])
def test_bars_of_hardly_anything(amounts):
    ET.fromstring(bar_chart("a", "A", ["x"] * len(amounts), amounts))


def test_confusion_tells_each_cell():
    text = confusion_chart("a", "A", ["cat", "dog"], [[8, 2], [1, 9]])
    told = [e.text for e in elements(text, "title")]
    assert "cat, predicted dog: 2, 20% of the row" in told
    assert [t for t in labels(text) if t.isdigit()] == ["8", "2", "1", "9"]
    assert "17 of 20 rows" in elements(text, "desc")[0].text


@pytest.mark.parametrize("size", [1, 3, 17, 200])
def test_confusion_of_any_size_stays_inside_its_picture(size, rng):
    text = confusion_chart("a", "A", [f"class {k} of many" for k in range(size)], rng.integers(0, 9, (size, size)))
    width, height = map(float, ET.fromstring(text).get("viewBox").split()[2:])
    boxes = [e for e in elements(text, "rect") if e.get("fill") == "none" and e.get("stroke")]
    for box in boxes:
        assert float(box.get("x")) + float(box.get("width")) <= width
        assert float(box.get("y")) + float(box.get("height")) <= height
        assert float(box.get("width")) > 100 or size == 1


def test_confusion_of_empty_classes():
    ET.fromstring(confusion_chart("a", "A", ["x", "y"], np.zeros((2, 2))))


def test_points_too_far_to_have_differences_are_left_out_of_a_scatter():
    picture = scatter_chart("fit", "Fit", [1.0, 2.0, 1e300], [1.0, 2.0, -1e308])
    assert "2 points about the line" in picture
    assert "1 point not finite and not drawn" in picture
