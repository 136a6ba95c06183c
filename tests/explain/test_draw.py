"""wengert.draw: what is on the picture, that labels never overlap, and what cannot be drawn."""

import itertools
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import wengert
from wengert import nn, random
from wengert.errors import DataError, DerivativeError, UnsupportedError
from wengert.explain.drawing.drawing import scene_of
from wengert.explain.drawing.marks import Panel, Words, width_of

KEY = random.key(0)


def f(x, y, z):
    q = x + y
    return q * z


def neuron(alpha, beta, x1, x2):
    s = alpha * x1 + beta * x2
    return 1 / (1 + np.exp(-s))


def p(x1, x2):
    z1 = x1 * x2
    z2 = x1 + x2
    h1 = z1 * z2
    h2 = z1 - z2
    return h1 + h2


def fifty(x):
    for _ in range(50):
        y = np.sin(x)
        x = x + 0.1 * y
    return x


def step(params, x, y):
    def loss(params):
        h = x
        for W, b in params:
            h = np.tanh(h @ W + b)
        return np.mean((h - y) ** 2)

    return [(W - 0.1 * dW, b - 0.1 * db) for (W, b), (dW, db) in zip(params, wengert.grad(loss)(params), strict=True)]


def params(*sizes):
    r = np.random.default_rng(0)
    return [(r.normal(size=(m, n)), np.zeros(n)) for m, n in itertools.pairwise(sizes)]


def conv_net():
    return nn.Sequential([
        nn.Conv2d.init(KEY, 1, 8, 3), nn.relu, nn.MaxPool2d(2), nn.Conv2d.init(KEY, 8, 16, 3), nn.BatchNorm.init(16),
        nn.relu, nn.GlobalAvgPool(), nn.Dense.init(KEY, 16, 10),
    ])  # fmt: skip


def training_step():
    r = np.random.default_rng(1)
    return params(2, 3, 1), r.normal(size=(5, 2)), r.normal(size=(5, 1))


DRAWINGS = {
    "scalar": lambda: wengert.draw(f, -2.0, 5.0, -4.0, gradients=True),
    "neuron": lambda: wengert.draw(neuron, 1.0, 2.0, 0.5, -0.3, gradients=True),
    "paths": lambda: wengert.draw(p, 2.0, 3.0, derivatives=True),
    "loop": lambda: wengert.draw(fifty, 1.0),
    "units": lambda: wengert.draw(nn.mlp(KEY, [2, 3, 2], activation="tanh", output="softmax")),
    "units with biases": lambda: wengert.draw([(np.ones((4, 5)), -np.ones(5)), (np.ones((5, 12)), np.ones(12))]),
    "mlp": lambda: wengert.draw(nn.mlp(KEY, [784, 512, 512, 10])),
    "conv": lambda: wengert.draw(conv_net(), np.zeros((4, 28, 28, 1))),
    "lstm": lambda: wengert.draw(nn.Sequential([nn.LSTM.init(KEY, 16, 32), nn.Dense.init(KEY, 32, 2)])),
    "loss": lambda: wengert.draw(
        lambda m: np.mean(m(np.ones((5, 2))) ** 2), nn.mlp(KEY, [2, 16, 3]), gradients=True, direction="right"
    ),
    "program": lambda: wengert.draw(wengert.make_program(step)(*training_step())),
    "passes": lambda: wengert.draw(wengert.lower(step)(*training_step())),
}


@pytest.fixture(scope="module", params=DRAWINGS)
def drawing(request):
    """Each of the pictures."""
    return DRAWINGS[request.param]()


def texts(drawing):
    return [shape.text for mark in scene_of(drawing)[0] for shape in mark.shapes if isinstance(shape, Words)]


def heads(drawing):
    return [block.lines[0].text for _, diagram in drawing.parts for block in diagram.blocks]


def link_labels(drawing):
    names = {block.key: block.lines[0].text.split(" =")[0] for block in drawing.parts[0][1].blocks}
    return {(names[link.source], names[link.target]): link.label for link in drawing.parts[0][1].links}


# ---- labels never overlap


def test_no_label_overlaps_another_or_leaves_its_block(drawing):
    marks, width, height = scene_of(drawing)
    words = [shape for mark in marks for shape in mark.shapes if isinstance(shape, Words)]
    boxes = [w.box() for w in words]
    assert len(words) > 3
    for a, b in itertools.combinations(range(len(boxes)), 2):
        assert not boxes[a].overlaps(boxes[b]), (words[a].text, words[b].text)
    assert all(box.x >= 0 and box.right <= width and box.y >= 0 and box.bottom <= height for box in boxes)
    for mark in marks:
        panels = [shape.box for shape in mark.shapes if isinstance(shape, Panel)]
        inside = [shape for shape in mark.shapes if isinstance(shape, Words) and not shape.haloed]
        if panels and inside and panels[-1].h > 20:
            assert all(panels[-1].holds(shape.box()) for shape in inside)


def test_the_browser_measures_no_more_than_was_kept_for_a_label(visit):
    for make in DRAWINGS.values():
        drawing = make()
        page = visit(drawing.html())
        page.add_style_tag(content=".scroll > div { width: max-content; max-width: none !important }")  # unscaled
        measured = page.evaluate(
            "[...document.querySelectorAll('main svg text')].map(t => [t.textContent, t.getBBox().width])"
        )
        kept = [s for mark in scene_of(drawing)[0] for s in mark.shapes if isinstance(s, Words)]
        assert [text for text, _ in measured] == [shape.text for shape in kept]
        for (text, wide), shape in zip(measured, kept, strict=True):
            assert wide <= width_of(text, shape.size, shape.bold) + 0.5, text


def test_matplotlib_measures_no_more_than_was_kept_for_a_label():
    from matplotlib import figure
    from matplotlib.backends import backend_agg

    canvas = backend_agg.FigureCanvasAgg(figure.Figure(dpi=96))
    for drawing in (DRAWINGS["scalar"](), DRAWINGS["passes"](), DRAWINGS["units"]()):
        for mark in scene_of(drawing)[0]:
            for s in mark.shapes:
                if isinstance(s, Words):
                    weight = "bold" if s.bold else "normal"
                    text = canvas.figure.text(0, 0, s.text, fontsize=0.75 * s.size, weight=weight, parse_math=False)
                    assert text.get_window_extent().width <= width_of(s.text, s.size, s.bold) + 1, s.text


# ---- what is on them


def test_a_computation_shows_values_gradients_and_their_products():
    # the lecture's example: f = (x + y) z at (−2, 5, −4)
    drawing = DRAWINGS["scalar"]()
    shown = {tuple(line.text for line in block.lines) for block in drawing.parts[0][1].blocks}
    assert shown == {
        ("x", "−2", "∂f/∂x = −4"), ("y", "5", "∂f/∂y = −4"), ("z", "−4", "∂f/∂z = 3"),
        ("q = x + y", "3", "∂f/∂q = −4"), ("f = q * z", "−12", "∂f/∂f = 1"),
    }  # fmt: skip
    assert link_labels(drawing) == {
        ("x", "q"): "−4 × 1 = −4", ("y", "q"): "−4 × 1 = −4", ("q", "f"): "1 × (−4) = −4", ("z", "f"): "1 × 3 = 3",
    }  # fmt: skip


def test_a_graph_of_derivatives_carries_each_on_its_edge():
    # ∂z₁/∂x₁ = x₂, ∂h₁/∂z₁ = z₂, … at x = (2, 3): z = (6, 5)
    assert link_labels(DRAWINGS["paths"]()) == {
        ("x1", "z1"): "3", ("x2", "z1"): "2", ("x1", "z2"): "1", ("x2", "z2"): "1", ("z1", "h1"): "5",
        ("z2", "h1"): "6", ("z1", "h2"): "1", ("z2", "h2"): "−1", ("h1", "p"): "1", ("h2", "p"): "1",
    }  # fmt: skip


def test_an_explanation_is_drawn_like_its_function():
    e = wengert.explain(f)(-2.0, 5.0, -4.0)
    assert wengert.draw(e, gradients=True).svg() == DRAWINGS["scalar"]().svg()


def test_long_loops_are_shortened_and_say_so():
    drawing = DRAWINGS["loop"]()
    names = heads(drawing)
    assert "turns 3 to 49" in names and len(names) <= 40
    assert [t for t in texts(drawing) if t.startswith("turn 50: ")]
    assert "141 of 151 steps are folded into 1 box; most=151 shows all" in texts(drawing)
    assert len(heads(wengert.draw(fifty, 1.0, most=151))) == 151


def test_ten_thousand_steps_are_folded():
    def long(x):
        return sum_of([x] * 10_001)

    def sum_of(xs):
        total = xs[0]
        for x in xs[1:]:
            total = total + x
        return total

    drawing = wengert.draw(long, 1.0)
    assert len(heads(drawing)) <= 40
    assert any(re.search(r"of 10,001 steps are folded", t) for t in texts(drawing))


def test_functions_layers_and_turns_are_frames():
    drawing = DRAWINGS["loss"]()
    frames = drawing.parts[0][1].frames.values()
    assert {"m Sequential", "m.layers[0] Dense(2 → 16)", "m.layers[2] Dense(16 → 3)"} <= set(frames)
    # a weight stands in the frame of the layer that reads it
    groups = {block.lines[0].text: block.group for block in drawing.parts[0][1].blocks}
    assert drawing.parts[0][1].frames[groups["m.layers[2].weight"]] == "m.layers[2] Dense(16 → 3)"


def test_units_have_a_line_for_each_weight_in_the_colour_of_its_sign():
    drawing = wengert.draw(nn.Sequential([nn.Dense(np.array([[1.0, -2.0], [0.5, 0.0]])), nn.tanh]))
    lines = ET.fromstring(drawing.svg()).findall(".//{*}path")
    blue, orange = ("var(--line0" in line.get("stroke") for line in lines), "var(--line1"
    assert sum(blue) == 3 and sum(orange in line.get("stroke") for line in lines) == 1
    widths = [float(line.get("stroke-width")) for line in lines]
    assert widths[1] == max(widths) and widths[3] == min(widths)
    assert {"input", "output", "tanh", "x₁", "y₂", "−2", "0.5"} <= set(texts(drawing))


def test_layers_have_shapes_and_parameters():
    blocks = DRAWINGS["mlp"]().parts[0][1].blocks
    # 784 · 512 + 512, 512 · 512 + 512, 512 · 10 + 10
    assert [tuple(line.text for line in block.lines) for block in blocks] == [
        ("Dense", "784 → 512", "401,920 parameters"), ("relu",), ("Dense", "512 → 512", "262,656 parameters"),
        ("relu",), ("Dense", "512 → 10", "5,130 parameters"),
    ]  # fmt: skip


def test_a_model_that_is_run_shows_the_shapes_of_its_layers():
    blocks = DRAWINGS["conv"]().parts[0][1].blocks
    given = [block.lines[-1].text for block in blocks]
    assert given == [
        "4 × 28 × 28 × 1", *["gives 4 × 28 × 28 × 8"] * 2, "gives 4 × 14 × 14 × 8", *["gives 4 × 14 × 14 × 16"] * 3,
        "gives 4 × 16", "gives 4 × 10",
    ]  # fmt: skip
    links = DRAWINGS["conv"]().parts[0][1].links
    assert [(a.key, b.key) for a, b in itertools.pairwise(blocks)] == [(link.source, link.target) for link in links]


def test_a_model_of_ones_own_is_joined_as_it_runs():
    from dataclasses import dataclass
    from typing import Any

    @dataclass(frozen=True)
    class Residual:
        inner: Any

        def __call__(self, x, **_):
            return x + self.inner(x)

    model = nn.Sequential([nn.Dense(np.eye(3)), Residual(nn.Dense(np.eye(3)))])
    # the parameters alone do not say how layers are joined
    assert not wengert.draw(Residual(nn.Dense(np.ones((20, 20))))).parts[0][1].links
    drawing = wengert.draw(model, np.ones((2, 3)))
    names = {block.key: block.lines[0].text for block in drawing.parts[0][1].blocks}
    joined = [(names[link.source], names[link.target]) for link in drawing.parts[0][1].links]
    assert sorted(joined) == [("Dense", "Dense"), ("Dense", "add"), ("Dense", "add"), ("x", "Dense")]


def test_recurrent_layers_have_a_loop():
    first, second = DRAWINGS["lstm"]().parts[0][1].blocks
    assert first.recurrent and not second.recurrent
    assert "its state goes back in" in DRAWINGS["lstm"]().svg()


def test_a_program_has_a_block_for_each_equation():
    program = wengert.make_program(lambda x: 2.0 * np.sin(x) + x)(1.0)
    drawing = wengert.draw(program)
    assert heads(drawing) == ["a", "b = sin a", "c = multiply 2.0 b", "d = add c a"]
    assert [line.removeprefix("  ").partition(":")[0] for line in str(program).splitlines()[1:]] == ["b", "c", "d"]


def test_programs_in_equations_are_drawn_too():
    def loop(x):
        return wengert.control.fori_loop(0, 3, lambda _, c: np.sin(c), x)

    drawing = wengert.draw(wengert.make_program(loop)(1.0))
    assert len(drawing.parts) > 1
    assert any("sin" in head for head in heads(drawing))


def test_passes_are_drawn_in_order_with_what_is_new():
    low = wengert.lower(lambda x: np.sum((x * 1.0 + 0.5 * x) ** 2))(np.ones(3))
    drawing = wengert.draw(low)
    assert [heading for heading, _ in drawing.parts] == ["as staged: 5 equations", "simplify: 5 → 4 equations"]
    kinds = [{block.lines[0].text: block.kind for block in diagram.blocks} for _, diagram in drawing.parts]
    # x · 1 goes, and with it the sum that reads it becomes another
    assert kinds[0]["b = multiply a 1.0"] == "gone" and kinds[0]["d = add b c"] == "gone"
    assert [name for name, kind in kinds[1].items() if kind == "new"] == ["d = add a c"]
    # a variable has one name in all pictures
    assert "f = sum[axes=(0,), keepdims=False] e" in heads(drawing)[-1:]


# ---- forms


def test_svg_is_well_formed_and_the_same_twice(drawing):
    svg = drawing.svg()
    root = ET.fromstring(svg)
    assert root.get("role") == "img" and root.find("{*}title").text == drawing.title
    assert drawing.svg() == svg
    assert "<script" not in svg and "http" not in svg.replace("http://www.w3.org/2000/svg", "")


def test_user_text_is_escaped():
    drawing = wengert.draw({"<script>alert(1)</script>": np.ones((3, 20))})
    assert "<script" not in drawing.html().partition("<body>")[2]
    assert "&lt;script&gt;" in drawing.svg()


def test_dot_has_nodes_links_and_clusters():
    dot = DRAWINGS["loss"]().to_dot()
    assert dot.startswith("digraph ") and dot.count("{") == dot.count("}")
    nodes = re.findall(r"^ *(n\d+) \[", dot, re.MULTILINE)
    assert len(nodes) == len(set(nodes)) == len(DRAWINGS["loss"]().parts[0][1].blocks)
    ends = re.findall(r"(n\d+) -> (n\d+)", dot)
    assert len(ends) == len(DRAWINGS["loss"]().parts[0][1].links) and {n for e in ends for n in e} <= set(nodes)
    clusters = re.findall(r"subgraph (cluster\w+) ", dot)
    assert len(clusters) == len(set(clusters)) == len(DRAWINGS["loss"]().parts[0][1].frames)
    assert 'label="m.layers[0] Dense(2 → 16)"' in dot


def test_dot_quotes_what_users_write():
    dot = wengert.draw({'a"b\\': np.ones((3, 20))}).to_dot()
    assert r"\"" in dot and dot.count("{") == dot.count("}")


def test_png_has_the_size_of_the_drawing(tmp_path):
    drawing = DRAWINGS["scalar"]()
    _, width, height = scene_of(drawing)
    content = drawing.png(tmp_path / "f.png", dpi=96)
    assert content[:8] == b"\x89PNG\r\n\x1a\n" and (tmp_path / "f.png").read_bytes() == content
    size = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    assert size == pytest.approx((width, height), abs=1)


def test_png_has_ink_where_the_blocks_are():
    from io import BytesIO

    from matplotlib import image

    drawing = DRAWINGS["units"]()
    marks, _, _ = scene_of(drawing)
    pixels = image.imread(BytesIO(drawing.png(dpi=96)))
    for mark in marks:
        for shape in mark.shapes:
            if isinstance(shape, Panel) and shape.box.w == 34:
                x, y = (round(c) for c in shape.box.center)
                assert not np.allclose(pixels[y - 12, x, :3], 1), "inside a circle"
    assert np.allclose(pixels[2, 2, :3], 1)


def test_files_by_the_end_of_their_names(tmp_path):
    drawing = DRAWINGS["scalar"]()
    for suffix, begins in {
        ".svg": b"<svg",
        ".dot": b"digraph",
        ".html": b"<!DOCTYPE html>",
        ".png": b"\x89PNG",
    }.items():
        drawing.save(tmp_path / f"f{suffix}")
        assert (tmp_path / f"f{suffix}").read_bytes().startswith(begins)
    assert b"prefers-color-scheme:dark" in (tmp_path / "f.svg").read_bytes()
    with pytest.raises(DataError, match=r"written as \.svg, \.html, \.png or \.dot, and not as \.gif"):
        drawing.save(tmp_path / "f.gif")
    assert len(list(tmp_path.iterdir())) == 4


def test_a_png_too_large_is_refused_with_the_dpi_that_fits():
    with pytest.raises(UnsupportedError, match=r"\.png\(path, dpi=\d+\)"):
        DRAWINGS["scalar"]().png(dpi=1e6)


def test_notebooks_show_it():
    drawing = DRAWINGS["scalar"]()
    assert drawing._repr_svg_() == drawing.svg()
    assert drawing.svg() in drawing._repr_html_()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 480])
def test_pages_open_at_two_widths_in_both_schemes(visit, scheme, width):
    for name in ("scalar", "loop", "units", "conv", "passes"):
        page = visit(DRAWINGS[name]().html(), width=width, scheme=scheme)
        paper = page.evaluate("getComputedStyle(document.querySelector('main svg > rect')).fill")
        assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(24, 27, 32)")
        # the picture scrolls in its box, the page does not
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keep(f"draw-{name}-{width}-{scheme}")


# ---- edges of the domain


@pytest.mark.parametrize("what", [3.0, "text", None, np.ones(3), [], {}, object()])
def test_what_cannot_be_drawn_is_refused_with_what_can(what):
    with pytest.raises(
        UnsupportedError, match=r"cannot be drawn(?s:.*)draw\(f, \*args\)(?s:.*)draw\(model, x\)(?s:.*)lower"
    ):
        wengert.draw(what)


def test_a_function_without_arguments_is_asked_for_them():
    with pytest.raises(UnsupportedError, match=r"needs its arguments: draw\(f, x\)"):
        wengert.draw(f)


def test_gradients_of_a_model_are_refused_with_the_remedy():
    with pytest.raises(UnsupportedError, match=r"draw\(lambda model: loss"):
        wengert.draw(nn.mlp(KEY, [2, 2]), gradients=True)


@pytest.mark.parametrize("most", [0, 5001])
def test_the_number_of_blocks_is_bounded(most):
    with pytest.raises(UnsupportedError, match="from 1 to 5000"):
        wengert.draw(f, 1.0, 2.0, 3.0, most=most)


@pytest.mark.parametrize("most", range(1, 12))
def test_no_picture_has_more_blocks_than_wanted(most):
    assert len(heads(wengert.draw(fifty, 1.0, most=most))) <= max(most, 3)


def test_an_input_alone_is_drawn():
    drawing = wengert.draw(lambda x: x, 2.0)
    assert heads(drawing) == ["x"]


def test_functions_of_several_numbers_are_drawn_without_gradients():
    def g(x):
        return np.sin(x), 2 * x

    assert sorted(heads(wengert.draw(g, np.ones(3)))) == ["v1 = sin(x)", "v2 = 2 * x", "x"]
    with pytest.raises(DerivativeError):
        wengert.draw(g, np.ones(3), gradients=True)


def test_a_function_that_raises_is_drawn_up_to_there():
    def g(x):
        y = x * 2.0
        return fail(y)

    def fail(_):
        raise ValueError("no further")

    drawing = wengert.draw(g, 3.0, gradients=True)
    assert heads(drawing) == ["x", "y = x * 2"]
    assert "it ends here: ValueError: no further" in texts(drawing)


def test_a_model_is_drawn_up_to_the_layer_that_fails():
    model = nn.Sequential([nn.Dense(np.ones((2, 3))), nn.tanh, nn.Dense(np.ones((4, 1)))])
    drawing = wengert.draw(model, np.ones((5, 2)))
    assert heads(drawing) == ["x", "Dense", "tanh"]
    assert any(text.startswith("it ends here: ShapeError: layers[2]") for text in texts(drawing))


def test_values_that_are_not_finite_are_drawn():
    drawing = wengert.draw(lambda x: x * 2.0, np.nan, gradients=True)
    assert "NaN" in " ".join(texts(drawing))
    assert wengert.draw([(np.full((2, 2), np.nan), np.zeros(2))]).svg()
