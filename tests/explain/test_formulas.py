"""Formulas of steps and of derivatives: each is evaluated, and compared with what the record computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special
from tests.explain._latex import check, value_of
from tests.ops._samples import samples

import wengert
import wengert.scipy.linalg
from wengert import nn
from wengert.core.primitive import REGISTRY, Primitive
from wengert.explain.formulas.formula import derivative_term
from wengert.explain.formulas.notation import LATEX
from wengert.explain.formulas.spelling import latex_name
from wengert.explain.graph import Edge, Step, is_differentiable

assert wengert.scipy.linalg  # its records are loaded on their first use
RECORDS = sorted(name for name in REGISTRY if not name.startswith("test."))
NAMES = ["x", "y", "s", "t", "u", "v", "w"]
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

# Functions of each element whose rule is too long to be read, or chooses between series: the derivative is named.
NAMED = frozenset({
    "bdtrik", "bdtrin", "bessel_i", "bessel_j", "bessel_k", "bessel_y", "beta", "beta_tail", "betainc", "betaincc",
    "betainccinv", "betaincinv", "betaln", "binom", "boxcox", "boxcox1p", "btdtria", "btdtrib", "chdtr", "chdtrc",
    "chdtri", "chdtriv", "dawsn", "ellipeinc", "ellipkinc", "elliprc", "elliprd", "elliprj", "erfcinv", "erfcx",
    "eval_gegenbauer", "eval_genlaguerre", "eval_jacobi", "eval_sh_jacobi", "expn", "exprel", "fdtr", "fdtrc",
    "fdtri", "fdtridfd", "gamma_density", "gamma_tail", "gammainc", "gammaincc", "gammainccinv", "gammaincinv",
    "gdtr", "gdtrc", "gdtria", "gdtrib", "gdtrix", "gegenbauer_polynomial", "hankel1", "hankel1e", "hankel2",
    "hankel2e", "hyp0f1", "hyp1f1", "hyp2f1", "hyperu", "i0e", "i1e", "inv_boxcox", "inv_boxcox1p", "iv", "ive",
    "jacobi_polynomial", "jv", "jve", "k0e", "k1e", "kl_div", "kolmogi", "kolmogorov", "kv", "kve",
    "laguerre_polynomial", "log_ndtr", "log_wright_bessel", "modstruve", "nbdtrik", "nbdtrin", "ndtri", "ndtri_exp",
    "nrdtrimn", "nrdtrisd", "pdtrik", "poch", "rel_entr", "rgamma", "riemann_zeta", "series_0f1", "series_1f1",
    "series_1f2", "series_2f1", "spence", "sph_harm_y", "stdtr", "stdtridf", "stdtrit", "struve", "struve_integral",
    "tklmbda", "tricomi", "voigt_profile", "wofz", "wright_bessel", "wright_series", "yv", "yve", "zeta", "zetac",
})  # fmt: skip


def applied(record: Primitive, sample: Any) -> Step:
    """A step that applies a record to inputs x, y, …"""
    operands = tuple(
        Step(name, x, x) if not isinstance(x, tuple) and np.asarray(x).dtype.kind in "fc" else x
        for name, x in zip([*NAMES, *(f"x{k}" for k in range(40))], sample.operands, strict=False)
    )
    out = record.impl(*sample.operands, **sample.params)
    return Step("z", out, out, record, operands, sample.params)


def edges_of(step: Step) -> list[Edge]:
    found: list[Edge] = []
    for k, x in enumerate(step.operands):
        rule = step.primitive.diffs[k] if step.primitive and step.primitive.diffs else None
        if isinstance(x, Step) and is_differentiable(step.value) and not hasattr(rule, "refusal"):
            found.append(Edge(x, step, k, x.value))
    return found


def function(name: str) -> Any:
    """What a name in a formula means: NumPy's function, SciPy's, or a record of the library's own."""
    return getattr(np, name, None) or getattr(scipy.special, name, None) or REGISTRY[name]


class Meanings(dict[str, Any]):
    def __missing__(self, name: str) -> Any:
        return function(name)


@pytest.mark.parametrize("name", RECORDS)
def test_every_primitive_has_a_formula_as_text_and_in_latex(name: str) -> None:
    for sample in samples(REGISTRY[name])[:3]:
        step = applied(REGISTRY[name], sample)
        formula = step.formula()
        assert formula.left == "z"
        assert formula.right
        check(formula.latex)
        for edge in edges_of(step):
            local = edge.formula()
            assert local.right
            assert "\0" not in str(local)
            check(local.latex)


def evaluated(python: str, values: dict[str, Any]) -> Any:
    return eval(python, {"__builtins__": {}}, values)  # noqa: S307 - the library's own text


ELEMENTWISE = [n for n in RECORDS if REGISTRY[n].family == "elementwise" and not REGISTRY[n].multiple]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_derivatives_as_formulas_are_the_rules_themselves(name: str) -> None:
    for sample in samples(REGISTRY[name]):
        step = applied(REGISTRY[name], sample)
        for edge in edges_of(step):
            assert derivative_term(edge) is not None or name in NAMED
            python = edge.formula().python
            if not python or np.asarray(edge.source.value).dtype.kind == "c":
                continue
            values = Meanings({x.name: x.value for x in step.operands if isinstance(x, Step)} | {"z": step.value})
            got, want = evaluated(python, values), edge.local
            single = np.asarray(edge.source.value).dtype.char == "f"
            tolerance = {"rtol": 1e-4, "atol": 1e-5} if single else {"rtol": 2e-8, "atol": 1e-10}
            np.testing.assert_allclose(np.broadcast_to(got, np.shape(want)), want, **tolerance)


def test_no_function_is_named_whose_derivative_could_be_written() -> None:
    unread = {
        name for name in NAMED for sample in samples(REGISTRY[name])
        for edge in edges_of(applied(REGISTRY[name], sample)) if derivative_term(edge) is None
    }  # fmt: skip
    assert unread == NAMED


NUMPY_ONES = [
    n for n in RECORDS
    if REGISTRY[n].family == "elementwise" and isinstance(getattr(np, n, None), np.ufunc)
]  # fmt: skip


@pytest.mark.parametrize("name", NUMPY_ONES)
def test_latex_of_derivatives_has_the_value_of_the_rule(name: str) -> None:
    """The LaTeX is read by a reader of its own, so that a lost bracket is found."""
    checked = 0
    for sample in samples(REGISTRY[name]):
        if any(np.size(x) == 0 for x in sample.operands):
            continue
        if any(np.ndim(x) or np.asarray(x).dtype.kind != "f" for x in sample.operands):
            scalars = [np.ravel(x)[0] for x in sample.operands]
        else:
            scalars = list(sample.operands)
        if any(np.asarray(x).dtype.char != "d" for x in scalars):
            continue
        sample = type(sample)(tuple(scalars), sample.params)
        step = applied(REGISTRY[name], sample)
        values = {x.name: float(x.value) for x in step.operands if isinstance(x, Step)} | {"z": float(step.value)}
        for edge in edges_of(step):
            term = derivative_term(edge)
            assert term is not None, f"{name} has no formula"
            assert value_of(LATEX.write(term), values) == pytest.approx(float(edge.local), rel=1e-5, abs=1e-9)
            checked += 1
    assert checked or name == "ldexp"


# ---- the lectures


def formulas(e: Any) -> dict[str, str]:
    return {str(f.left): f.right for f in (edge.formula() for edge in e.edges)}


def test_l2_sum_times_z() -> None:
    def f(x: Any, y: Any, z: Any) -> Any:
        q = x + y
        return q * z

    e = wengert.explain(f)(-2.0, 5.0, -4.0)
    assert str(e.steps[0].formula()) == "q = x + y"
    assert formulas(e) == {"∂q/∂x": "1", "∂q/∂y": "1", "∂v2/∂q": "z", "∂v2/∂z": "q"}
    assert [float(edge.local) for edge in e.edges] == [1, 1, -4, 3]
    assert e.edges[2].formula().latex == r"\frac{\partial v_{2}}{\partial q} = z"


def test_l2_power_by_the_chain_rule() -> None:
    e = wengert.explain(lambda x: (5 - 6 * x) ** 5)(1.5)
    assert str(e.output.formula(whole=True)) == "v3 = (5 − 6·x)⁵"
    assert e.output.formula(whole=True).latex_right == r"\left(5 - 6 x\right)^{5}"
    assert formulas(e) == {"∂v1/∂x": "6", "∂v2/∂v1": "−1", "∂v3/∂v2": "5·v2⁴"}
    assert e.gradients["x"] == -30 * (5 - 6 * 1.5) ** 4


def test_l3_one_neuron() -> None:
    def neuron(alpha: Any, beta: Any, x1: Any, x2: Any) -> Any:
        s = alpha * x1 + beta * x2
        z = scipy.special.expit(s)
        return z  # noqa: RET504 - it has a name

    e = wengert.explain(neuron)(0.5, -0.3, 1.0, 2.0)
    assert str(e.output.formula()) == "z = σ(s)"
    s = next(step for step in e.steps if step.variable == "s")
    assert str(s.formula(whole=True)) == "s = alpha·x1 + beta·x2"
    assert s.formula(whole=True).latex == r"s = \alpha x_{1} + \beta x_{2}"
    assert "z·(1 − z)" in formulas(e).values()
    assert formulas(e)["∂v1/∂alpha"] == "x1"


@pytest.mark.parametrize("sigmoid", [nn.sigmoid, lambda s: 1 / (1 + np.exp(-s)), lambda s: np.exp(s) / (1 + np.exp(s))])
@pytest.mark.parametrize("value", [np.array([-1.0, 2.0]), np.array([0.5])])
def test_sigmoids_by_hand_are_recognised(sigmoid: Any, value: Any) -> None:
    def f(s: Any) -> Any:
        z = sigmoid(s)
        return np.sum(z)

    z = wengert.explain(f)(value).steps[-2]
    assert z.variable == "z"
    assert z.formula().note == "sigmoid: σ(s), with derivative z(1 − z)"
    assert str(z.formula(whole=True)) == "z = σ(s)"


def test_softmax_and_cross_entropy_by_hand_are_recognised() -> None:
    def loss(s: Any, t: Any) -> Any:
        e = np.exp(s - np.max(s, axis=1, keepdims=True))
        p = e / np.sum(e, axis=1, keepdims=True)
        return -np.mean(np.sum(t * np.log(p), axis=1))

    e = wengert.explain(loss, argnums=0)(np.array([[1.0, 2.0, 0.5]]), np.eye(3)[:1])
    p = next(step for step in e.steps if step.variable == "p")
    assert str(p.formula(whole=True)) == "p = softmax(s)"
    assert p.formula().note.startswith("softmax: softmax(s)")
    assert e.output.formula().note.startswith("cross-entropy of softmax: CE(softmax(s), t)")


def test_the_librarys_own_cross_entropy_is_recognised() -> None:
    def loss(s: Any, labels: Any) -> Any:
        return nn.softmax_cross_entropy(s, labels)

    e = wengert.explain(loss, argnums=0)(np.array([[1.0, 2.0, 0.5], [0.1, 0.2, 0.3]]), np.array([0, 2]))
    assert e.output.formula().note.startswith("cross-entropy of softmax: CE(softmax(s), t)")


def test_long_formulas_stay_readable() -> None:
    def f(x: Any) -> Any:
        for _ in range(20):
            x = x * x + 1
        return x

    e = wengert.explain(f)(0.1)
    assert max(len(str(step.formula(whole=True))) for step in e.steps) < 200


def test_what_only_looks_like_softmax_is_not() -> None:
    e = wengert.explain(lambda s: np.sum(np.exp(s) / np.sum(np.exp(2 * s))))(np.ones(3))
    assert not any(step.formula().note for step in e.steps)


def test_sums_name_their_indices() -> None:
    e = wengert.explain(lambda W: np.sum(W**2) + np.sum(np.max(W, axis=1)))(np.eye(3))
    assert str(e["v2"].formula(whole=True)) == "v2 = Σ_ij W_ij²"
    assert str(e["v4"].formula(whole=True)) == "v4 = Σ_i max_j W_ij"
    assert e["v2"].formula(whole=True).latex_right == r"\sum_{ij} W_{ij}^{2}"


def test_products_say_which_shapes_meet() -> None:
    e = wengert.explain(lambda A, B: np.sum(A @ B))(np.ones((4, 3)), np.ones((3, 2)))
    formula = e["v1"].formula()
    assert (str(formula), formula.shapes) == ("v1 = A @ B", "(4, 3) @ (3, 2) → (4, 2)")
    back = e.edges[0].formula()
    assert (str(back), back.shapes) == ("A ← upstream @ Bᵀ", "(4, 2) → (4, 3)")
    assert back.latex == r"\bar{A} \mathrel{+}= \bar{v}_{1} \, B^{\top}"


def test_a_variable_that_is_written_again_is_told_apart() -> None:
    def f(x: Any) -> Any:
        h = x * 2
        h = h + 1
        return h * h

    e = wengert.explain(f)(1.0)
    assert str(e["v2"].formula()) == "v2 = v1 + 1"


# ---- pullbacks: the text is evaluated against the record's vjp

PULLED = ["matmul", "transpose", "reshape", "det", "inv", "euclidean", "prod", "concatenate", "cast"]


def as_python(text: str) -> str:
    return text.replace("ᵀ", ".T").replace("·", "*").replace("−", "-")


@pytest.mark.parametrize("name", PULLED)
def test_pullbacks_are_the_rules_themselves(name: str) -> None:
    record, checked = REGISTRY[name], 0
    for sample in samples(record):
        step = applied(record, sample)
        if any(np.ndim(x) > 2 or np.size(x) == 0 or np.asarray(x).dtype.char != "d" for x in sample.operands):
            continue
        if (name in ("euclidean", "prod") and np.ndim(step.value)) or (name == "det" and abs(step.value) < 1e-9):
            continue
        g = np.random.default_rng(0).normal(size=np.shape(step.value))
        for edge in edges_of(step):
            wanted = tuple(k == edge.position for k in range(len(step.operands)))
            want = record.vjp(g, step.value, step.values, wanted, sample.params)[edge.position]
            values = {x.name: x.value for x in step.operands if isinstance(x, Step)}
            values |= {"z": step.value, "upstream": g, "outer": np.outer, "inv": np.linalg.inv}
            got = evaluated(as_python(edge.formula().right), values)
            np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)
            checked += 1
    assert checked


# ---- names


@pytest.mark.parametrize("name", ["x_1", "вес", "a%b", "params[0].weight", "m.layers[2].bias", "_", "Ünit", "x₁", "日"])
def test_any_name_is_valid_latex(name: str) -> None:
    check(latex_name(name) + "^{2}")
