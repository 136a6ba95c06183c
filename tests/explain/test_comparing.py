"""compare_derivatives: errors and costs against closed forms, mpmath and counting by hand."""

import json
import math
import sys

import mpmath
import numpy as np
import pytest

import wengert
from wengert import control, nn
from wengert.errors import DerivativeError, UnsupportedError

sympy = pytest.importorskip("sympy")
from wengert.explain.comparing.expressions import Formula, node_count  # noqa: E402
from wengert.explain.comparing.numerical import STEPS, Objective, complex_step, estimate  # noqa: E402
from wengert.explain.summaries.watching import watch  # noqa: E402


def smooth(x):
    return np.exp(x) * np.sin(x)


def logistic(x):
    for _ in range(3):
        x = 4 * x * (1 - x)
    return x


W = np.arange(9.0).reshape(3, 3) / 9


def network(x):
    for _ in range(3):
        x = np.tanh(W @ x)
    return np.sum(x**2)


@pytest.fixture(scope="module")
def comparison():
    return wengert.compare_derivatives(smooth, 1.0)


# ---- the truth


def test_the_reference_is_what_mpmath_says(comparison):
    with mpmath.workdps(40):
        exact = float(mpmath.exp(1) * (mpmath.sin(1) + mpmath.cos(1)))
    assert comparison.gradient.tolist() == [exact]
    assert comparison.reference == "central differences in 60 digits"
    assert comparison.value == math.exp(1) * math.sin(1)


def test_a_vectors_reference_is_the_chain_rule_by_hand_in_mpmath():
    x = np.array([0.1, 0.2, 0.3])
    c = wengert.compare_derivatives(network, x)
    with mpmath.workdps(40):
        a = [mpmath.mpf(v) for v in x]
        J = mpmath.eye(3)
        for _ in range(3):
            a = [mpmath.tanh(sum(mpmath.mpf(W[i, j]) * a[j] for j in range(3))) for i in range(3)]
            J = mpmath.diag([1 - v**2 for v in a]) * mpmath.matrix(W.tolist()) * J
        exact = [float(sum(2 * a[i] * J[i, j] for i in range(3))) for j in range(3)]
    assert np.allclose(c.gradient, exact, rtol=1e-15, atol=0)
    assert c["reverse mode"].error < 1e-15
    assert c["symbolic (SymPy)"].error < 1e-14


# ---- errors of the numerical ways


def test_errors_of_differences_follow_truncation_and_rounding(comparison):
    forward, central = comparison.curves[0], comparison.curves[1]
    exact = math.exp(1) * (math.sin(1) + math.cos(1))
    second = 2 * math.exp(1) * math.cos(1)
    third = 2 * math.exp(1) * (math.cos(1) - math.sin(1))
    at = STEPS.index(1e-3)
    assert forward.errors[at] == pytest.approx(abs(second) / 2 * 1e-3 / exact, rel=2e-3)
    assert central.errors[at] == pytest.approx(abs(third) / 6 * 1e-6 / exact, rel=2e-3)
    assert forward.truncation[at] == pytest.approx(abs(second) / 2 * 1e-3 / exact, rel=1e-12)
    assert central.truncation[at] == pytest.approx(abs(third) / 6 * 1e-6 / exact, rel=1e-12)
    # to the left of its optimum rounding rules: ε|f|/h bounds it, and a hundredth of that does not
    eps = np.finfo(float).eps
    left = [k for k, h in enumerate(STEPS) if h < 1e-10]
    bounds = [2 * eps * comparison.value / STEPS[k] / exact for k in left]
    assert all(forward.errors[k] < b for k, b in zip(left, bounds, strict=True))
    assert np.median([forward.errors[k] / b for k, b in zip(left, bounds, strict=True)]) > 1e-2


def test_the_best_steps_are_where_theory_has_them(comparison):
    forward, central = comparison.curves[0], comparison.curves[1]
    eps, value = np.finfo(float).eps, comparison.value
    second = 2 * math.exp(1) * math.cos(1)
    third = abs(2 * math.exp(1) * (math.cos(1) - math.sin(1)))
    assert forward.predicted == pytest.approx(math.sqrt(2 * eps * value / second), rel=1e-9)
    assert central.predicted == pytest.approx((3 * eps * value / 2 / third) ** (1 / 3), rel=1e-9)
    assert forward.predicted / 10 < forward.best_step < forward.predicted * 10
    assert central.predicted / 10 < central.best_step < central.predicted * 10
    assert central.best_error < forward.best_error / 30


def test_the_complex_step_has_no_rounding_to_lose():
    o = Objective(smooth, 1.0, (0,))
    exact = math.exp(1) * (math.sin(1) + math.cos(1))
    assert complex_step(o, 0, 1e-200) == pytest.approx(exact, rel=4e-16)
    assert estimate(o, "forward differences", 1e-15)[0] != pytest.approx(exact, rel=1e-3)


def test_what_cannot_be_computed_with_complex_numbers_says_so():
    c = wengert.compare_derivatives(lambda x: x * np.abs(x), 0.7)
    assert "not complex-differentiable" in c["complex step"].refusal
    assert c["reverse mode"].error < 1e-15
    assert len(c.curves) == 2
    c = wengert.compare_derivatives(lambda x: x * x if x > 0 else -x, 0.7)
    assert "refuses complex numbers" in c["complex step"].refusal
    assert any("branches taken at x" in note for note in c.notes)


# ---- costs


def test_operations_are_counted():
    c = wengert.compare_derivatives(lambda x: np.sum(x**3), np.ones(50))
    f = 50 + 50  # 50 powers, and a sum of 50 numbers
    assert c["forward differences"].operations == 51 * f
    assert c["central differences"].operations == 100 * f
    reverse, forward = c["reverse mode"], c["forward mode"]
    assert reverse.times < 4  # the constant factor of reverse mode, for any number of inputs
    assert forward.operations > 20 * reverse.operations


def test_expressions_swell_where_reverse_mode_grows_by_a_constant(comparison):
    g = comparison.growth
    assert g.places[:4] == (1, 2, 3, 4)
    steps = np.diff(g.reverse)
    assert len(set(steps.tolist())) == 1  # reverse mode: so many operations more for each application
    assert all(b > 2 * a for a, b in zip(g.derivatives, g.derivatives[1:], strict=False))
    x = sympy.Symbol("x", real=True)
    e = x
    for k in range(3):
        e = sympy.exp(e) * sympy.sin(e)
        assert g.derivatives[k] == node_count(sympy.diff(e, x))
        assert g.values[k] == node_count(e)


def test_sharing_undoes_the_swell():
    c = wengert.compare_derivatives(logistic, 0.2)
    assert c["symbolic (SymPy)"].operations > 3 * c.growth.shared[0]
    assert c.growth.shared[0] < 2 * c["reverse mode"].operations


def test_nodes_are_counted_as_the_tree_is_written():
    x = sympy.Symbol("x")
    e = x
    for _ in range(60):
        e = sympy.sin(e) + sympy.cos(e)
    assert node_count(e) == 2**60 + 3 * (2**60 - 1)


# ---- expressions


def table(f, x):
    """The formula of f in symbols, evaluated as numbers."""
    formula = Formula.of(watch(lambda _, x: f(x), (x,)))
    symbols = np.array([sympy.Symbol(f"x{k}", real=True) for k in range(x.size)], object).reshape(x.shape)
    e = sympy.sympify(formula(symbols))
    return float(e.subs(dict(zip(symbols.flat, x.flat, strict=True))))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.exp(x) + np.log(x) * np.sqrt(x) - np.cos(x) / np.tan(x)),
        lambda x: np.sum(np.arcsin(x) + np.arccos(x) * np.arctan(x) + np.arctanh(x) + np.arcsinh(x)),
        lambda x: np.sum(np.sinh(x) * np.cosh(x) + np.tanh(x) ** 3 + np.expm1(x) + np.log1p(x) + np.log2(x)),
        lambda x: np.sum(np.cbrt(x) + np.hypot(x, 2.0) + np.arctan2(x, 0.5) + np.logaddexp(x, 1.0) + 2.0**x),
        lambda x: np.max(x) + np.min(x) * np.prod(x) + np.linalg.norm(x.ravel()),
        lambda x: np.sum(np.where(x > 0.5, x * x, np.maximum(x, 0.1)) + np.abs(x - 0.4) + np.sign(x - 0.4)),
        lambda x: np.sum(np.einsum("ij,kj->ik", x, x)[0] + np.concatenate([x, x.T])[:2] @ x.reshape(2, 2)[:, 0]),
        lambda x: np.linalg.det(x) + np.sum(np.linalg.inv(x)),
        lambda x: np.sum(nn.softmax(x) * np.arange(4.0).reshape(2, 2)),
        lambda x: np.sum(control.scan(lambda c, r: (np.tanh(c + r), c * r), np.zeros(2), x)[1]),
        lambda x: np.cumsum(x.ravel())[-2] + np.mean(x) + np.std(x) + np.trace(x),
    ],
    ids=["exp", "arcs", "hyperbolic", "binary", "reductions", "choices", "moves", "linalg", "softmax", "scan", "sums"],
)
def test_formulas_have_the_values_of_the_function(f):
    x = np.array([[0.3, 0.7], [0.6, 0.2]])
    assert table(f, x) == pytest.approx(float(f(x)), rel=1e-13)


def test_what_sympy_has_no_like_of_is_named_and_the_rest_stands():
    c = wengert.compare_derivatives(lambda x: np.sum(np.linalg.cholesky(x @ x.T + np.eye(2))), np.eye(2))
    symbolic = c["symbolic (SymPy)"]
    assert "cholesky" in symbolic.refusal
    assert "np.linalg.cholesky" in symbolic.refusal  # the user's own line
    assert c["reverse mode"].operations is None  # not counted, and not passed over
    assert c["central differences"].error < 1e-8
    assert "cholesky" in c.notes[0]


def test_without_sympy_the_rest_stands_and_the_command_to_install_it_is_shown(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    c = wengert.compare_derivatives(smooth, 1.0)
    assert "pip install 'wengert[symbolic]'" in c["symbolic (SymPy)"].refusal
    assert c.reference == "the complex step at h = 10⁻³⁰"
    assert c["reverse mode"].error < 1e-15
    assert c.growth is None


def test_large_arrays_are_compared_at_some_places():
    c = wengert.compare_derivatives(lambda x: np.sum(np.sin(x)), np.linspace(0, 1, 5000))
    assert c.gradient.shape == (12,)
    assert "12 of the 5,000" in c.notes[0]
    assert "5,000 inputs" in c["forward mode"].refusal
    assert "expression for each" in c["symbolic (SymPy)"].refusal


def test_a_domain_that_ends_beside_x_leaves_gaps():
    c = wengert.compare_derivatives(np.sqrt, 1e-3)
    assert math.isnan(c.curves[1].errors[0])
    assert c.curves[1].best_error < 1e-8
    assert "<svg" in c.svg()


@pytest.mark.parametrize(
    ("f", "x", "error", "words"),
    [
        (lambda x: x * 2, np.ones(3), DerivativeError, "np.sum"),
        (lambda x: None, 1.0, DerivativeError, "NoneType"),
        (smooth, "one", DerivativeError, "str"),
        (smooth, 1j, DerivativeError, "complex"),
        (np.sum, np.ones(0), DerivativeError, "empty"),
    ],
)
def test_what_has_no_derivative_is_refused(f, x, error, words):
    with pytest.raises(error, match=words):
        wengert.compare_derivatives(f, x)


def test_inside_a_transform_it_is_refused():
    with pytest.raises(UnsupportedError, match="outside"):
        wengert.grad(lambda x: wengert.compare_derivatives(smooth, x).value)(1.0)


def test_integers_and_lists_are_taken():
    assert wengert.compare_derivatives(lambda x: x**2, 3).gradient.tolist() == [6.0]
    assert wengert.compare_derivatives(lambda x: np.sum(x * x), [1, 2]).gradient.tolist() == [2.0, 4.0]


def test_a_function_that_writes_to_its_argument_is_compared_and_x_is_kept():
    def f(x):
        x[0] = 3 * x[1]
        return np.sum(x**2)

    x = np.array([1.0, 2.0])
    c = wengert.compare_derivatives(f, x)
    assert x.tolist() == c.x.tolist() == [1.0, 2.0]
    assert c.gradient.tolist() == [0.0, 40.0]
    assert c.reference == "central differences in 60 digits"


def test_a_long_loop_makes_no_expression():
    def f(x):
        for _ in range(3000):
            x = x * 1.0001
        return x

    c = wengert.compare_derivatives(f, 1.0)
    assert "3,000 operations" in c["symbolic (SymPy)"].refusal
    assert c.growth is None
    assert "no symbolic derivative" in c.svg("growth")
    assert c["reverse mode"].error < 1e-12


def test_a_value_that_is_not_finite_is_told():
    c = wengert.compare_derivatives(np.log, -1.0)
    assert "no finite value at x: it is nan" in str(c)


# ---- forms


def test_the_text_holds_the_figures(comparison):
    text = str(comparison)
    assert "f′ = exp(x)*sin(x) + exp(x)*cos(x)" in text
    for method in comparison.methods:
        assert method.name in text
    whole = json.loads(json.dumps(comparison.to_dict()))
    assert whole["errors"]["forward differences"][STEPS.index(1e-3)] == comparison.curves[0].errors[STEPS.index(1e-3)]
    with pytest.raises(KeyError):
        comparison.svg("nothing")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 480])
def test_the_page(visit, comparison, width, scheme):
    page = visit(comparison.html(), width=width, scheme=scheme)
    page.keep(f"comparing-{width}-{scheme}")
    assert page.locator("h1").inner_text() == "The derivative of smooth at x = 1"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("svg").count() == 2
    assert page.locator("tbody tr").count() == 6
    assert comparison.html() == comparison.html()


def test_names_are_escaped():
    def f(x):
        return x * x

    f.__name__ = "<script>"
    c = wengert.compare_derivatives(f, 1.0)
    assert "<script>" not in c.html()
    assert "<script>" not in c._repr_html_()
