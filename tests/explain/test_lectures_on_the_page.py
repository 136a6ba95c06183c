"""The lectures' worked examples about derivatives, each on its page: their numbers are read where a reader reads them."""

# ruff: noqa: RET504 - functions keep their results in variables whose names are looked for
import itertools
import re

import numpy as np
import pytest
from tests.explain.test_lectures_explained import B1, B2, W1, W2, graph_of_derivatives, sigmoid, slope

import wengert
from wengert import nn


class Reader:
    """What a reader of the page sees: its tables, its panel, and the cards and labels at the step that is played."""

    def __init__(self, page):
        self.page = page
        self.inner = page.inner_text

    @property
    def steps(self):
        """The rows of the forward pass by step and variable: value and gradient."""
        return {row[0]: tuple(row[2:4]) for row in self._rows("#forward")}

    @property
    def edges(self):
        """The rows of the backward pass by edge, in order: local derivative, upstream gradient, contribution."""
        return [(row[0], tuple(row[1:])) for row in self._rows("#backward")]

    def _rows(self, section):
        rows = self.page.locator(f"{section} tbody tr").all()
        return [[cell.inner_text() for cell in row.locator("td").all()] for row in rows]

    def go(self, words):
        """Play on until the caption has these words; what it says."""
        for _ in range(100):
            said = self.inner("#caption")
            if words in said:
                return said
            self.page.keyboard.press("ArrowRight")
        raise AssertionError(f"no step of the page says {words!r}; the last: {said}")

    def start(self):
        self.page.keyboard.press("Home")

    def pin(self, title):
        """Pin the card of this heading; the panel's text."""
        self.page.evaluate(
            """title => [...document.querySelectorAll(".stage .node:not(.reference)")]
              .find(g => g.querySelector(".t").textContent === title).dispatchEvent(new MouseEvent("click", {bubbles: true}))""",
            title,
        )
        return self.inner("#details")

    @property
    def labels(self):
        """What stands on the lines now: upstream × local = contribution."""
        return self.page.evaluate(
            """() => [...document.querySelectorAll(".stage .line text")]
              .filter(t => getComputedStyle(t).visibility === "visible").map(t => t.textContent)"""
        )

    def matrix(self, which):
        """The numbers of a matrix in the panel, by rows: of the value (0) or of the gradient."""
        rows = self.page.locator("#details .matrix").nth(which).locator("tr").all()
        return [[number(cell.inner_text()) for cell in row.locator("td").all()] for row in rows]


def number(text):
    return float(text.replace("−", "-"))


def numbers(text):
    """All numbers in a text."""
    return [number(found) for found in re.findall(r"−?\d+\.?\d*(?:e[+−-]\d+)?", text)]


@pytest.fixture
def read(visit):
    return lambda e, **options: Reader(visit(e.html(), **options))


def four(values):
    """Numbers as the page shows those of arrays: four digits."""
    return pytest.approx(np.ravel(values).tolist(), rel=6e-4)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_scalar_backprop(read, scheme):
    def f(x, y, z):
        q = x + y
        return q * z

    page = read(wengert.explain(f)(-2.0, 5.0, -4.0), scheme=scheme)
    assert "f(x, y, z) = −12" in page.inner("h1")
    assert page.steps == {
        "x": ("−2", "−4"), "y": ("5", "−4"), "z": ("−4", "3"), "v1 q": ("3", "−4"), "v2": ("−12", "1")
    }  # fmt: skip
    assert dict(page.edges) == {
        "v1 → v2": ("−4", "1", "−4"), "z → v2": ("3", "1", "3"),
        "x → v1": ("1", "−4", "−4"), "y → v1": ("1", "−4", "−4"),
    }  # fmt: skip
    page.start()
    assert page.go("Forward 1") == "Forward 1 of 2: q = x + y = 3"
    assert page.go("Forward 2").endswith("= −12")
    assert page.go("Backward 1").endswith("= 1")
    assert sorted(page.labels) == ["1 × 3 = 3", "1 × −4 = −4"]
    assert page.go("Backward 2").endswith("∂f/∂q = −4")
    assert sorted(page.labels) == ["1 × 3 = 3", "1 × −4 = −4", "−4 × 1 = −4", "−4 × 1 = −4"]


def test_chain_rule_by_hand(read):
    def power(x):
        return (5 - 6 * x) ** 5

    page = read(wengert.explain(power)(2.0))
    assert page.steps == {"x": ("2", "−72030"), "v1": ("12", "−12005"), "v2": ("−7", "12005"), "v3": ("−16807", "1")}
    assert [row for _, row in page.edges] == [
        ("12005", "1", "12005"), ("−1", "12005", "−12005"), ("6", "−12005", "−72030")
    ]  # fmt: skip
    assert "5·v2⁴" in page.pin("v2 = 5 − v1")


def test_one_neuron(read):
    def neuron(alpha, beta, x1, x2):
        s = alpha * x1 + beta * x2
        z = 1 / (1 + np.exp(-s))
        return z

    page = read(wengert.explain(neuron)(0.5, -1.5, 2.0, 3.0))
    rows = {name: [*map(number, row)] for name, row in page.edges}
    dz_ds = slope(-3.5)
    assert page.steps["v3 s"][0] == "−3.5"
    assert rows["alpha → v1"] == pytest.approx([2.0, dz_ds, dz_ds * 2.0], rel=1e-5)
    assert rows["beta → v2"] == pytest.approx([3.0, dz_ds, dz_ds * 3.0], rel=1e-5)
    page.start()
    assert number(page.go("∂neuron/∂s").split("= ")[-1]) == pytest.approx(dz_ds, rel=1e-5)
    page.go("Every value")
    assert numbers(page.pin("alpha"))[-1] == pytest.approx(dz_ds * 2.0, rel=1e-5)


def test_graph_of_derivatives_and_its_four_paths(read):
    e = wengert.explain(graph_of_derivatives)(3.0, 2.0)
    page = read(e)
    local = {name: number(row[0]) for name, row in page.edges}
    ways = [("x1", a, b, "v5") for a in ("v1", "v2") for b in ("v3", "v4")]
    products = [np.prod([local[f"{a} → {b}"] for a, b in itertools.pairwise(way)]) for way in ways]
    z1, z2, h1, h2 = 6.0, 1.5, np.hypot(6.0, 1.5), 9.0
    by_hand = [h2 * z1 / h1 * 2.0, h1 * z2 * 2.0, h2 * z2 / h1 / 2.0, h1 * z1 / 2.0]
    assert products == pytest.approx(by_hand, rel=1e-5)
    assert number(page.steps["x1"][1]) == pytest.approx(sum(by_hand), rel=1e-5)
    assert len(e.paths("x1")) == len(ways)
    # all paths are multiplied at once on the way back: what comes to x1 by each of its two edges
    back = [number(row[2]) for name, row in page.edges if name.startswith("x1")]
    assert sorted(back) == pytest.approx(sorted([sum(by_hand[:2]), sum(by_hand[2:])]), rel=1e-5)
    assert "sum of 2" in page.pin("x1")


def test_softmax_and_cross_entropy_with_local_gradients(read):
    U, h, b2 = (
        np.array([[1.0, -1.0], [0.5, 2.0], [0.0, 1.0]]),
        np.array([[0.5], [-1.0]]),
        np.array([[0.1], [0.2], [0.3]]),
    )
    y = np.eye(3)[:, [2]]

    def J(U, h, b2):
        theta = U @ h + b2
        y_hat = np.exp(theta) / np.sum(np.exp(theta))
        return -np.sum(y * np.log(y_hat))

    theta = U @ h + b2
    p = np.exp(theta) / np.sum(np.exp(theta))
    page = read(wengert.explain(J)(U, h, b2))
    rows = {name.split()[-1]: [*map(numbers, row)] for name, row in page.steps.items()}
    assert rows["theta"] == [four(theta), four(p - y)]
    assert rows["y_hat"][0] == four(p)
    assert rows["b2"][1] == four(p - y)
    assert rows["U"][1] == four((p - y) @ h.T)
    assert rows["h"][1] == four(U.T @ (p - y))
    panel = page.pin("U")
    np.testing.assert_allclose(page.matrix(1), (p - y) @ h.T, rtol=6e-4)
    assert "upstream @ hᵀ" in panel


def test_softmax_of_four_logits(read):
    page = read(wengert.explain(nn.softmax)(np.array([-1.0, 0.0, 3.0, 5.0])))
    value = next(row[0] for name, row in reversed(page.steps.items()))
    assert numbers(value) == four([0.0021657, 0.00588697, 0.11824302, 0.87370431])


def test_a_chain_of_one_neuron_layers(read):
    def C(params, x, y):
        a = x
        for w, b in params:
            z = w * a + b
            a = 1 / (1 + np.exp(-z))
        return (a - y) ** 2

    params, x, y = [(1.5, -0.5), (-2.0, 0.3)], 0.2, 1.0
    page = read(wengert.explain(C, argnums=0)(params, x, y))
    z1 = 1.5 * 0.2 - 0.5
    a1 = sigmoid(z1)
    z2 = -2.0 * a1 + 0.3
    a2 = sigmoid(z2)
    d2 = 2 * (a2 - y) * slope(z2)
    d1 = d2 * -2.0 * slope(z1)
    found = {name: number(row[1]) for name, row in page.steps.items()}
    gradients = [found[f"params[{layer}][{k}]"] for layer in (0, 1) for k in (0, 1)]
    assert gradients == pytest.approx([d1 * x, d1, d2 * a1, d2], rel=1e-5)
    assert [found[name] for name in found if name.endswith(" z")] == pytest.approx([d1, d2], rel=1e-5)
    whole = wengert.explain(lambda params: np.mean(C(params, np.array([0.2, 0.2]), np.array([1.0, 1.0]))))(params)
    averaged = {name: number(row[1]) for name, row in read(whole).steps.items() if name.startswith("params")}
    assert [*averaged.values()] == pytest.approx(gradients, rel=1e-5)


def loss(W1, b1, W2, b2, x, y):
    u = W1 @ x + b1
    outputs = W2 @ u + b2
    return 0.5 * np.sum((outputs - y) ** 2)


def test_a_network_by_hand(read):
    e = wengert.explain(loss, argnums=(0, 1, 2, 3))(W1, B1, W2, B2, np.array([3.0, -2.0]), np.array([1.0, 4.0]))
    page = read(e)
    assert page.inner("h1").endswith("= 260")
    rows = page.steps
    assert rows["v2 u"] == ("[7 −22 −3]", "[−32 −16 −118]")
    assert rows["v4 outputs"] == ("[−21 −2]", "[−22 −6]")
    assert rows["W1"][1] == "[[−96 64] [−48 32] [−354 236]]"
    assert rows["b1"][1] == "[−32 −16 −118]"
    assert rows["W2"][1] == "[[−154 484 66] [−42 132 18]]"
    assert rows["b2"][1] == "[−22 −6]"
    # in the panel, as a matrix
    panel = page.pin("W2")
    assert page.matrix(0) == [[2, 1, 4], [-2, -1, 5]]
    assert page.matrix(1) == [[-154, 484, 66], [-42, 132, 18]]
    assert "outer(upstream, u)" in panel
    page.page.keyboard.press("Escape")
    # and played: each gradient comes at its step
    page.start()
    assert page.go("Forward 2").endswith("= [7 −22 −3]")
    assert page.go("Forward 4").endswith("= [−21 −2]")
    assert page.go("Forward 8").endswith("= 260")
    said = [page.go(f"Backward {k} ") for k in range(1, 9)]
    by_variable = {line.split("∂")[-1].split(" = ")[0]: line.split(" = ")[-1] for line in said}
    assert (by_variable["outputs"], by_variable["u"]) == ("[−22 −6]", "[−32 −16 −118]")


def test_a_network_by_hand_as_a_model(read):
    model = nn.Sequential([nn.Dense(W1.T, B1), nn.Dense(W2.T, B2)])
    x, y = np.array([[3.0, -2.0]]), np.array([[1.0, 4.0]])
    rows = read(wengert.explain(lambda model: nn.half_sse(model(x), y))(model)).steps
    assert rows["layers[1].weight"][1] == "[[−154 −42] [484 132] [66 18]]"
    assert rows["layers[0].weight"][1] == "[[−96 −48 −354] [64 32 236]]"
    assert (rows["layers[0].bias"][1], rows["layers[1].bias"][1]) == ("[−32 −16 −118]", "[−22 −6]")


def test_three_rules_in_a_batch(read):
    x = np.array([[3.0, -2.0], [1.0, 0.0], [0.0, 2.0]])
    W, b = np.array([[2.0, -2.0], [1.0, 5.0]]), np.array([-1.0, 5.0])
    d = x @ W + b - 1.0
    page = read(wengert.explain(lambda W, b, x: np.sum((x @ W + b - 1.0) ** 2) / 2)(W, b, x))
    assert numbers(page.steps["x"][1]) == np.ravel(d @ W.T).tolist()  # weights · d-values
    assert numbers(page.steps["W"][1]) == np.ravel(x.T @ d).tolist()  # d-values ⊗ values
    assert numbers(page.steps["b"][1]) == d.sum(axis=0).tolist()  # sums over columns


def test_a_sigmoid_node_has_two_passes(read):
    def node(inputs):
        return 1.0 / (1 + np.exp(-inputs))

    inputs, incoming = np.array([-2.0, 0.0, 3.0]), np.array([1.0, -4.0, 0.5])
    page = read(wengert.explain(node, weights=incoming)(inputs))
    a = node(inputs)
    assert numbers(page.steps["v4"][0]) == four(a)
    assert numbers(page.steps["v4"][1]) == incoming.tolist()
    assert numbers(page.steps["inputs"][1]) == four(a * (1 - a) * incoming)


def test_small_arrays_are_read_one_by_one_and_large_ones_in_short(read):
    W = np.arange(12.0).reshape(3, 4)
    page = read(wengert.explain(lambda W: np.sum(W * W))(W), width=480)
    assert numbers(page.steps["W"][1]) == np.ravel(2 * W).tolist()
    W = np.arange(20.0).reshape(4, 5)  # beside the graph there is more room than in a table
    page = read(wengert.explain(lambda W: np.sum(W * W))(W), width=480)
    assert page.steps["W"][1] == "0 … 38"
    page.pin("W")
    assert page.matrix(1) == (2 * W).tolist()
    large = read(wengert.explain(lambda W: np.sum(W * W))(np.arange(600.0).reshape(20, 30)))
    assert large.steps["W"] == ("f64[20,30] 0 … 599", "0 … 1198")
