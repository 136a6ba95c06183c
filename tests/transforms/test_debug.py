"""wengert.debug: the first NaN or infinity, the operation that made it, and the line it stands on."""

from __future__ import annotations

import linecache
import re
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert
from wengert import NonFiniteError, checkpoint, grad, hessian, jacfwd, jacrev, jvp, value_and_grad, vjp, vmap
from wengert.transforms import gradients
from wengert.transforms.batch import Batch
from wengert.transforms.forward import Forward
from wengert.transforms.reverse import ReverseArray, ReverseScalar, Tape

X = np.array([2.0, 0.0, 3.0])
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def fault(run: Callable[[], Any]) -> str:
    with pytest.raises(NonFiniteError) as error, wengert.debug():
        run()
    return str(error.value)


def line_of(message: str) -> str:
    found = re.search(r"^  at (.+):(\d+): ", message, re.MULTILINE)
    assert found is not None, message
    assert found[1] == __file__
    return linecache.getline(found[1], int(found[2])).strip()


def roots(x: Any) -> Any:
    y = x * 2
    z = np.sqrt(y)  # the root
    return np.sum(z)


def logs(x: Any) -> Any:
    y = x + 0.0
    return np.sum(np.log(y) * 2)  # the logarithm


def test_forward() -> None:
    message = fault(lambda: grad(logs)(X))
    assert message.startswith("on the way forward, np.log makes -inf out of finite numbers\n")
    assert "at element (1,) of shape (3,): operand 0.0" in message
    assert line_of(message).endswith("# the logarithm")
    assert "write: np.log(np.maximum(x, tiny))" in message


def test_backward_points_at_the_line_of_the_operation() -> None:
    message = fault(lambda: grad(roots)(X))
    assert message.startswith("on the way back, np.sqrt makes inf out of finite numbers\n")
    assert "at element (1,) of shape (3,): cotangent 1.0, operand 0.0" in message
    assert line_of(message).endswith("# the root")


ROOTS = [
    ("value_and_grad", lambda: value_and_grad(roots)(X)),
    ("vjp", lambda: vjp(roots, X)[1](1.0)),
    ("jacrev", lambda: jacrev(lambda x: roots(x) * np.ones(2))(X)),
    ("jvp", lambda: jvp(roots, (X,), (np.ones(3),))),
    ("vmap of grad", lambda: vmap(grad(roots))(np.stack([X + 1, X]))),
    ("grad of vmap", lambda: grad(lambda x: np.sum(vmap(roots)(x)))(np.stack([X + 1, X]))),
    ("grad of grad", lambda: grad(lambda x: np.sum(grad(roots)(x) ** 2))(X)),
    ("forward over reverse", lambda: jvp(grad(roots), (X,), (np.ones(3),))),
    ("reverse over forward", lambda: grad(lambda x: jvp(roots, (x,), (np.ones(3),))[1])(X)),
    ("checkpoint", lambda: grad(checkpoint(roots))(X)),
    ("a number", lambda: grad(roots)(0.0)),
    ("float32", lambda: grad(roots)(X.astype(np.float32))),
]


@pytest.mark.parametrize("run", [r[1] for r in ROOTS], ids=[r[0] for r in ROOTS])
def test_every_transform_is_looked_at(run: Any) -> None:
    message = fault(run)
    assert "np.sqrt makes inf" in message
    assert line_of(message).endswith("# the root")


LOGS = [
    ("jvp", lambda: jvp(logs, (X,), (X,))),
    ("vmap", lambda: vmap(logs)(np.stack([X + 1, X]))),
    ("vjp", lambda: vjp(logs, X)),
    ("hessian", lambda: hessian(logs)(X)),
    ("jacfwd", lambda: jacfwd(logs)(X)),
]


@pytest.mark.parametrize("run", [r[1] for r in LOGS], ids=[r[0] for r in LOGS])
def test_every_transform_is_looked_at_forward(run: Any) -> None:
    message = fault(run)
    assert "on the way forward, np.log makes -inf" in message
    assert line_of(message).endswith("# the logarithm")


def test_the_element_of_a_batch_is_named() -> None:
    assert "at element (1, 1) of shape (2, 3): operand 0.0" in fault(lambda: vmap(logs)(np.stack([X + 1, X])))


def test_only_in_the_second_derivative() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.power(x, 1.5))  # the power

    with wengert.debug():
        assert grad(f)(X)[1] == 0.0
    message = fault(lambda: grad(lambda x: np.sum(grad(f)(x)))(X))
    assert "on the way back, np." in message
    assert line_of(message).startswith(("return np.sum(np.power", "message = fault"))


def test_overflow_and_division() -> None:
    assert "np.exp makes inf" in fault(lambda: grad(np.exp)(1000.0))
    message = fault(lambda: grad(lambda x: 1.0 / x)(np.float64(0.0)))
    assert "np.divide makes inf" in message
    assert "operand 0 1.0, operand 1 0.0" in message


def test_operations_on_whole_arrays_show_shapes() -> None:
    message = fault(lambda: grad(lambda x: np.sum(x @ np.full((3, 2), 1e308)))(np.full((4, 3), 10.0)))
    assert "np.matmul makes inf" in message
    assert "operand 1 of shape (3, 2)" in message


def test_several_outputs() -> None:
    # NumPy's slogdet of a singular matrix is (0, -inf)
    assert "np.slogdet makes -inf" in fault(lambda: grad(lambda x: np.linalg.slogdet(x * np.ones((2, 2)))[1])(1.0))


def test_writes_and_views() -> None:
    def f(x: Any) -> Any:
        y = np.zeros(3)
        y[:2] = x[1:]
        y[0] += 1.0
        return np.sum(1 / y)  # the last element is 0

    assert line_of(fault(lambda: grad(f)(X))).endswith("# the last element is 0")


def test_sums_of_cotangents() -> None:
    def f(x: Any) -> Any:
        return x * 1e308 + x * 1e308  # each slope is finite, their sum is not

    with np.errstate(over="ignore"):
        assert grad(f)(1e-3) == np.inf
        message = fault(lambda: grad(f)(1e-3))
    assert "on the way back, the operand of np.multiply" in message
    assert "cotangent 1e+308, another that is added 1e+308" in message


FINE: list[tuple[str, Callable[[], Any]]] = [
    ("finite", lambda: grad(lambda x: np.sum(np.sin(x)))(X)),
    ("a guarded slope", lambda: grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)))(X)),
    ("masked by infinities", lambda: grad(lambda x: np.max(np.where(x > 2, x, -np.inf)))(X)),
    ("a NaN that came in", lambda: grad(lambda x: np.sum(np.log(x)))(np.array([np.nan, 1.0]))),
    ("hessian", lambda: hessian(lambda x: np.sum(x**3))(X)),
    ("network", lambda: grad(lambda w: np.sum(np.tanh(X @ w) ** 2))(np.ones((3, 2)))),
    ("sort", lambda: grad(lambda x: np.sort(x)[:2] @ np.ones(2))(X)),
    ("integers", lambda: grad(lambda x: np.sum(x * np.argsort(x)))(X)),
    ("complex", lambda: grad(lambda x: np.sum(np.abs(x * 1j + 1) ** 2))(X)),
    ("batch", lambda: vmap(grad(lambda x: np.sum(x**2)))(np.stack([X, X]))),
]


@pytest.mark.parametrize("run", [f[1] for f in FINE], ids=[f[0] for f in FINE])
def test_what_is_fine_gives_the_same(run: Any) -> None:
    plain = run()
    with wengert.debug():
        looked_at = run()
    np.testing.assert_array_equal(looked_at, plain)


def test_it_is_a_floating_point_error() -> None:
    with pytest.raises(FloatingPointError), wengert.debug():
        grad(roots)(X)
    assert issubclass(NonFiniteError, wengert.WengertError)


def test_as_a_decorator() -> None:
    with pytest.raises(NonFiniteError):
        wengert.debug()(grad(roots))(X)


def installed() -> list[Any]:
    return [Tape.__init__, Forward.__init__, Batch.__init__, gradients.cotangents_of]


def test_nothing_is_left_behind() -> None:
    before = installed()
    with wengert.debug(), wengert.debug():
        assert installed() != before
    assert installed() == before
    fault(lambda: grad(roots)(X))
    assert installed() == before
    seen: list[type] = []
    grad(lambda x: (seen.append(type(x)), type(x * 2))[0] or x * x)(1.0)
    grad(lambda x: (seen.append(type(x)), np.sum(x))[1])(X)
    assert seen == [ReverseScalar, ReverseArray]


def test_other_threads_go_on_undisturbed() -> None:
    found: list[Any] = []
    with wengert.debug():
        thread = threading.Thread(target=lambda: found.append(grad(roots)(X)))
        thread.start()
        thread.join()
    assert found[0][1] == np.inf
