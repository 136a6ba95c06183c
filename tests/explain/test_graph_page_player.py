"""The page of an explanation, opened and played in a browser: what it shows, at every step, by mouse and by keys."""

import itertools

import numpy as np
import pytest

import wengert
from wengert import nn
from wengert.explain.graph_page import frame, html

SIZES = [(1280, "light"), (1280, "dark"), (480, "light"), (480, "dark")]


def f(x, y, z):
    q = x + y
    return q * z


def squash(s):
    e = np.exp(-s)
    return 1 / (1 + e)


def neuron(w, x):
    return squash(w * x + 1.0) + squash(w - x)


def loss(params, x, y):
    for W, b in params:
        x = np.tanh(x @ W + b)
    return np.mean((x - y) ** 2)


def chain(x, w):
    for _ in range(1700):
        y = x * w
        x = np.tanh(y) + 0.5
    return x


def stops(x, W):
    h = np.tanh(x)
    return np.sum(h @ W)


@pytest.fixture(scope="module")
def pages():
    rng = np.random.default_rng(0)
    params = [(rng.normal(size=(4, 5)), np.zeros(5)), (rng.normal(size=(5, 2)), np.zeros(2))]
    sizes = [6, 8, 8, 3]
    model = nn.Sequential(
        [
            layer
            for a, b in itertools.pairwise(sizes)
            for layer in (nn.Dense(rng.normal(size=(a, b)) / np.sqrt(a), np.zeros(b)), nn.relu)
        ]
    )
    data = rng.normal(size=(7, 6))
    return {
        "scalar": html(wengert.explain(f)(-2.0, 5.0, -4.0)),
        "neuron": html(wengert.explain(neuron)(0.5, 2.0)),
        "network": html(wengert.explain(loss)(params, rng.normal(size=(8, 4)), rng.normal(size=(8, 2)))),
        "model": html(wengert.explain(lambda m: np.mean(m(data) ** 2))(model)),
        "chain": html(wengert.explain(chain)(1.0, 0.3)),
        "failing": html(wengert.explain(stops)(np.ones(3), np.ones((4, 2)))),
        "tangents": html(wengert.explain(f, tangents="x")(-2.0, 5.0, -4.0)),
    }


def seen(page):
    """By title, the value and gradient that the cards show now."""
    return page.evaluate("""() => Object.fromEntries([...document.querySelectorAll(".stage .node:not(.reference)")].map((g) => {
      const text = (key) => {
        const found = g.querySelector(key);
        return found && getComputedStyle(found).visibility === "visible" ? found.textContent : "";
      };
      return [g.querySelector(".t").textContent, [text(".v"), text(".g")]];
    }))""")


def labels(page):
    """The labels of lines that are shown now."""
    return page.evaluate("""() => [...document.querySelectorAll(".stage .line text")]
      .filter((t) => getComputedStyle(t).visibility === "visible").map((t) => t.textContent)""")


def caption(page):
    return page.inner_text("#caption")


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


# ---- the lecture's example, step by step


def test_each_step_of_the_lectures_example(visit, pages):
    page = visit(pages["scalar"])
    press(page, "Home")
    assert seen(page) == {"x": ["−2", ""], "y": ["5", ""], "z": ["−4", ""], "q = x + y": ["", ""], "v2 = q·z": ["", ""]}
    assert labels(page) == []
    press(page, "ArrowRight")
    assert caption(page) == "Forward 1 of 2: q = x + y = 3"
    assert seen(page)["q = x + y"] == ["3", ""] and seen(page)["v2 = q·z"] == ["", ""]
    assert "(−2) + 5" in page.inner_text("#details")
    press(page, "ArrowRight")
    assert caption(page) == "Forward 2 of 2: v2 = q·z = −12"
    assert seen(page)["v2 = q·z"] == ["−12", ""]
    press(page, "ArrowRight")
    assert caption(page) == "Backward 1 of 2: ∂f/∂v2 = 1"
    assert seen(page)["v2 = q·z"] == ["−12", "1"] and seen(page)["z"] == ["−4", "3"] and seen(page)["x"] == ["−2", ""]
    assert sorted(labels(page)) == ["1 × 3 = 3", "1 × −4 = −4"]
    press(page, "ArrowRight")
    assert caption(page) == "Backward 2 of 2: ∂f/∂q = −4"
    assert seen(page)["q = x + y"] == ["3", "−4"]
    press(page, "ArrowRight")
    assert caption(page) == "Every value and every gradient."
    assert seen(page) == {
        "x": ["−2", "−4"], "y": ["5", "−4"], "z": ["−4", "3"], "q = x + y": ["3", "−4"], "v2 = q·z": ["−12", "1"],
    }  # fmt: skip
    assert sorted(labels(page)) == ["1 × 3 = 3", "1 × −4 = −4", "−4 × 1 = −4", "−4 × 1 = −4"]


def test_the_panel_tells_how_contributions_add_up(visit):
    page = visit(html(wengert.explain(lambda x: x * x + 3.0 * x)(2.0)))
    page.click(".node.input")
    rows = page.locator("#details .edges").first.locator("tr").all_inner_texts()
    assert [row.split("\t")[-1].splitlines()[0] for row in rows] == ["1 × 2 = 2", "1 × 2 = 2", "1 × 3 = 3"]
    assert page.locator("#details h4.g ~ .number").inner_text() == "7"


def test_contributions_arrive_one_after_another(visit):
    page = visit(html(wengert.explain(lambda x: x * x + 3.0 * x)(2.0)))
    press(page, "b")
    page.click(".node.input")
    assert "still to come" in page.inner_text("#details")
    press(page, "End")
    assert "still to come" not in page.inner_text("#details")


# ---- controls


def test_slider_buttons_and_keys_are_the_same_positions(visit, pages):
    page = visit(pages["scalar"])
    slider = page.locator("#position")
    assert (slider.get_attribute("max"), slider.input_value()) == ("5", "5")
    slider.fill("1")
    assert caption(page).startswith("Forward 1 of 2")
    page.click("#next")
    assert slider.input_value() == "2" and caption(page).startswith("Forward 2 of 2")
    press(page, "b")
    assert slider.input_value() == "3"
    press(page, "f")
    assert slider.input_value() == "1"
    page.click("#last")
    page.click("#back")
    assert slider.input_value() == "4"
    page.click("#first")
    assert slider.input_value() == "0" and slider.get_attribute("aria-valuetext") == "The inputs are given."


def test_playing_goes_to_the_end_and_stops(visit, pages):
    page = visit(pages["scalar"])
    page.clock.install()
    press(page, " ")
    assert (
        page.locator("#play").get_attribute("aria-label") == "Pause" and page.locator("#position").input_value() == "0"
    )
    page.clock.run_for(2500)
    assert page.locator("#position").input_value() == "2"
    press(page, " ")
    page.clock.run_for(5000)
    assert page.locator("#position").input_value() == "2"
    page.click("#play")
    page.clock.run_for(9000)
    assert (
        page.locator("#position").input_value() == "5" and page.locator("#play").get_attribute("aria-label") == "Play"
    )


def test_arrows_on_the_slider_move_it_once(visit, pages):
    page = visit(pages["scalar"])
    page.focus("#position")
    press(page, "ArrowLeft")
    assert page.locator("#position").input_value() == "4" and caption(page).startswith("Backward 2")


def test_the_line_of_the_step_is_marked_in_the_source(visit, pages):
    page = visit(pages["scalar"])
    press(page, "f")
    assert page.inner_text(".code .now").strip() == "q = x + y"
    press(page, "ArrowRight")
    assert page.inner_text(".code .now").strip() == "return q * z"


# ---- looking at boxes and lines


def test_hover_shows_and_click_pins(visit, pages):
    page = visit(pages["scalar"])
    page.hover(".node.op >> nth=0")
    assert page.inner_text("#details h3") == "q = x + y"
    page.hover("h1")
    assert page.inner_text("#details h3").startswith("f(x, y, z)")
    page.click(".node.op >> nth=0")
    page.hover("h1")
    assert page.inner_text("#details h3") == "q = x + y"
    press(page, "Escape")
    assert page.inner_text("#details h3").startswith("f(x, y, z)")


def test_lines_tell_the_local_derivative(visit, pages):
    page = visit(pages["scalar"])
    page.locator(".line .touch").nth(2).hover(force=True)
    told = page.inner_text("#details")
    assert "∂v2/∂q = z" in told and "1 × −4 = −4" in told


def test_arrays_are_told_by_range_mean_and_a_heat_map(visit, pages):
    page = visit(pages["network"])
    page.locator(".node.input").first.click()
    told = page.inner_text("#details")
    assert "range" in told and "mean" in told
    assert page.locator("#details .heat path").count() > 2


def test_the_panel_leads_from_a_step_to_those_it_reads(visit, pages):
    page = visit(pages["scalar"])
    page.click(".node.output")
    page.click("#details button.link >> text=q (v1)")
    assert page.inner_text("#details h3") == "q = x + y"


# ---- folds


def test_long_loops_open_folded_and_unfold_one_in_the_other(visit, pages):
    page = visit(pages["chain"])
    assert page.locator(".stage .node").count() <= 30
    press(page, "Home", "ArrowRight")
    before = caption(page)
    assert "1,200 steps" in before
    press(page, "Enter")
    assert page.locator(".stage .frame").count() >= 1
    assert caption(page) != before and "60 steps" in caption(page)  # one has stepped into it
    press(page, "Enter", "Enter")
    assert caption(page).startswith("Forward 1 of") and "y = x·w = 0.3" in caption(page)
    assert page.locator(".stage .node").count() < 120
    press(page, "c", "c", "c")
    assert "1,200 steps" in caption(page) and page.locator(".stage .frame").count() == 0


def test_a_click_on_its_name_folds_a_frame(visit, pages):
    page = visit(pages["neuron"])
    assert page.locator(".stage .frame").count() == 2
    page.locator(".stage .frame .t").first.click()
    assert page.locator(".stage .frame").count() == 1 and page.locator(".stage .node.fold").count() == 1
    page.locator(".stage .node.fold").click()
    assert page.locator(".stage .frame").count() == 2


def overlaps(page, selector):
    """Pairs of boxes among those selected, by what the browser measures."""
    return page.evaluate(
        """(selector) => {
      const boxes = [...document.querySelectorAll(selector)].map((g) => [g.textContent, g.getBoundingClientRect()]);
      const found = [];
      boxes.forEach(([a, p], i) => boxes.slice(i + 1).forEach(([b, q]) => {
        const x = Math.min(p.right, q.right) - Math.max(p.left, q.left);
        const y = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
        if (x > 0.5 && y > 0.5) found.push([a, b]);
      }));
      return found;
    }""",
        selector,
    )


def outside(page):
    """Texts that are wider than their card."""
    return page.evaluate("""() => [...document.querySelectorAll(".stage .node")].flatMap((g) => {
      const box = [...g.querySelectorAll("rect.box")].at(-1).getBBox();
      return [...g.querySelectorAll("text")].filter((t) => {
        const {x, width} = t.getBBox();
        return x < box.x || x + width > box.x + box.width;
      }).map((t) => t.textContent);
    })""")


@pytest.mark.parametrize("name", ["scalar", "neuron", "network", "model", "chain", "failing"])
def test_nothing_overlaps(visit, pages, name):
    page = visit(pages[name])
    for _ in range(3):
        assert overlaps(page, ".stage .node rect.box") == []
        assert overlaps(page, ".stage .node, .stage .line text") == []
        assert (
            overlaps(page, ".stage .node .t, .stage .node .s, .stage .node .v, .stage .node .g, .stage .frame .t") == []
        )
        assert outside(page) == []
        closed = page.locator(".stage .node.fold")
        if closed.count():
            closed.first.dispatch_event("click")


def test_frames_hold_what_is_in_them_and_nothing_else(visit, pages):
    page = visit(pages["chain"])
    press(page, "Home", "ArrowRight", "Enter", "Enter", "Enter")
    bad = page.evaluate("""() => {
      const boxes = (selector) => [...document.querySelectorAll(selector)].map((g) => g.getBoundingClientRect());
      return boxes(".stage .frame .box").flatMap((f) => boxes(".stage .node").filter((n) => {
        const x = Math.min(f.right, n.right) - Math.max(f.left, n.left);
        const y = Math.min(f.bottom, n.bottom) - Math.max(f.top, n.top);
        return x > 1 && y > 1 && (x < n.width - 1 || y < n.height - 1);
      }));
    }""")
    assert bad == []


# ---- search


def test_search_finds_variables_operations_and_lines_and_opens_their_folds(visit, pages):
    page = visit(pages["chain"])
    press(page, "/")
    page.keyboard.type("v602")
    press(page, "Enter")
    assert page.inner_text("#details h3") == "v602 = tanh(y)"
    assert page.locator(".stage .node.pinned").count() == 1
    press(page, "/")
    page.fill("#search", "np.tanh(y) + 0.5")
    assert page.locator("#results button").count() == 8 and "more" in page.inner_text("#results")
    page.fill("#search", "no such thing")
    assert page.inner_text("#results") == "nothing found"
    press(page, "Escape")
    assert page.locator("#results").is_hidden()


# ---- pan and zoom


def scale(page):
    return page.evaluate("""new DOMMatrix(getComputedStyle(document.querySelector(".stage .all")).transform).a""")


def test_zoom_by_keys_wheel_and_buttons(visit, pages):
    page = visit(pages["scalar"])
    first = scale(page)
    press(page, "+")
    assert scale(page) > first
    press(page, "-", "-")
    assert scale(page) < first
    press(page, "0")
    assert scale(page) == pytest.approx(first)
    page.click(".stage", position={"x": 8, "y": 8})
    page.mouse.wheel(0, -200)
    page.wait_for_function(
        "s => new DOMMatrix(getComputedStyle(document.querySelector('.stage .all')).transform).a > s", arg=first
    )
    page.click("#fit")
    assert scale(page) == pytest.approx(first)


def test_the_wheel_scrolls_the_page_until_the_graph_is_taken_hold_of(visit, pages):
    page = visit(pages["scalar"])
    first = scale(page)
    page.hover(".stage")
    page.mouse.wheel(0, 200)
    page.wait_for_function("() => scrollY > 0")
    assert scale(page) == first


def test_dragging_moves_the_graph_and_pins_nothing(visit, pages):
    page = visit(pages["scalar"])
    box = page.locator(".node.op >> nth=0").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 30, steps=4)
    page.mouse.up()
    after = page.locator(".node.op >> nth=0").bounding_box()
    assert after["x"] - box["x"] == pytest.approx(60, abs=1) and after["y"] - box["y"] == pytest.approx(30, abs=1)
    assert page.locator(".node.pinned").count() == 0


def test_the_step_that_is_played_comes_into_view(visit, pages):
    page = visit(pages["model"], height=700)
    press(page, "Home")
    stage = page.locator(".stage").bounding_box()
    for _ in range(8):
        press(page, "ArrowRight")
        page.wait_for_timeout(300)
        box = page.locator(".node.now").bounding_box()
        assert stage["y"] <= box["y"] and box["y"] + box["height"] <= stage["y"] + stage["height"]
    page.set_viewport_size({"width": 900, "height": 620})
    page.wait_for_timeout(400)
    stage, box = page.locator(".stage").bounding_box(), page.locator(".node.now").bounding_box()
    assert stage["y"] <= box["y"] and box["y"] + box["height"] <= stage["y"] + stage["height"]


# ---- without a mouse, without scripts, large, small, printed


def test_all_is_reached_by_keyboard(visit, pages):
    page = visit(pages["neuron"])
    ids = set()
    for _ in range(40):
        press(page, "Tab")
        ids.add(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('class')"))
    assert {"first", "back", "play", "next", "last", "position", "search", "help", "zoom-in", "zoom-out", "fit"} <= ids
    assert sum("node" in (name or "") for name in ids) == 1  # one box is a tab stop: arrows go on from it
    page.locator('.node[tabindex="0"]').focus()
    told = page.inner_text("#details h3")
    press(page, "ArrowDown")
    assert page.inner_text("#details h3") != told
    assert page.evaluate("document.activeElement.getAttribute('aria-label')")


def test_the_moment_is_announced(visit, pages):
    page = visit(pages["scalar"])
    live = page.locator("[role=status]")
    press(page, "f")
    assert live.inner_text() == "Forward 1 of 2: q = x + y = 3"


def test_keys_are_explained(visit, pages):
    page = visit(pages["scalar"])
    press(page, "?")
    assert page.locator("#keys").is_visible() and "search" in page.inner_text("#keys")
    press(page, "Escape")
    assert page.locator("#keys").is_hidden()


def test_without_scripts_picture_and_tables_are_there(visit, pages):
    page = visit(pages["scalar"], scripts=False)
    assert page.locator(".controls").is_hidden() and page.locator(".stage svg.wengert-graph").is_visible()
    cells = page.locator("#forward tbody tr").all_inner_texts()
    assert [row.split("\t")[:4] for row in cells][3] == ["v1 q", "x + y", "3", "−4"]
    edges = [row.split("\t") for row in page.locator("#backward tbody tr").all_inner_texts()]
    assert ["v1 → v2", "−4", "1", "−4"] in edges and edges[0][0] in ("z → v2", "v1 → v2")
    page.keep("graph-page-no-scripts")


@pytest.mark.parametrize(("width", "scheme"), SIZES)
@pytest.mark.parametrize("name", ["scalar", "neuron", "network", "model", "chain", "failing", "tangents"])
def test_pictures_are_kept_and_the_page_never_scrolls_sideways(visit, pages, name, width, scheme):
    page = visit(pages[name], width=width, scheme=scheme, height=900)
    press(page, "b")
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keep(f"graph-page-{name}-{width}-{scheme}")


@pytest.mark.parametrize("name", ["scalar", "network", "chain"])
def test_at_twice_the_size_the_page_does_not_scroll_sideways(visit, pages, name):
    page = visit(pages[name], zoom=2.0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#play").is_visible()
    page.keep(f"graph-page-{name}-zoom2")


def test_printed_the_whole_graph_is_on_paper(visit, pages):
    page = visit(pages["network"])
    press(page, "+", "+")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    whole = page.locator(".stage svg.wengert-graph").bounding_box()
    for box in page.locator(".stage .node").all():
        inner = box.bounding_box()
        assert whole["x"] - 1 <= inner["x"] and inner["x"] + inner["width"] <= whole["x"] + whole["width"] + 1
        assert whole["y"] - 1 <= inner["y"] and inner["y"] + inner["height"] <= whole["y"] + whole["height"] + 1
    page.keep("graph-page-print")


def test_who_wants_less_motion_gets_none(visit, pages):
    page = visit(pages["scalar"])
    page.emulate_media(reduced_motion="reduce")
    press(page, "b")
    assert page.evaluate("getComputedStyle(document.querySelector('.line.now .wire')).animationName") == "none"


# ---- other kinds of explanations


def test_a_failing_function_is_shown_up_to_where_it_stopped(visit, pages):
    page = visit(pages["failing"])
    assert "ValueError" in caption(page) or "stopped" in caption(page)
    assert page.locator(".node.now.bad").count() == 1
    assert "f64[4,2]" in page.inner_text("#details") and page.inner_text(".code .now").strip() == "return np.sum(h @ W)"


def test_tangents_come_with_the_values(visit, pages):
    page = visit(pages["tangents"])
    press(page, "f")
    assert seen(page)["q = x + y"] == ["3", "1"] and "1 × 1 = 1" in labels(page)
    press(page, "End")
    assert seen(page)["v2 = q·z"] == ["−12", "−4"]


@pytest.mark.parametrize("function", [lambda x: x, np.sin, lambda x: 3.0], ids=["identity", "one step", "constant"])
@pytest.mark.filterwarnings("ignore")  # that a constant has no useful gradient is said elsewhere
def test_small_functions_can_be_played(visit, function):
    page = visit(html(wengert.explain(function)(0.5)))
    press(page, "Home", *["ArrowRight"] * 5, "b", "f", "ArrowDown", "Enter", "c", "0", " ", " ")
    assert page.locator("#play").is_visible()


def test_hostile_names_stay_text(visit):
    name = "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
    page = visit(html(wengert.explain(lambda d: sum(x * x for x in d.values()))({name: 2.0})))
    page.click(".node.input")
    press(page, "/")
    page.keyboard.type("script")
    assert page.title() != "taken" and "<script>" in page.inner_text("#details h3")


def test_several_on_one_page_do_not_touch_each_other(visit):
    frames = frame(wengert.explain(f)(-2.0, 5.0, -4.0)) + frame(wengert.explain(neuron)(0.5, 2.0))
    page = visit(f"<!DOCTYPE html><title>two</title><p class='card' id='own'>a notebook's own text</p>{frames}")
    first, second = page.frame_locator("iframe").nth(0), page.frame_locator("iframe").nth(1)
    page.locator("iframe").nth(1).scroll_into_view_if_needed()
    # from inside: where a mouse clicks while a frame is scrolled into view, some browsers still see the frame's old place
    first.locator("#first").evaluate("(button) => button.click()")
    assert first.locator("#caption").inner_text() == "The inputs are given."
    assert second.locator("#caption").inner_text() == "Every value and every gradient."
    assert page.evaluate("getComputedStyle(document.getElementById('own')).borderTopWidth") == "0px"
