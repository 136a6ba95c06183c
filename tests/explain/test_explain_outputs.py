"""What functions may return, and what becomes of those that raise, run too long or make NaN."""

import warnings

import numpy as np
import pytest

import wengert
from wengert import nn, random

# ---- outputs


def test_an_array_has_values_and_jacobians_and_its_gradient_is_asked_for():
    e = wengert.explain(lambda x: np.sin(x) * 2.0)(np.array([0.0, 1.0]))
    np.testing.assert_allclose(e.value, 2 * np.sin([0.0, 1.0]))
    np.testing.assert_allclose(e.edges[0].local, np.cos([0.0, 1.0]))
    np.testing.assert_allclose(e.paths("x").total, np.diag(2 * np.cos([0.0, 1.0])))
    assert {step.gradient for step in e.all_steps} == {None}
    assert {edge.contribution for edge in e.edges} == {None}
    with pytest.raises(wengert.DerivativeError, match=r"weights=1\.0"):
        _ = e.gradients
    with pytest.raises(wengert.DerivativeError):
        e.backward()
    assert "weights=1.0" in str(e)


@pytest.mark.parametrize("weights", [2.0, np.array([1.0, -3.0])])
def test_weights_say_which_sum_is_differentiated(weights):
    e = wengert.explain(lambda x: x**2, weights=weights)(np.array([2.0, 5.0]))
    np.testing.assert_allclose(e.gradients["x"], 2 * np.array([2.0, 5.0]) * weights)
    with pytest.raises(wengert.ShapeError, match=r"shape \(3,\)"):
        wengert.explain(lambda x: x**2, weights=np.ones(3))(np.ones(2))


def losses(w):
    loss = np.sum(w**2)
    return loss, {"largest": np.max(w), "n": 3, "name": "w"}


def test_one_of_several_outputs():
    w = np.array([1.0, -2.0])
    e = wengert.explain(losses, output=0)(w)
    assert e.gradients["w"].tolist() == [2.0, -4.0]
    assert e.value == (5.0, {"largest": 1.0, "n": 3, "name": "w"})
    assert list(e.outputs) == ["[0]", "[1]['largest']", "[1]['n']"]
    assert e.output.variable == "loss"
    e = wengert.explain(losses, output="[1]['largest']")(w)
    assert e.gradients["w"].tolist() == [1.0, 0.0]
    e = wengert.explain(losses, weights=(1.0, {"largest": 10.0, "n": 0, "name": ""}))(w)
    assert e.gradients["w"].tolist() == [12.0, -4.0]
    with pytest.raises(wengert.DerivativeError, match="output=0"):
        _ = wengert.explain(losses)(w).gradients
    with pytest.raises(wengert.ModelError, match=r"no such output"):
        wengert.explain(losses, output="[7]")(w)


def test_a_step_that_is_two_outputs_has_both_weights():
    def f(x):
        y = x * 3.0
        return y, y

    assert wengert.explain(f, weights=(1.0, 10.0))(2.0).gradients == {"x": 33.0}


def test_complex_numbers():
    z = np.array([1 + 2j, -0.5j])
    u = lambda z: np.sum(np.abs(z) ** 2 + (z**2).real)
    e = wengert.explain(u)(z)
    np.testing.assert_allclose(e.gradients["z"], wengert.grad(u)(z))
    np.testing.assert_allclose(e.gradients["z"], 2 * z.conj() + 2 * z)
    e = wengert.explain(lambda z: z**2, weights=1.0)(1 + 2j)
    assert e.gradients["z"] == pytest.approx(2 + 4j)
    assert "complex" in e.missing or not e.missing


def test_nothing_that_could_be_differentiated():
    with pytest.raises(wengert.DerivativeError, match="returned a str"):
        wengert.explain(lambda x: "done")(1.0)
    with pytest.raises(wengert.DerivativeError, match="no gradient"):
        _ = wengert.explain(lambda x: np.argmax(x))(np.ones(2)).gradients


# ---- exceptions


def test_the_picture_goes_up_to_the_step_that_failed():
    def f(x, W):
        h = np.tanh(x)
        return np.sum(h @ W)

    e = wengert.explain(f)(np.ones(3), np.ones((4, 2)))
    assert [step.variable for step in e.steps] == ["h"]
    assert isinstance(e.error, ValueError)
    assert e.failure.operation == "matmul"
    assert e.failure.operands == [("h", "f64[3]"), ("W", "f64[4,2]")]
    assert e.failure.line.endswith("return np.sum(h @ W)")
    text = e.text(width=100)
    assert "stopped at matmul(h: f64[3], W: f64[4,2])" in text
    assert "ValueError" in text
    assert "f(x, W) = …" in text
    for ask in (lambda: e.value, lambda: e.gradients, lambda: list(e.backward())):
        with pytest.raises(ValueError, match="mismatch"):
            ask()
    assert [moment.step.variable for moment in e.forward()] == ["h"]
    assert e.edges[0].local.tolist() == pytest.approx(list(1 - np.tanh(np.ones(3)) ** 2))


def test_an_error_of_the_users_own_shows_the_line_and_what_is_on_it():
    def f(x, n):
        y = x * 2.0
        if n > 2:
            raise RuntimeError(f"y is {n} too large", y)
        return y

    e = wengert.explain(f)(np.ones(2), 3)
    assert (e.failure.operation, dict(e.failure.operands)) == ("", {"n": "int", "y": "f64[2]"})
    assert "raise RuntimeError" in e.failure.line
    assert len(e.steps) == 1


def test_shapes_that_do_not_fit_in_a_layer():
    model = nn.Sequential([nn.Dense(np.ones((2, 3))), nn.relu, nn.Dense(np.ones((4, 1)))])
    e = wengert.explain(lambda m, x: np.sum(m(x)), argnums=0)(model, np.ones((5, 2)))
    assert isinstance(e.error, wengert.ShapeError)
    assert "layers[2]" in str(e)
    assert e.steps[-1].scopes[-1].name == "m.layers[1]"


def test_errors_before_any_step():
    e = wengert.explain(lambda x: undefined)(1.0)  # noqa: F821
    assert isinstance(e.error, NameError)
    assert e.steps == ()
    assert "NameError" in str(e)


def test_interrupts_are_not_kept():
    def f(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wengert.explain(f)(1.0)


# ---- limits


def test_a_million_turns_end_at_the_limit_with_what_there_is():
    done = []

    def count(x):
        for k in range(10**6):
            done.append(k)
            x = x * 1.0001
        return x

    e = wengert.explain(count, steps=1000)(1.0)
    assert isinstance(e.error, wengert.UnsupportedError)
    assert "over 1 000 steps" in str(e.error)
    assert "steps=10000" in str(e.error)
    assert len(done) <= 1001
    assert len(e.steps) == 1000
    assert "▸ for k in range(10**6), 1000 turns" in e.text(width=120)


def test_large_values_end_at_the_limit_of_memory():
    def f(x):
        for _ in range(100):
            x = x + 1.0
        return np.sum(x)

    e = wengert.explain(f, memory=10**6)(np.ones(10_000))
    assert isinstance(e.error, wengert.UnsupportedError)
    assert "memory=" in str(e.error)
    assert len(e.steps) < 15
    assert wengert.explain(f, memory=10**8)(np.ones(10_000)).error is None


def test_the_network_of_the_issue_keeps_no_needless_copies(rng):
    import tracemalloc

    model = nn.mlp(random.key(0), [784, 512, 512, 10])
    x, y = rng.normal(size=(128, 784)), np.arange(128) % 10
    sizes = sum(w.nbytes for layer in model.layers[::2] for w in (layer.weight, layer.bias))
    tracemalloc.start()
    e = wengert.explain(lambda m: nn.softmax_cross_entropy(m(x), y))(model)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    activations = sum(np.asarray(step.value).nbytes for step in e.steps)
    # parameters and their gradients, values and gradients and contributions of steps, the data
    assert kept < 2.2 * sizes + 4 * activations + 2 * x.nbytes


# ---- NaN and infinity


def test_where_nan_begins():
    def f(x):
        a = x * 2.0
        b = np.log(a)
        return np.sum(b * x)

    with np.errstate(all="ignore"):
        e = wengert.explain(f)(np.array([1.0, -1.0]))
    (found,) = e.nonfinite
    assert (found.kind, found.what, found.step.variable) == ("value", "NaN", "b")
    assert "the value is first NaN in v2 = log(v1)" in str(e)
    assert [str(n) for n in wengert.explain(lambda x: x * 2.0)(np.inf).nonfinite] == ["the input x holds inf"]
    assert wengert.explain(lambda x: x * 2.0)(1.0).nonfinite == ()


def test_where_an_infinite_gradient_begins():
    with np.errstate(all="ignore"):
        e = wengert.explain(lambda x: np.sqrt(x * 3.0) + x)(0.0)
    (found,) = e.nonfinite
    assert (found.kind, found.what, found.step.name, found.edge.source.name) == ("gradient", "inf", "v2", "v1")


def test_what_a_choice_left_out_stays_out_as_in_grad():
    f = lambda x: np.sum(np.where(x > 0, np.log(x), 0.0))
    x = np.array([-1.0, 0.0, 2.0])
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        e = wengert.explain(f)(x)
        np.testing.assert_array_equal(e.gradients["x"], wengert.grad(f)(x))
    np.testing.assert_array_equal(e.gradients["x"], [0.0, 0.0, 0.5])
