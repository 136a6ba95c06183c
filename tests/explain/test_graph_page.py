"""What the page and the picture of an explanation hold, read without a browser."""

import itertools
import json
import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import wengert
from wengert import nn
from wengert.explain.graph_page import frame, html, svg
from wengert.explain.graph_page.facts import shades
from wengert.explain.graph_page.folds import GLANCE, MOST, Fold
from wengert.explain.graph_page.model import model_of
from wengert.explain.values import summarise


def f(x, y, z):
    q = x + y
    return q * z


def squash(s):
    e = np.exp(-s)
    return 1 / (1 + e)


def neuron(w, x):
    return squash(w * x + 1.0) + squash(w - x)


def long(x, w):
    for _ in range(1000):
        y = x * w
        x = np.sin(y) + w
    return x


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="explanation">(.*?)</script>', page, re.DOTALL)[1])


def texts(picture):
    return ["".join(element.itertext()) for element in ET.fromstring(picture).iter() if element.tag.endswith("}text")]


# ---- the picture


def test_the_lectures_graph_shows_values_gradients_and_upstream_times_local():
    words = texts(svg(wengert.explain(f)(-2.0, 5.0, -4.0)))
    assert "q = x + y" in words
    for label in ("−4 × 1 = −4", "1 × −4 = −4", "1 × 3 = 3"):
        assert label in words
    assert words.count("−4 × 1 = −4") == 2
    assert "−12" in words


def test_the_picture_is_one_well_formed_element_that_asks_for_nothing():
    picture = svg(wengert.explain(neuron)(0.5, 2.0))
    root = ET.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg" and root.get("role") == "img"
    named = root.get("aria-labelledby").split()
    assert root.find(f".//*[@id='{named[0]}']").text.startswith("neuron(w, x) = ")
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", picture)


def test_same_input_same_bytes():
    def make():
        return html(wengert.explain(neuron)(0.5, 2.0))

    assert make() == make()


def test_pages_do_not_depend_on_what_was_drawn_before():
    first = html(wengert.explain(long)(0.3, 0.9))
    html(wengert.explain(f)(1.0, 2.0, 3.0))
    assert html(wengert.explain(long)(0.3, 0.9)) == first


def test_files_are_written(tmp_path: Path):
    e = wengert.explain(f)(-2.0, 5.0, -4.0)
    page, picture = html(e, tmp_path / "page.html"), svg(e, tmp_path / "graph.svg")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8") == picture


# ---- folds


def tree(fold, name):
    return [tree(item, name) if isinstance(item, Fold) else name(item) for item in fold.items]


def test_calls_of_one_function_are_folds_of_their_own():
    e = wengert.explain(neuron)(0.5, 2.0)
    model = model_of(e)
    shown = tree(model.root, lambda n: model.titles[n])
    inner = [item for item in shown if isinstance(item, list)]
    assert len(inner) == 2 and all(item[1].startswith("e = exp(") for item in inner)
    assert [fold.name for fold in model.root.folds() if fold.kind == "function"] == ["squash()", "squash()"]


def test_turns_stand_in_their_loop_and_parts_keep_every_fold_readable():
    model = model_of(wengert.explain(long)(0.3, 0.9))
    folds = [*model.root.folds()]
    assert max(len(fold.items) for fold in folds) <= MOST
    assert sum(fold.kind == "turn" for fold in folds) == 1000
    turn = next(fold for fold in folds if fold.kind == "turn")
    assert [model.titles[n] for n in turn.items] == ["y = x·w", "v2 = sin(y)", "x = v2 + w"]
    shown = sum(len(fold.items) for fold in folds if fold.opened)
    assert shown <= GLANCE


def test_every_step_is_in_the_tree_once():
    for e in (wengert.explain(long)(0.3, 0.9), wengert.explain(neuron)(0.5, 2.0), wengert.explain(f)(1.0, 2.0, 3.0)):
        model = model_of(e)
        assert sorted(model.root.steps()) == list(range(len(model.steps)))


def test_parameters_stand_in_their_layer():
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        [nn.Dense(rng.normal(size=(3, 4)), np.zeros(4)), nn.tanh, nn.Dense(np.ones((4, 1)), np.zeros(1))]
    )
    e = wengert.explain(lambda m, x: np.sum(m(x)), argnums=0)(model, np.ones((2, 3)))
    found = model_of(e)
    layer = next(fold for fold in found.root.folds() if fold.kind == "layer" and fold.name.startswith("m.layers[0]"))
    assert {"m.layers[0].weight", "m.layers[0].bias"} <= {found.titles[n] for n in layer.items if isinstance(n, int)}


def test_a_hundred_inputs_are_one_fold():
    e = wengert.explain(lambda xs: sum(x * x for x in xs))([float(k) for k in range(100)])
    model = model_of(e)
    assert next(item.kind for item in model.root.items if isinstance(item, Fold)) == "inputs"
    assert len(model.root.items) <= MOST


def test_each_edge_is_on_exactly_one_line_between_two_boxes_of_each_open_level():
    """An edge is drawn where its ends part, and from a reference in each fold inside of which it ends."""
    model = model_of(wengert.explain(neuron)(0.5, 2.0))
    for k, (a, b) in enumerate(model.pairs):
        drawn = [fold for fold, plan in model.plans.items() for line in plan.lines if k in line.edges]
        holding = [fold for fold in model.root.folds() if b in fold.steps()]
        both = [fold for fold in holding if a in fold.steps()]
        assert drawn and set(drawn) == set(holding) - set(both[:-1])


# ---- what is said


def test_numbers_of_the_page_are_those_of_the_explanation():
    e = wengert.explain(neuron)(0.5, 2.0)
    data = data_of(html(e))
    steps = (*e.inputs.values(), *e.steps)
    for step, told in zip(steps, data["steps"], strict=True):
        assert math.isclose(float(told["value"]["text"].replace("−", "-")), step.value, rel_tol=1e-5)
        assert math.isclose(float(told["gradient"]["text"].replace("−", "-")), step.gradient, rel_tol=1e-5)
    for edge, told in zip(e.edges, data["edges"], strict=True):
        assert math.isclose(float(told["contribution"].replace("−", "-")), edge.contribution, rel_tol=1e-5)
        assert math.isclose(float(told["local"].replace("−", "-")), edge.local, rel_tol=1e-5)


def test_formulas_have_the_operands_numbers_in_them():
    data = data_of(html(wengert.explain(f)(-2.0, 5.0, -4.0)))
    assert [step.get("formula") for step in data["steps"]] == [None, None, None, "(−2) + 5", "3·(−4)"]


def test_large_arrays_are_told_by_summaries_alone():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 400))
    x[0] = 0.0
    page = html(wengert.explain(lambda x: np.sum(np.tanh(x)))(x))
    told = data_of(page)["steps"][0]["value"]
    assert told["zeros"] == "400 of 120,000"
    low, high = (float(v.replace("−", "-")) for v in told["range"].split(" … "))
    assert math.isclose(low, x.min(), rel_tol=1e-3) and math.isclose(high, x.max(), rel_tol=1e-3)
    assert math.isclose(float(told["mean"].replace("−", "-")), x.mean(), rel_tol=1e-3)
    assert len(told["map"]) <= 16 and all(len(row) <= 16 for row in told["map"])
    assert len(page) < 200_000


def test_shades_tell_sign_size_nought_and_nan():
    rows = shades(summarise(np.array([[4.0, 1.0, 0.0], [-4.0, -1.0, np.nan]])))
    # the root of a quarter is a half: halfway to the last shade of nine
    assert rows == ["snj", "af!"]


def test_nan_is_marked_and_its_beginning_named():
    def g(x, y):
        a = np.log(x)
        return a * y

    with np.errstate(all="ignore"):
        e = wengert.explain(g)(-1.0, 2.0)
    page = html(e)
    assert re.search(
        r'class="note">the value is first NaN in v1 = log\(x\), at test_graph_page.py:\d+: a = np.log', page
    )
    assert 'class="node op bad"' in page and 'class="node op output bad"' in page
    assert 'class="node input bad"' in page  # y's gradient is NaN


def test_listing_shows_the_functions_with_the_lines_numbers():
    page = html(wengert.explain(neuron)(0.5, 2.0))
    first = neuron.__code__.co_firstlineno
    assert re.search(
        rf'<li value="{first + 1}"[^>]*><code>    return squash\(w \* x \+ 1\.0\) \+ squash\(w - x\)', page
    )
    assert f'<li value="{squash.__code__.co_firstlineno}"><code>def squash(s):' in page


# ---- hostile input


def test_names_and_lines_are_text():
    hostile = {"</script><script>alert(1)</script>": 2.0, "<img src=x onerror=alert(1)>\u2028'\"&": 3.0}
    e = wengert.explain(lambda d: sum(x * x for x in d.values()))(hostile)
    page = html(e)
    assert page.count("<script") == 2 and page.count("</script") == 2  # the data's and the player's
    assert "<img" not in page and "\u2028" not in page
    assert any("</script>" in step["title"] for step in data_of(page)["steps"])
    ET.fromstring(svg(e))
    assert "<script" not in svg(e)


def test_a_frame_keeps_the_page_apart_from_the_notebook():
    markup = frame(wengert.explain(f)(-2.0, 5.0, -4.0))
    element = ET.fromstring(markup)
    assert element.tag == "iframe" and element.get("srcdoc").startswith("<!DOCTYPE html>")
    assert element.get("sandbox") == "allow-scripts allow-modals"  # no access to the notebook around it


# ---- sizes


@pytest.mark.parametrize(
    ("function", "args"),
    [(lambda x: x, (2.0,)), (np.sin, (0.5,)), (lambda x, y: y * 2, (1.0, 2.0))],
    ids=["no step", "one step", "an input that nothing reads"],
)
def test_small_ones(function, args):
    e = wengert.explain(function)(*args)
    data = data_of(html(e))
    assert len(data["steps"]) == len(e.inputs) + len(e.steps)
    ET.fromstring(svg(e))


def test_five_thousand_steps_are_a_small_picture_in_a_page_under_five_megabytes():
    def chain(x, w):
        for _ in range(1700):
            y = x * w
            x = np.tanh(y) + 0.5
        return x

    e = wengert.explain(chain)(1.0, 0.3)
    assert len(e.steps) == 5100
    page = html(e)
    assert len(page) < 5_000_000
    assert len(re.findall(r'class="node', svg(e))) <= MOST


def test_a_network_on_a_batch_is_a_small_page():
    rng = np.random.default_rng(0)
    sizes = [784, 512, 512, 10]
    model = nn.Sequential(
        [
            layer
            for a, b in itertools.pairwise(sizes)
            for layer in (nn.Dense(rng.normal(size=(a, b)) / np.sqrt(a), np.zeros(b)), nn.tanh)
        ]
    )
    x, y = rng.normal(size=(128, 784)), rng.normal(size=(128, 10))
    page = html(wengert.explain(lambda m: np.mean((m(x) - y) ** 2))(model))
    assert len(page) < 500_000
