"""A nudge: the true rerun, the linear prediction, its error of second order, and the number lines."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

import wengert
from wengert import nn
from wengert.errors import ModelError, ShapeError


def cost(w: Any, b: Any, x: Any, y: Any) -> Any:
    z = w * x + b
    a = 1 / (1 + np.exp(-z))
    C = (a - y) ** 2
    return C  # noqa: RET504 - it has a name


def chain(w1: Any, w2: Any, w3: Any, x: Any) -> Any:
    """L1's chain of layers of one neuron each."""
    a1 = np.tanh(w1 * x)
    a2 = np.tanh(w2 * a1)
    a3 = np.tanh(w3 * a2)
    return (a3 - 1.0) ** 2


def test_l1_nudge_w_and_z_a_and_c_follow() -> None:
    w, b, x, y, delta = 0.6, 0.9, 1.0, 0.0, 0.05
    nudged = wengert.explain(cost)(w, b, x, y).nudge("w", delta)
    z, a = w * x + b, 1 / (1 + math.exp(-(w * x + b)))
    z_after = z + delta
    a_after = 1 / (1 + math.exp(-z_after))
    assert nudged["z"].before == pytest.approx(z)
    assert nudged["z"].after == pytest.approx(z_after)
    assert nudged["a"].change == pytest.approx(a_after - a)
    assert nudged["a"].predicted == pytest.approx(a * (1 - a) * delta)
    assert nudged["C"].change == pytest.approx(a_after**2 - a**2)
    assert nudged["C"].predicted == pytest.approx(2 * a * a * (1 - a) * delta)
    assert nudged["C"].error == pytest.approx(nudged["C"].change - nudged["C"].predicted, rel=1e-12)


@pytest.mark.parametrize("name", ["w1", "w2", "w3"])
def test_l1_chain_of_one_neuron_layers(name: str) -> None:
    values = {"w1": 0.7, "w2": -1.2, "w3": 0.4}
    e = wengert.explain(chain)(*values.values(), 1.5)
    nudged = e.nudge(name, 1e-3)
    moved = values | {name: values[name] + 1e-3}
    assert nudged.after.value == pytest.approx(float(chain(*moved.values(), 1.5)), rel=1e-14)
    assert nudged.rows[-1].predicted == pytest.approx(1e-3 * e.gradients[name], rel=1e-12)


def test_the_error_is_of_second_order() -> None:
    e = wengert.explain(cost)(0.6, 0.9, 1.0, 0.0)
    large, small = (abs(float(e.nudge("w", d).rows[-1].error)) for d in (1e-2, 1e-3))
    assert large / small == pytest.approx(100, rel=0.05)


def test_arrays_and_elements() -> None:
    def f(W: Any, x: Any) -> Any:
        h = np.tanh(W @ x)
        return np.sum(h)

    W, x = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]), np.array([1.0, -1.0, 2.0])
    e = wengert.explain(f)(W, x)
    delta = np.full((2, 3), 0.01)
    np.testing.assert_allclose(e.nudge("W", delta)["h"].after, np.tanh((W + delta) @ x), rtol=1e-15)
    np.testing.assert_allclose(e.nudge("W", 0.01)["h"].after, np.tanh((W + delta) @ x), rtol=1e-15)
    one = e.nudge("W", 0.01, at=(0, 2))
    assert one.delta[0, 2] == pytest.approx(0.01)
    assert np.count_nonzero(one.delta) == 1
    assert one["h"].change[1] == 0
    assert one["h"].predicted[0] == pytest.approx((1 - np.tanh(W @ x)[0] ** 2) * 0.02)
    np.testing.assert_array_equal(W, [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])


def test_parameters_of_a_model() -> None:
    model = nn.Sequential([nn.Dense(np.eye(2)), nn.sigmoid, nn.Dense(np.ones((2, 1)))])
    e = wengert.explain(lambda m, x: np.sum(m(x)), argnums=0)(model, np.ones((3, 2)))
    name = next(name for name in e.inputs if "weight" in name)
    nudged = e.nudge(name, 1e-6)
    assert nudged.rows[-1].change == pytest.approx(1e-6 * np.sum(e.gradients[name]), rel=1e-5)


def test_other_control_flow_is_reported() -> None:
    def f(x: Any) -> Any:
        if x > 1:
            return x * x
        y = 3 * x
        return y + 1

    nudged = wengert.explain(f)(0.95).nudge("x", 0.1)
    assert "changed the control flow" in nudged.flow
    assert "y = 3 * x" in nudged.flow
    assert "changed the control flow" in nudged.text(80)
    assert (nudged.rows[-1].before, nudged.rows[-1].after) == (pytest.approx(3.85), pytest.approx(1.05**2))
    assert wengert.explain(f)(0.5).nudge("x", 0.1).flow == ""


def test_rules_of_ones_own_are_pushed_forward_too() -> None:
    @wengert.custom_vjp
    def square(x: Any) -> Any:
        return x * x

    square.defvjp(lambda x: (x * x, x), lambda x, g: (2 * x * g,))
    nudged = wengert.explain(lambda x: 3 * square(x))(2.0).nudge("x", 0.1)
    assert nudged.rows[-1].change == pytest.approx(1.23)
    if nudged.rows[-1].predicted is not None:  # a rule in reverse mode alone predicts nothing, or is transposed
        assert nudged.rows[-1].predicted == pytest.approx(1.2)


def test_a_run_that_stops_is_compared_up_to_there() -> None:
    def f(x: Any) -> Any:
        y = 2 * x
        if y > 2:
            raise ValueError("too large")
        return y * y

    nudged = wengert.explain(f)(0.95).nudge("x", 0.1)
    assert "the nudged run stopped: ValueError: too large" in nudged.flow
    assert nudged["y"].after == pytest.approx(2.1)
    assert "<svg" in nudged.svg()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("q", 0.1), ModelError, "no input 'q' to nudge: it has W"),
        (("W", "much"), ModelError, "a real number or array"),
        (("W", 1j), ModelError, "a real number or array"),
        (("W", np.nan), ModelError, "not finite"),
        (("W", np.ones(3)), ShapeError, r"W is f64\[2,2\], and the nudge has shape \(3,\)"),
        (("W", 0.1, (2, 0)), ShapeError, r"no one element at \(2, 0\)"),
        (("W", 0.1, 0), ShapeError, "write: at=\\(1, 1\\) for the last one"),
    ],
)
def test_wrong_nudges_are_refused(arguments: Any, error: Any, words: str) -> None:
    e = wengert.explain(lambda W: np.sum(W * W))(np.eye(2))
    with pytest.raises(error, match=words):
        e.nudge(*arguments)


def test_single_precision_stays() -> None:
    nudged = wengert.explain(lambda x: x * x)(np.float32(2.0)).nudge("x", 0.5)
    assert nudged.after.value.dtype == np.float32
    assert float(nudged.after.value) == 6.25


def test_text_has_a_row_for_each_step_that_moved() -> None:
    text = wengert.explain(cost)(0.6, 0.9, 1.0, 0.0).nudge("w", 0.1).text(80)
    rows = [line.split()[0] for line in text.splitlines()[3:]]
    assert rows[0] == "w"
    assert {"z", "a", "C"} <= set(rows)
    assert "3 more did not move" in text


# ---- the picture


def circles(svg: str) -> list[tuple[float, float, float]]:
    found = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)"', svg)
    return [(float(x), float(y), float(r)) for x, y, r in found]


def test_lines_have_one_scale_on_which_amplification_is_seen() -> None:
    svg = wengert.explain(lambda w: 3 * (2 * w))(1.0).nudge("w", 0.1).svg()
    assert "one scale for all lines" in svg
    by_line: dict[float, list[float]] = {}
    for x, y, r in circles(svg):
        if r == 4.5 and y > 60:
            by_line.setdefault(y, []).append(x)
    lengths = [after - before for before, after in by_line.values()]
    assert lengths[1] / lengths[0] == pytest.approx(2, rel=0.02)
    assert lengths[2] / lengths[0] == pytest.approx(6, rel=0.02)
    assert len({before for before, _ in by_line.values()}) == 1
    assert "× 2 = ∂v1/∂w" in svg
    assert "× 3 = ∂v2/∂v1" in svg


def test_changes_too_unlike_have_scales_of_their_own() -> None:
    svg = wengert.explain(lambda w: 1e6 * w)(1.0).nudge("w", 0.1).svg()
    assert "each line has its own scale" in svg


def test_l1_lines_are_those_of_the_users_variables() -> None:
    nudged = wengert.explain(cost)(0.6, 0.9, 1.0, 0.0).nudge("w", 0.05)
    a = float(nudged["a"].before)
    svg = nudged.svg()
    assert re.findall(r'font-size="14" fill="[^"]*">(\w+)<', svg) == ["w", "z", "a", "C"]
    assert "× 1 = ∂z/∂w" in svg
    assert f"× {a * (1 - a):.3g} = ∂a/∂z" in svg
    assert f"× {2 * a:.3g} = ∂C/∂a" in svg
    assert "v1" in nudged.svg(unnamed=True)


def test_a_factor_is_a_derivative_only_where_one_line_follows_from_the_other() -> None:
    svg = wengert.explain(lambda w: (2 * w) * w)(1.0).nudge("w", 0.1).svg()
    assert "∂v1/∂w" in svg
    assert "∂v2/∂v1" not in svg


@pytest.mark.parametrize("value", [0.0, -3.0, 1e300, 1e-300])
def test_any_numbers_can_be_drawn(value: float) -> None:
    e = wengert.explain(lambda x: x * 2.0 - x)(value)
    for delta in (0.0, 1e-3, value):
        assert "nan" not in e.nudge("x", delta).svg()


def test_nan_empty_and_complex_values_can_be_drawn() -> None:
    with np.errstate(all="ignore"):
        assert "<svg" in wengert.explain(lambda x: np.sqrt(x - 1))(0.5).nudge("x", 0.1).svg()
    assert "<svg" in wengert.explain(lambda x, y: np.sum(x) + y)(np.zeros(0), 1.0).nudge("y", 0.1).svg()


def test_hostile_names_are_escaped() -> None:
    e = wengert.explain(lambda d: d["<b>&"] * 2)({"<b>&": 1.0})
    svg = e.nudge(next(iter(e.inputs)), 0.1).svg()
    assert "<b>" not in svg


def test_many_steps_are_few_lines() -> None:
    def f(x: Any) -> Any:
        for _ in range(200):
            x = x + 0.01 * np.sin(x)
        return x

    svg = wengert.explain(f)(1.0).nudge("x", 0.1).svg(most=6)
    assert svg.count('font-weight="600" font-size="14"') + svg.count('font-size="14" ') >= 6
    assert len([r for _, y, r in circles(svg) if r == 7.5 and y > 60]) == 6


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (480, "dark")])
def test_labels_do_not_overlap(visit: Any, width: int, scheme: str) -> None:
    svg = wengert.explain(cost)(0.6, 0.9, 1.0, 0.0).nudge("w", 0.4)._repr_html_()
    page = visit(
        f'<!DOCTYPE html><meta name="color-scheme" content="light dark"><body>{svg}', width=width, scheme=scheme
    )
    page.keep(f"nudge-{width}-{scheme}")
    boxes = page.evaluate("[...document.querySelectorAll('svg text')].map(t => {const b = t.getBoundingClientRect();"
                          "return [b.left, b.top, b.right, b.bottom, t.textContent]})")  # fmt: skip
    for k, a in enumerate(boxes):
        for b in boxes[k + 1 :]:
            apart = a[2] <= b[0] + 1 or b[2] <= a[0] + 1 or a[3] <= b[1] + 2 or b[3] <= a[1] + 2
            assert apart, (a[4], b[4])
