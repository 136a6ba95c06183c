"""Heat strips, calibration, residuals, quantiles and bars with whiskers: what is drawn is what was given."""

import base64
import io
import math
import re
import xml.etree.ElementTree as ET
from statistics import NormalDist

import numpy as np
import pytest

from wengert.explain.charts import (
    Series,
    Shades,
    interval_chart,
    quantile_chart,
    reliability,
    reliability_chart,
    residual_chart,
    strip_chart,
)
from wengert.explain.charts.images import signed_png_url
from wengert.explain.charts.reliability import wilson

SVG = "{http://www.w3.org/2000/svg}"


def titles(text):
    return [each.text for each in ET.fromstring(text).iter(f"{SVG}title")][1:]


# ---- strips


def test_a_strip_tells_each_epoch():
    text = strip_chart(
        "s", "Norm", [1, 2], [Series("in", [0.5, 1.0]), Series("out", [math.nan, 2.0])], Shades(0.0, 2.0)
    )
    assert titles(text) == ["epoch 1\nin: 0.5\nout: NaN", "epoch 2\nin: 1\nout: 2"]


def test_cells_without_a_value_stay_empty():
    text = strip_chart("s", "Norm", [1, 2, 3], [Series("in", [1.0, math.nan, 1.0])], Shades(0.0, 1.0))
    cells = [p.get("d") for p in ET.fromstring(text).iter(f"{SVG}path") if p.get("fill")]
    assert [d.count("M") for d in cells] == [2]


def test_shades_go_by_ratios_about_their_middle():
    shades = Shades(1e-5, 1e-1, log=True, middle=1e-3)
    assert [shades.level(v) for v in (1e-9, 1e-5, 1e-4, 1e-3, 1e-2, 1.0)] == [-10, -10, -5, 0, 5, 10]
    assert shades.level(0.0) == -10
    assert shades.level(math.nan) is None
    assert shades.level(math.inf) is None


def test_many_epochs_are_gathered_by_their_medians():
    values = [1.0, 5.0, 9.0] * 100
    text = strip_chart("s", "Norm", range(1, 301), [Series("in", values)], Shades(0.0, 9.0))
    assert len(titles(text)) <= 96
    assert len(text) < 40_000


@pytest.mark.parametrize("rows", [1, 3, 60])
@pytest.mark.parametrize("epochs", [1, 2, 50])
def test_strips_of_any_size_are_well_formed(rows, epochs):
    series = [Series(f"layer <{k}>", [float(k + e) for e in range(epochs)]) for k in range(rows)]
    text = strip_chart("s", "Norm", range(1, epochs + 1), series, Shades.fit([0.0, rows + epochs]), mark=1)
    ET.fromstring(text)
    assert "nan" not in text


def test_strips_of_nothing_finite():
    text = strip_chart("s", "Norm", [1], [Series("in", [math.nan])], Shades.fit([math.nan], log=True))
    ET.fromstring(text)


# ---- calibration


def test_calibration_error_by_hand():
    # bins 0.5–0.6: mean 0.55, half right; 0.9–1: mean 0.95, three of four right
    found = reliability([0.52, 0.58, 0.95, 0.95, 0.95, 0.95], [1, 0, 1, 1, 1, 0])
    assert found.counts.tolist() == [0, 0, 0, 0, 0, 2, 0, 0, 0, 4]
    assert found.error == pytest.approx(2 / 6 * 0.05 + 4 / 6 * 0.2)
    assert found.overconfidence == pytest.approx(np.mean([0.52, 0.58, 0.95, 0.95, 0.95, 0.95]) - 4 / 6)
    assert np.isnan(found.accuracy[0])


def test_perfect_calibration_has_no_error(rng):
    sure = rng.uniform(0.3, 1, 200_000)
    assert reliability(sure, rng.uniform(size=len(sure)) < sure).error < 0.01


def test_confidence_one_is_in_the_last_bin():
    assert reliability([1.0, 1.0], [True, True]).counts[-1] == 2
    assert reliability([1.0, 1.0], [True, True]).error == 0.0


def test_interval_of_a_share():
    # A. Agresti, B. Coull, 1998: the ends solve |p̂ − p| = z √(p (1 − p)/n)
    for share, n in ((0.0, 10), (0.3, 20), (1.0, 5)):
        for end in wilson(share, n):
            assert abs(share - end) == pytest.approx(1.96 * math.sqrt(end * (1 - end) / n), abs=1e-9)


@pytest.mark.parametrize("sure", [[], [0.7], [0.1] * 40])
def test_reliability_of_hardly_anything(sure):
    text = reliability_chart("r", "Reliability", reliability(sure, [True] * len(sure)))
    ET.fromstring(text)
    assert "nan" not in text


# ---- residuals


def points(text):
    """The places of dots."""
    found = [p.get("d") for p in ET.fromstring(text).iter(f"{SVG}path") if p.get("stroke-width") == "5"]
    return np.array([[float(v) for v in pair] for d in found for pair in re.findall(r"M([-\d.]+) ([-\d.]+)h0", d)])


def unit(text, anchor, coordinate):
    """How many pixels 1 is on an axis, read off its marks."""
    found = [t for t in ET.fromstring(text).iter(f"{SVG}text") if t.get("text-anchor") == anchor]
    places = {t.text: float(t.get(coordinate)) for t in found if t.text in ("2", "−2")}
    return (places["2"] - places["−2"]) / 4


def test_normal_errors_lie_on_the_diagonal():
    normal = [NormalDist(50, 9).inv_cdf((k + 0.5) / 200) for k in range(200)]
    text = quantile_chart("q", "Q–Q", normal)
    x, y = points(text).T
    slope, _ = np.polyfit(x, y, 1)
    assert slope == pytest.approx(unit(text, "end", "y") / unit(text, "middle", "x"), rel=0.02)
    assert abs(np.corrcoef(x, y)[0, 1]) > 0.9999


def test_heavy_tails_bend_away(rng):
    text = quantile_chart("q", "Q–Q", rng.standard_t(2, 300))
    extremes = re.search(r"extremes (\S+) and (\S+) deviations", text)
    assert extremes
    assert float(extremes[2]) > 3


@pytest.mark.parametrize("values", [[], [1.0], [2.0] * 9, [math.nan, math.inf]])
def test_residuals_of_hardly_anything(values):
    for text in (quantile_chart("q", "Q–Q", values), residual_chart("r", "Residuals", values, values)):
        ET.fromstring(text)
        assert "nan" not in re.sub(r"<desc.*?</desc>", "", text)


def test_the_median_line_shows_bias():
    x = np.linspace(0, 100, 240)
    text = residual_chart("r", "Residuals", x, np.where(x < 50, 5.0, -5.0))
    line = next(p.get("d") for p in ET.fromstring(text).iter(f"{SVG}path") if "line1" in (p.get("stroke") or ""))
    heights = [float(pair.split()[1]) for pair in line.removeprefix("M").split("L")]
    assert len(heights) == 12
    assert len(set(heights[:6])) == len(set(heights[6:])) == 1
    assert heights[0] < heights[-1]  # upwards is less


# ---- bars with whiskers


def test_bars_go_from_nought_and_whiskers_to_either_side():
    text = interval_chart("b", "Importance", ["a", "b"], [10.0, -5.0], [2.0, 0.0])
    root = ET.fromstring(text)
    bars = [(float(r.get("x")), float(r.get("width"))) for r in root.iter(f"{SVG}rect")]
    (a, wide), (b, narrow) = bars
    assert wide == pytest.approx(2 * narrow, abs=0.2)
    assert b + narrow == pytest.approx(a, abs=0.2)  # the second ends where the first begins: at nought
    whisker = next(p.get("d") for p in root.iter(f"{SVG}path") if p.get("stroke-width") == "1.4")
    low, high = (float(pair.split()[0]) for pair in whisker.removeprefix("M").split("L"))
    assert (low + high) / 2 == pytest.approx(a + wide, abs=0.2)
    assert high - low == pytest.approx(wide * 4 / 10, abs=0.3)
    assert titles(text) == ["a: 10 ± 2", "b: −5 ± 0"]


def test_of_many_bars_the_first_are_drawn():
    text = interval_chart("b", "Importance", [f"c{k}" for k in range(200)], np.arange(200.0)[::-1].tolist())
    assert len(titles(text)) == 20


@pytest.mark.parametrize("amounts", [[], [0.0], [math.nan], [0.0, 0.0]])
def test_bars_of_hardly_anything(amounts):
    ET.fromstring(interval_chart("b", "Importance", ["a", "b"][: len(amounts)], amounts))


# ---- signed pictures


def test_signed_pictures_are_blue_above_orange_below_and_clear_at_nought():
    pillow = pytest.importorskip("PIL.Image", exc_type=ImportError)
    url = signed_png_url([[2.0, -2.0, 0.0, np.nan, 1.0]])
    pixels = np.asarray(pillow.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGBA"))[0]
    blue, orange, *clear, half = pixels.tolist()
    assert blue[3] == orange[3] == 255
    assert blue[2] > blue[0]
    assert orange[0] > orange[2]
    assert [each[3] for each in clear] == [0, 0]
    assert 0 < half[3] < 255
    assert signed_png_url(np.zeros((2, 2)))
