"""check_grads: silent where derivatives are right, and names the operation whose rule is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from wengert import DerivativeError, GradientCheckError, check_grads, pytree, stop_gradient
from wengert.core.primitive import REGISTRY, Primitive
from wengert.ops.families import elementwise, general, linear

V = np.array([0.3, -0.7, 1.1])


def planted(name: str, make: Any) -> Iterator[Primitive]:
    record = make(name)
    yield record
    del REGISTRY[name]


@pytest.fixture
def wrong_partial() -> Iterator[Primitive]:
    """A sine whose derivative forgets its sign."""
    yield from planted(
        "wrong_sine", lambda n: elementwise(n, np.sin, (lambda t, _z, x: -t * np.cos(x),), "{0}", infer=lambda x: x)
    )


@pytest.fixture
def wrong_transpose() -> Iterator[Primitive]:
    """A doubling whose transpose does not double."""
    yield from planted(
        "wrong_double",
        lambda n: linear(n, lambda x: 2 * x, lambda g, _x: g, lambda _b, xs, _p: 2 * xs[0], "{0}", infer=lambda x: x),
    )


@pytest.fixture
def wrong_jvp() -> Iterator[Primitive]:
    """A square whose vjp is right and whose jvp is not."""
    yield from planted("wrong_square", lambda n: general(n, lambda x: x * x, jvp=lambda ts, _z, xs, _p: ts[0] * xs[0],
                                                         vjp=lambda g, _z, xs, _w, _p: (2 * g * xs[0],), infer=lambda x: x, tex="{0}"))  # fmt: skip


@pytest.fixture
def wrong_second() -> Iterator[Primitive]:
    """A cube whose first derivative hides x from the second."""
    yield from planted(
        "wrong_cube",
        lambda n: elementwise(
            n, lambda x: x**3, (lambda t, _z, x: t * stop_gradient(3 * x * x),), "{0}", infer=lambda x: x
        ),
    )


def test_right_derivatives_pass() -> None:
    check_grads(lambda x: np.sum(np.tanh(x) ** 2), (V,))
    check_grads(lambda x: np.tanh(x) * x[0], (V,))
    check_grads(np.sin, (0.3,))
    check_grads(lambda a, t: {"y": np.outer(a, t["w"]), "z": [a[0] * t["b"]]}, (V, {"w": V, "b": 2.0}))
    check_grads(lambda x: np.linalg.solve(np.outer(x, x) + np.eye(3), x), (V,), order=3)
    check_grads(lambda x: x**3, (V,), order=1, modes=("fwd",))
    check_grads(lambda x: x**3, (V,), order=1, modes=("rev",))


def test_single_precision() -> None:
    check_grads(lambda x: np.sum(np.tanh(x) ** 2), (V.astype(np.float32),))
    check_grads(lambda x: x * x, (np.float32(0.7),), order=1)


def test_large_and_small_arguments() -> None:
    check_grads(lambda x: np.log(x), (np.array([1e6, 2e6]),), order=1)
    check_grads(lambda x: x * x, (1e7,))
    check_grads(lambda x: np.sum(x**3), (np.array([1e5, 1e-5]),))
    check_grads(lambda x: np.exp(x), (np.array([-30.0, 0.0]),))


def message(run: Any) -> str:
    with pytest.raises(GradientCheckError) as caught:
        run()
    return str(caught.value)


def test_a_wrong_partial_is_named(wrong_partial: Primitive) -> None:
    text = message(lambda: check_grads(lambda x: np.sum(np.exp(wrong_partial(x * 2.0)) * x), (V,)))
    assert "forward mode (jvp), order 1" in text
    assert "the rule of wrong_sine (operands of shape (3,)) is wrong: its jvp in operand 0 gives" in text
    assert "central differences" in text
    assert "test_check_grads.py:" in text


def test_a_wrong_transpose_is_named(wrong_transpose: Primitive) -> None:
    text = message(lambda: check_grads(lambda x: np.sum(wrong_transpose(x) ** 2), (V,)))
    assert "reverse mode (vjp), order 1" in text
    assert "the rule of wrong_double" in text
    assert "its vjp in operand 0" in text
    check_grads(lambda x: np.sum(wrong_transpose(x)), (V,), modes=("fwd",))


def test_a_wrong_jvp_is_named(wrong_jvp: Primitive) -> None:
    text = message(lambda: check_grads(lambda x: np.sum(wrong_jvp(x)), (V,)))
    assert "the rule of wrong_square" in text
    assert "its jvp" in text
    check_grads(lambda x: np.sum(wrong_jvp(x)), (V,), order=1, modes=("rev",))


@pytest.mark.filterwarnings("ignore::wengert.errors.FlatDerivativeWarning")
def test_a_wrong_second_derivative_is_found(wrong_second: Primitive) -> None:
    check_grads(lambda x: np.sum(wrong_second(x)), (V,), order=1)
    text = message(lambda: check_grads(lambda x: np.sum(wrong_second(x)), (V,)))
    assert "order 2" in text


def test_a_function_that_hides_part_of_its_derivative() -> None:
    text = message(lambda: check_grads(lambda x: np.sum(x * stop_gradient(x)), (V,)))
    assert "is there a kink or a jump near this point?" in text
    assert "step=" in text


def test_a_jump_is_reported_as_one() -> None:
    text = message(lambda: check_grads(lambda x: np.sum(np.where(x > 0, x + 1.0, x)), (np.array([0.0, 1.0]),), order=1))
    assert "is there a kink or a jump near this point?" in text


def test_tolerance_and_step() -> None:
    rough = lambda x: np.sum(x * stop_gradient(1 + 1e-5 * x))
    with pytest.raises(GradientCheckError):
        check_grads(rough, (V,), order=1)
    check_grads(rough, (V,), order=1, tol=1e-3)
    check_grads(np.exp, (V,), step=1e-4, order=1)


def test_arguments_that_have_no_derivative() -> None:
    with pytest.raises(DerivativeError, match=r"(?s)check_grads: argument 0 is of integer type.*test_check_grads\.py"):
        check_grads(np.sum, (np.arange(3),))


def test_the_arguments_do_not_change() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        y[0] = x[1]
        x += 1.0
        return np.sum(y * x)

    x = V.copy()
    check_grads(f, (x,))
    np.testing.assert_array_equal(x, V)


def test_trees_keep_their_structure() -> None:
    seen: list[Any] = []
    check_grads(lambda t: (seen.append(pytree.flatten(t)[1]), t["a"] * t["b"][0])[1], ({"a": 2.0, "b": (3.0,)},))
    assert len(set(map(str, seen))) == 1
