"""Derivations in LaTeX: well formed always, read by matplotlib, and compiled where an engine is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.explain._latex import check

import wengert
from wengert import nn


def product(x: Any, y: Any, z: Any) -> Any:
    q = x + y
    return q * z


def neuron(alpha: Any, beta: Any, x_1: Any, x_2: Any) -> Any:
    s = alpha * x_1 + beta * x_2
    z = nn.sigmoid(s)
    return z  # noqa: RET504 - it has a name


def several_ways(x: Any) -> Any:
    a = x * x
    return a * np.sin(a) + np.maximum(x, 0.0) / 3e-7


def network(params: Any, x: Any, target: Any) -> Any:
    (W, b), v = params
    h = np.tanh(x @ W + b)
    s = h @ v
    p = np.exp(s - np.max(s, axis=1, keepdims=True))
    p = p / np.sum(p, axis=1, keepdims=True)
    return -np.mean(np.sum(target * np.log(p), axis=1))


def strange_names(вага: Any, a_b: Any, data_: Any) -> Any:
    loss_total = вага["x%1"] * a_b + data_[0]
    return np.sum(np.linalg.inv(np.eye(2) * loss_total)[::-1, 0])


def deep(x: Any) -> Any:
    for _ in range(60):
        x = x + np.sin(x)
    return x


PARAMS = ((np.array([[0.1, -0.2], [0.3, 0.4], [0.5, 0.6]]), np.zeros(2)), np.eye(2))
CALLS: dict[str, Any] = {
    "product": lambda: wengert.explain(product)(-2.0, 5.0, -4.0),
    "power": lambda: wengert.explain(lambda x: (5 - 6 * x) ** 5)(1.5),
    "neuron": lambda: wengert.explain(neuron)(0.5, -0.3, 1.0, 2.0),
    "several ways": lambda: wengert.explain(several_ways)(1.5),
    "network": lambda: wengert.explain(network, argnums=0)(PARAMS, np.ones((4, 3)), np.eye(2)[[0, 1, 1, 0]]),
    "large": lambda: wengert.explain(network, argnums=0)(
        ((np.ones((9, 8)) / 9, np.zeros(8)), np.ones((8, 3))), np.ones((7, 9)), np.eye(3)[[0] * 7]
    ),
    "strange names": lambda: wengert.explain(strange_names)({"x%1": 2.0}, 0.5, [1.0]),
    "deep": lambda: wengert.explain(deep)(0.1),
    "nothing": lambda: wengert.explain(lambda x: x)(1.0),
    "not a number": lambda: wengert.explain(lambda x: x * np.inf - np.inf)(1.0),
    "empty": lambda: wengert.explain(lambda x: np.sum(x * 2))(np.zeros((0, 3))),
    "second order": lambda: wengert.explain(wengert.grad(lambda x: np.sin(x) * x**2))(1.5),
    "stopped": lambda: wengert.explain(lambda x: np.tanh(x) @ np.ones(4))(np.ones(3)),
    "no gradient": lambda: wengert.explain(lambda x: np.tanh(x))(np.ones(3)),
    "several outputs": lambda: wengert.explain(lambda A: np.sum(np.linalg.eigh(A)[0] ** 2))(np.diag([1.0, 2.0, 4.0])),
}
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:.*derivative:UserWarning")


@pytest.fixture(params=sorted(CALLS))
def e(request: pytest.FixtureRequest) -> Any:
    return CALLS[request.param]()


def test_is_well_formed(e: Any) -> None:
    check(e.latex())
    check(e.latex(standalone=True).replace(r"\documentclass{article}", "").partition(r"\begin{document}")[2].replace(
        r"\end{document}", "").replace(r"\section*", "").replace(r"\textless", "").replace(r"\textgreater", ""))  # fmt: skip


def test_matplotlib_reads_each_equation(e: Any) -> None:
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    for line in e.latex().replace("\\\\\n", "\n").splitlines():
        # what mathtext has no word for is text beside an equation, or stands in several rows
        if "&" not in line or r"\begin" in line or r"\vdots" in line:
            continue
        shown = line.replace("&=", "=").removesuffix(r" \\").replace(r"\tfrac", r"\frac").replace("&", "")
        shown = shown.replace(r"\qquad", r"\quad")
        for short, long in ((r"\ge ", r"\geq "), (r"\le ", r"\leq "), (r"\ne ", r"\neq ")):
            shown = shown.replace(short, long)
        parser.parse(f"${shown}$")


def test_compiles(tmp_path: Path) -> None:
    engine = next((p for p in ("pdflatex", "xelatex", "tectonic") if shutil.which(p)), None)
    if engine is None:
        pytest.skip("no LaTeX engine (pdflatex, xelatex, tectonic) is installed: derivations are not compiled")
    first, *others = (CALLS[name]() for name in sorted(CALLS))
    head, _, tail = first.latex(standalone=True).partition(r"\end{document}")
    whole = "\n".join([head, *(e.latex() for e in others), r"\end{document}", tail])
    (tmp_path / "d.tex").write_text(whole, encoding="utf-8")
    options = [] if engine == "tectonic" else ["-interaction=nonstopmode", "-halt-on-error"]
    ran = subprocess.run([engine, *options, "d.tex"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:]
    assert "Overfull" not in ran.stdout
    assert (tmp_path / "d.pdf").stat().st_size > 1000


def test_l2_numbers_stand_in_the_equations() -> None:
    tex = CALLS["product"]().latex()
    assert r"q &= x + y = -2 + 5 = 3" in tex
    assert r"v_{2} &= q z = 3 \cdot \left(-4\right) = -12" in tex
    assert (
        r"\bar{z} &= \bar{v}_{2} \cdot \frac{\partial v_{2}}{\partial z} = \bar{v}_{2} \cdot q = 1 \cdot 3 = 3" in tex
    )
    assert r"\bar{x} &= \bar{q} \cdot \frac{\partial q}{\partial x} = \bar{q} = \left(-4\right) \cdot 1 = -4" in tex


def test_contributions_of_several_edges_are_summed() -> None:
    tex = wengert.explain(lambda x: x * x + 3 * x)(2.0).latex()
    last = tex[tex.rindex(r"\bar{x} &=") :]
    assert last.count(r"\partial") == 6
    assert r"2 + 2 + 3" in last
    assert re.search(r"= 7\s", last)


def test_matrices_have_transposes_and_shapes() -> None:
    tex = CALLS["network"]().latex()
    assert r"x^{\top} \, \bar{v}_{1}" in tex
    assert r"\bar{s} \, " in tex
    assert r"\mathbb{R}^{7 \times 9}" not in tex
    assert r"\ldots \in \mathbb{R}^{9 \times 8}" in CALLS["large"]().latex()


def test_long_lists_are_folded_at_a_stated_limit() -> None:
    e = CALLS["deep"]()
    tex = e.latex(most=10)
    assert tex.count("&=") < 80
    assert r"\text{111 more}" in tex
    assert "more" not in e.latex(most=None)


def test_the_same_call_gives_the_same_text() -> None:
    assert CALLS["network"]().latex() == CALLS["network"]().latex()
