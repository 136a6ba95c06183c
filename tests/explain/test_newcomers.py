"""What one types on the first day: calls that go wrong say what to write, and what is shown is in one's own words."""

import warnings

import numpy as np
import pytest

import wengert
from wengert import nn, random
from wengert.errors import DerivativeError, ModelError


def f(x, y, z):
    q = x + y
    return q * z


def loss(params, x, y):
    for W, b in params:
        h = np.tanh(x @ W + b)
    return np.mean((h - y) ** 2)


@pytest.fixture
def e():
    """A network with its data held constant."""
    params = [(np.array([[0.5, -1.0], [2.0, 0.25]]), np.zeros(2))]
    return wengert.explain(loss, argnums=0)(params, np.array([[1.0, 2.0]] * 20), np.ones((20, 2)))


def power(x):
    return (5 - 6 * x) ** 5


# ---- calls that go wrong


def test_explaining_a_value_instead_of_a_function():
    with pytest.raises(
        DerivativeError, match=r"takes a function, and was given a float[^!]*write: wengert\.explain\(f\)\(x\)"
    ):
        wengert.explain(f(-2.0, 5.0, -4.0))


@pytest.mark.parametrize("args", [(-2.0, 5.0, -4.0), (-2.0,), (-2, 5, -4)])
def test_arguments_beside_the_function(args):
    shown = ", ".join(map(str, args))
    with pytest.raises(DerivativeError) as caught:
        wengert.explain(f, *args)
    assert f"write: wengert.explain(f)({shown})" in str(caught.value)
    with pytest.raises(DerivativeError, match=r"explain\(f\)\(…\)"):
        wengert.explain(f, np.ones(2))


def test_an_argument_that_is_forgotten():
    e = wengert.explain(f)(-2.0, 5.0)
    assert "stopped at the call, before the first line" in str(e)
    assert "missing 1 required positional argument: 'z'" in str(e)
    assert "upstream" not in str(e)  # no heads over an empty table


def test_messages_of_python_speak_of_the_users_numbers():
    text = str(wengert.explain(lambda x, y: x + y)("a", 2.0))
    assert 'can only concatenate str (not "float") to str' in text
    text = str(wengert.explain(lambda x: x < {})(np.ones(1)))
    assert "not supported between instances of 'numpy.ndarray' and 'dict'" in text


def test_what_is_not_finite_is_said_once_and_not_warned_of_from_inside():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        e = wengert.explain(lambda x: np.sqrt(x * x))(0.0)
        assert "the gradient is first inf where v1 is read by v2 = sqrt(v1)" in e.text()
        assert len(e.html()) > 1000
        forward = wengert.explain(lambda x: np.sqrt(x * x), tangents="x")(0.0)
        assert np.isnan(forward.tangent) and "nan" in forward.text()


def test_a_summary_without_data():
    model = nn.mlp(random.key(0), [3, 8, 1])
    with pytest.raises(ModelError, match=r"wengert\.summary\(model, \(32, 3\)\), for 32 rows"):
        wengert.summary(model)


def test_a_name_that_nothing_has_is_not_unfolded(e):
    with pytest.raises(ModelError, match=r"called 'layers\[7\]'; there is line \d+, turn 1"):
        e.text(unfold="layers[7]")
    with pytest.raises(ModelError, match="there is nothing that folds"):
        wengert.explain(power)(2.0).text(unfold=["a"])


# ---- one's own names


def test_data_have_their_names_in_formulas_and_on_the_page(e):
    formulas = [str(step.formula()) for step in e.steps]
    assert formulas[0] == "v1 = x @ params[0][0]"
    assert "v4 = h − y" in formulas
    by_weight = next(edge for edge in e.edges if edge.source.name == "params[0][0]")
    assert str(by_weight.formula()) == "params[0][0] ← xᵀ @ upstream"
    assert r"x^{\top} \, \bar{v}_{1}" in e.latex()
    assert "v1 = x @ params[0][0]" in e.svg()
    assert str(e).startswith("loss(params) = ")


def test_a_variable_named_like_the_data_is_told_from_them():
    def g(w, x):
        x = w * x
        return np.sum(x)

    e = wengert.explain(g, argnums=0)(2.0, np.ones(3))
    assert str(e.steps[0].formula()) == "v1 = w·x"


def test_a_copy_is_called_a_copy():
    def g(u):
        u = u.copy()
        u[0] = 1.0
        return np.sum(u)

    assert "copy(u)" in wengert.explain(g)(np.ones(3)).text(width=100)


def test_an_axis_of_one_element_has_no_index():
    e = wengert.explain(lambda x: np.sum(x * x))(np.ones((4, 1)))
    assert str(e.output.formula()) == "v2 = Σ_i v1_i"


# ---- short numbers, and whole ones


def test_whole_numbers_keep_their_digits():
    latex = wengert.explain(power)(2.0).latex()
    assert r"v_{3} &= v_{2}^{5} = \left(-7\right)^{5} = -16807" in latex
    assert (
        r"\bar{x} &= \bar{v}_{1} \cdot \frac{\partial v_{1}}{\partial x} = \bar{v}_{1} \cdot 6 = \left(-12005\right) \cdot 6 = -72030"
        in latex
    )
    text = wengert.explain(power, weights=1.0)(np.array([2.0, 1.0, 0.25])).text(width=120)
    assert "[-16807 -1 525.2]" in text
    assert "[-72030 -30 -4502]" in text
    assert "-1.681e+04" not in text
    large = wengert.explain(lambda x: np.sum(x * x))(np.arange(-200.0, 400.0))
    assert "-400 … 798" in large.text(width=120)


def test_cards_show_numbers_or_the_range_and_never_half_a_number():
    W = np.array([[0.12573, -0.13210, 0.64042], [0.10490, -0.53567, 0.36160]])
    svg = wengert.explain(lambda W: np.sum(W * W))(W).svg()
    assert "−0.54 … 0.64" in svg
    assert "…<" not in svg


# ---- pictures


def test_a_drawing_a_little_wider_than_the_page_is_made_smaller(visit):
    model = nn.mlp(random.key(0), [64, 64, 64, 64, 10], activation="relu")
    page = visit(wengert.draw(model).html(), width=1280)
    assert page.evaluate(
        "() => { const s = document.querySelector('.scroll'); return s.scrollWidth <= s.clientWidth; }"
    )
    narrow = visit(wengert.draw(model).html(), width=480)
    assert narrow.evaluate(
        "() => { const s = document.querySelector('.scroll'); return s.scrollWidth > s.clientWidth; }"
    )


# ---- the doctor


def test_pixels_of_the_background_are_not_taken_for_unscaled(rng):
    x = rng.normal(size=(400, 12))
    x[:, :3] = -0.8 + 0.01 * rng.normal(size=(400, 3))  # all of it scaled as one, as pictures are
    y = (x[:, 4] > 0).astype(int)
    model = nn.mlp(random.key(1), [12, 16, 2])
    assert "unscaled_inputs" not in wengert.diagnose(model, (x, y), nn.softmax_cross_entropy).illnesses
    x[:, 4:] = 5 + 0.1 * x[:, 4:]
    finding = wengert.diagnose(model, (x, y), nn.softmax_cross_entropy)["unscaled_inputs"]
    assert "far from 0" in str(finding)
