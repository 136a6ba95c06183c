"""ndarray's methods, attributes and operators on traced values."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.frontend._harness import Case, check, check_value, draw

from wengert import UnsupportedError, grad, jvp, make_program, vmap
from wengert.frontend.methods import BINARY, COMPARISONS, METHODS, UNARY

X, S, V = draw("X", 2, 3), draw("S", 3, 3), draw("V", 3)
T = draw("T", 2, 3, 4)
MASK = np.array([[True, False, True], [True, True, False]])


def then(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function that changes a copy in place and returns it."""

    def f(x: Any) -> Any:
        y = x * 1.0
        assert change(y) is None
        return y + x

    return f


CALLS: dict[str, list[Callable[[Any], Any]]] = {
    "reshape": [lambda x: x.reshape(3, 2), lambda x: x.reshape((6,)), lambda x: x.reshape(-1), lambda x: x.reshape(2, -1, order="F"),
                lambda x: x.reshape(1, 3, 1, 2)],
    "transpose": [lambda x: x.transpose(), lambda x: x.transpose(1, 0), lambda x: x.transpose((1, 0)), lambda x: x[None].transpose(2, 0, 1)],
    "astype": [lambda x: x.astype(np.float64), lambda x: x.astype(int) * x, lambda x: x.astype(bool) * x,
               lambda x: x.astype(complex).real, lambda x: x.astype("f8", copy=False)],
    "copy": [lambda x: x.copy(), lambda x: x.copy(order="F"), lambda x: x[0].copy()],
    "flatten": [lambda x: x.flatten(), lambda x: x.flatten("F"), lambda x: x.T.flatten()],
    "conj": [lambda x: x.conj(), lambda x: (x * 1j).conj().imag],
    "conjugate": [lambda x: x.conjugate()],
    "sort": [then(lambda y: y.sort()), then(lambda y: y.sort(axis=0)), then(lambda y: y[0].sort()), then(lambda y: y.T.sort())],
    "fill": [then(lambda y: y.fill(3.0)), lambda x: (y := x * 1.0, y[0].fill(x[1, 1]), y)[2]],
    "sum": [lambda x: x.sum(), lambda x: x.sum(0), lambda x: x.sum(axis=1, keepdims=True), lambda x: x.sum(where=MASK), lambda x: x.sum(initial=2.0),
            lambda x: x.sum(axis=(0, 1)), lambda x: x.sum(dtype=np.float64)],
    "prod": [lambda x: x.prod(), lambda x: x.prod(axis=0)],
    "mean": [lambda x: x.mean(), lambda x: x.mean(1), lambda x: x.mean(axis=0, keepdims=True), lambda x: x.mean(where=MASK)],
    "var": [lambda x: x.var(), lambda x: x.var(axis=0, ddof=1)],
    "std": [lambda x: x.std(), lambda x: x.std(1), lambda x: x.std(axis=1, ddof=1, keepdims=True)],
    "max": [lambda x: x.max(), lambda x: x.max(0), lambda x: x.max(axis=1, keepdims=True), lambda x: x.max(initial=1.0, where=MASK)],
    "min": [lambda x: x.min(), lambda x: x.min(-1)],
    "any": [lambda x: x * (x > 1).any(), lambda x: x * x.any(axis=0)],
    "all": [lambda x: x * (x > 1).all(), lambda x: x * x.all(1, keepdims=True)],
    "argmax": [lambda x: x.argmax(), lambda x: x * x.argmax(axis=0)],
    "argmin": [lambda x: x.argmin(), lambda x: x * x.argmin(1, keepdims=True)],
    "cumsum": [lambda x: x.cumsum(), lambda x: x.cumsum(0)],
    "cumprod": [lambda x: x.cumprod(), lambda x: x.cumprod(axis=1)],
    "ravel": [lambda x: x.ravel(), lambda x: x.ravel("F")],
    "squeeze": [lambda x: x[None].squeeze(), lambda x: x[:, None].squeeze(1), lambda x: x[:1, :1].squeeze()],
    "swapaxes": [lambda x: x.swapaxes(0, 1)],
    "dot": [lambda x: x.dot(x.T), lambda x: x.dot(np.ones(3)), lambda x: x[0].dot(x[1])],
    "clip": [lambda x: x.clip(0.6, 1.4), lambda x: x.clip(None, 1.0), lambda x: x.clip(0.5), lambda x: x.clip(max=1.2)],
    "round": [lambda x: x.round(1) + x, lambda x: x.round()],
    "take": [lambda x: x.take([0, 5]), lambda x: x.take([1, 1], axis=0)],
    "repeat": [lambda x: x.repeat(2), lambda x: x.repeat([1, 2], axis=0)],
    "argsort": [lambda x: x * x.argsort(), lambda x: x.argsort(axis=0)],
    "argpartition": [lambda x: x[:, x[0].argpartition(1)[1]]],
    "diagonal": [lambda x: x.diagonal(), lambda x: x.diagonal(1)],
    "trace": [lambda x: x.trace(), lambda x: x.trace(offset=-1)],
    "nonzero": [lambda x: x.nonzero(), lambda x: x[(x > 1.0).nonzero()]],
    "compress": [lambda x: x.compress([True, False, True], axis=1)],
    "partition": [then(lambda y: y.partition(1)), then(lambda y: y[:, 0].partition(0))],
    "put": [then(lambda y: y.put([0, 4, 0], y[0])), then(lambda y: y.T.put([9, -9], [1.0, y[0, 0]], mode="wrap"))],
    "searchsorted": [lambda x: np.sort(x[0]).searchsorted([0.5, 1.0]) * x[0, :2]],
    "choose": [lambda x: x * (x > 1.0).astype(int).choose([2.0, 3.0])],
}  # fmt: skip
CONCRETE = {"nonzero", "argpartition"}
FOR_ARRAYS = {"fill", "sort", "nonzero", "choose", "argpartition", "partition", "put", "searchsorted", "resize"}


def test_every_method_has_calls() -> None:
    assert set(METHODS) == {*CALLS, "resize"}


def test_resize_is_refused() -> None:
    for run in (grad, lambda f: lambda x: jvp(f, (x,), (x,)), make_program):
        with pytest.raises(
            UnsupportedError, match=r"(?s)resize\(\) changes the shape.*test_methods\.py.*write: x = np\.resize"
        ):
            run(lambda x: (x.resize((3, 2)), np.sum(x))[1])(X)


@pytest.mark.parametrize("name", CALLS)
def test_method(name: str) -> None:
    for f in CALLS[name]:
        check(Case(name, f, (X,), name not in CONCRETE))


@pytest.mark.parametrize("name", sorted(set(METHODS) - FOR_ARRAYS))
def test_methods_of_numbers(name: str) -> None:
    """NumPy's numbers have the same methods."""
    needs = {"reshape": (1,), "swapaxes": None, "dot": None, "clip": (0.2, 0.9), "take": ([0],), "repeat": (2,), "astype": (float,),
             "diagonal": None, "trace": None, "compress": ([True],), "argsort": None}  # fmt: skip
    arguments = needs.get(name, ())
    if arguments is None:
        return
    f = lambda x: getattr(x * x, name)(*arguments)
    x = np.float64(1.3)
    want = f(x)
    got, _ = jvp(f, (x,), (x,))
    assert type(got) is type(want), f"{type(got)}, NumPy: {type(want)}"
    np.testing.assert_array_equal(got, want)
    if np.asarray(want).dtype.kind == "f" and name != "round":
        slope = grad(lambda x: np.sum(f(x)))(x)
        assert abs(slope - (np.sum(f(x + 1e-6)) - np.sum(f(x - 1e-6))) / 2e-6) < 1e-8


ATTRIBUTES: dict[str, Callable[[Any], Any]] = {
    "T": lambda x: x.T,
    "T of a stack": lambda x: x[None].T,
    "mT": lambda x: x[None].mT,
    "real": lambda x: x.real,
    "imag": lambda x: x.imag + x,
    "real of complex": lambda x: (x * (1 + 2j)).real,
    "shape": lambda x: x * x.shape[1],
    "ndim": lambda x: x * x.ndim,
    "size": lambda x: x * x.size,
    "len": lambda x: x * len(x),
    "dtype": lambda x: x + np.zeros(3, x.dtype),
    "itemsize": lambda x: x / (x.itemsize // 4 * 4),
    "nbytes": lambda x: x * (x.nbytes > 8),
    "iteration": lambda x: sum(row * (k + 1) for k, row in enumerate(x)),
    "unpacking": lambda x: (lambda a, b: a * b)(*x),
    "reversed": lambda x: np.stack(list(reversed(x))),
    "isinstance": lambda x: x * isinstance(x, np.ndarray),
}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attribute(name: str) -> None:
    check(Case(name, ATTRIBUTES[name], (X,)))


def test_numbers_are_no_arrays() -> None:
    def f(x: Any) -> Any:
        t = x[0]
        assert not isinstance(t, np.ndarray)
        assert not hasattr(t, "__len__")
        assert not hasattr(t, "__getitem__")
        with pytest.raises(TypeError):
            len(t)
        with pytest.raises(TypeError):
            t[0]
        with pytest.raises(TypeError):
            iter(t)
        with pytest.raises(TypeError):
            len(x[0, ...])
        return t

    for run in (grad(f), lambda x: jvp(f, (x,), (x,)), lambda x: make_program(f)(x), lambda x: vmap(f)(x[None])):
        run(V)


def test_membership_and_branches_take_values() -> None:
    def f(x: Any) -> Any:
        if x[0] in x and 9.0 not in x and x[0] > 0 and bool(x[1]):
            return x[0] * x[1]
        return 0.0 * x[0]

    np.testing.assert_allclose(grad(f)(V), [V[1], V[0], 0.0])


# ---- operators

PYTHON = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv, "pow": operator.pow,
    "mod": operator.mod, "floordiv": operator.floordiv, "matmul": operator.matmul, "divmod": divmod,
}  # fmt: skip
IN_PLACE = {
    "add": operator.iadd, "sub": operator.isub, "mul": operator.imul, "truediv": operator.itruediv, "pow": operator.ipow,
    "mod": operator.imod, "floordiv": operator.ifloordiv,
}  # fmt: skip
BITS = {"and", "or", "xor", "lshift", "rshift"}


def test_every_operator_is_here() -> None:
    assert set(BINARY) == set(PYTHON) | BITS


OTHERS: dict[str, Any] = {
    "a Python float": 1.7, "a Python int": 2, "True": True, "float64": np.float64(1.7), "float32": np.float32(1.5), "int64": np.int64(2),
    "an array": draw("o", 2, 3, low=1.1, high=2.9), "a row": draw("o", 3, low=1.1, high=2.9), "a column": draw("o", 2, 1, low=1.1, high=2.9),
    "integers": np.array([1, 2, 3]), "a list": [1.0, 2.0, 3.0], "a tuple": (1.5, 2.5, 1.25), "an array without axes": np.array(1.7),
    "booleans": np.array([True, True, True]),
}  # fmt: skip


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", sorted(set(PYTHON) - {"matmul"}))
@pytest.mark.parametrize("other", OTHERS)
def test_operator(name: str, other: str, side: str) -> None:
    op, y = PYTHON[name], OTHERS[other]
    f = (lambda x: op(x, y)) if side == "left" else (lambda x: op(y, x))
    x = draw("op", 2, 3, low=1.202, high=1.247)
    check_value(Case(name, f, (x,)))
    if name in ("floordiv", "divmod"):
        return
    check(Case(name, f, (x,), order=1))
    if not isinstance(y, list | tuple):  # a number with anything
        check_value(Case(name, f, (1.3,)))


@pytest.mark.parametrize("name", sorted(set(PYTHON) - {"matmul", "divmod"}))
def test_operator_of_two_traced(name: str) -> None:
    op = PYTHON[name]
    x, y = draw("l", 2, 3, low=2.61, high=2.79), draw("r", 3, low=1.05, high=1.25)
    check(Case(name, op, (x, y)))
    check(Case(name, op, (x, 1.1)))
    check(Case(name, lambda x, y: op(x[0, 0], y), (x, y)))
    check(Case(name, lambda x, y: op(x, y[1]), (x, y)))
    check(Case(name, lambda x, y: op(np.array(x[0, 0]), y), (x, y)))


@pytest.mark.parametrize(
    ("shapes"),
    [((2, 3), (3, 2)), ((3,), (3,)), ((2, 3), (3,)), ((2,), (2, 3)), ((4, 2, 3), (3, 2)), ((2, 3), (4, 3, 2))],
)
def test_matmul(shapes: Any) -> None:
    x, y = draw("mx", *shapes[0]), draw("my", *shapes[1])
    check(Case("both", operator.matmul, (x, y)))
    check(Case("left", lambda x: x @ y, (x,)))
    check(Case("right", lambda y: x @ y, (y,)))
    check(Case("list on the right", lambda x: x @ y.tolist(), (x,)))
    check(Case("list on the left", lambda y: x.tolist() @ y, (y,)))
    check(Case("integers", lambda x: x @ np.arange(y.size).reshape(y.shape), (x,)))


def test_matmul_of_numbers_raises_as_in_numpy() -> None:
    for f in (lambda x: x @ 2.0, lambda x: x @ np.ones(4), lambda x: np.ones((2, 2)) @ x):
        with pytest.raises(ValueError, match="matmul"):
            f(V)
        with pytest.raises(ValueError, match="matmul"):
            grad(lambda x, f=f: np.sum(f(x)))(V)


@pytest.mark.parametrize("name", IN_PLACE)
@pytest.mark.parametrize("other", ["a Python float", "an array", "a row", "integers", "a list", "float64"])
def test_in_place_operator(name: str, other: str) -> None:
    op, y = IN_PLACE[name], OTHERS[other]

    def f(x: Any) -> Any:
        z = x * 1.0
        keep, row = z, z[0]
        z = op(z, y)
        assert z is keep
        return z + row

    check(Case(name, f, (draw("ip", 2, 3, low=1.21, high=1.39),), order=1))


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_operator_on_a_constant_with_a_traced_value(name: str) -> None:
    def f(x: Any) -> Any:
        z = np.full((2, 3), 2.7)
        row = z[1]
        z = IN_PLACE[name](z, x)
        row *= 2.0
        return z

    check(Case(name, f, (draw("ip", 2, 3, low=1.05, high=1.25),), order=1))


def test_in_place_on_a_number_makes_a_new_one() -> None:
    def f(x: Any) -> Any:
        t = s = x[0]
        t += 1.0
        t *= x[1]
        return t * s

    check(Case("numbers", f, (V,)))
    check(Case("python numbers", lambda x: (s := x, t := s, t := t + 1.0, t * s)[3], (1.3,)))


def test_in_place_shapes_and_types_are_numpys() -> None:
    def grows(x: Any) -> Any:
        y = x * 1.0
        y += np.ones((2, 3))
        return np.sum(y)

    def truncates(x: Any) -> Any:
        y = np.zeros(3, int)
        y += x
        return np.sum(y)

    for f, error in ((grows, ValueError), (truncates, TypeError)):
        with pytest.raises(error):
            f(V)
        with pytest.raises(error, match=r"test_methods\.py"):
            grad(f)(V)


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparison(name: str) -> None:
    op = getattr(operator, name)
    for y in (1.0, np.float64(1.0), X[0], [1.0, 0.5, 2.0], X):
        check_value(Case(name, lambda x, y=y: op(x, y), (X,)))
        check_value(Case(name, lambda x, y=y: op(y, x), (X,)))
    check_value(Case(name, lambda x: op(x[0, 0], 1.0), (X,)))
    assert jvp(lambda x: op(x, 1.3), (1.3,), (1.0,))[0] == op(1.3, 1.3)


@pytest.mark.parametrize("name", sorted(set(UNARY) - {"invert"}))
def test_unary(name: str) -> None:
    op = getattr(operator, name)
    check(Case(name, lambda x: op(x - 1.0), (X,)))
    check(Case(name, op, (1.3,)))


@pytest.mark.parametrize("name", sorted(BITS))
def test_bits_of_batched_integers(name: str) -> None:
    op = getattr(operator, name if name in ("rshift", "lshift", "xor") else name + "_")
    a, b = np.array([5, 6, 7]), np.array([1, 2, 3])
    np.testing.assert_array_equal(vmap(op)(a, b), op(a, b))
    np.testing.assert_array_equal(vmap(lambda x: op(x, 2))(a), op(a, 2))
    np.testing.assert_array_equal(vmap(lambda x: op(2, x))(b), op(2, b))
    np.testing.assert_array_equal(vmap(operator.invert)(a), ~a)


def test_python_numbers_stay_weak() -> None:
    """A traced Python number promotes as a Python number does: float32 stays float32 beside it."""
    single = np.ones(2, np.float32)
    value, _ = jvp(lambda t: t * single, (2.0,), (1.0,))
    assert value.dtype == (2.0 * single).dtype == np.float32
    strong, _ = jvp(lambda t: t * single, (np.float64(2.0),), (np.float64(1.0),))
    assert strong.dtype == (np.float64(2.0) * single).dtype == np.float64
    assert make_program(lambda t: t * single)(2.0).outputs[0].aval.dtype == np.float32


def test_builtins() -> None:
    check(Case("sum", lambda x: sum(x), (X,)))
    check(Case("sum of numbers", lambda x: sum(x[0]), (X,)))
    check(Case("abs", lambda x: abs(x - 1.0), (X,)))
    check(Case("pow", lambda x: pow(x, 3), (X,)))
    check(Case("max", lambda x: max(x[0]) * min(x[1]), (X,), abstract=False))
    check(Case("sorted", lambda x: sorted(x[0])[1], (X,), abstract=False))
    check(Case("round", lambda x: round(x[0, 0], 1) + x[0, 0], (X,)))
    check(Case("zip", lambda x: sum(a * b for a, b in zip(x[0], x[1], strict=True)), (X,)))
    check(Case("divmod", lambda x: divmod(x, 0.7)[1], (X,)))
