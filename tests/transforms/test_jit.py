# ruff: noqa: NPY002 - that the old generator is refused is what is tested
"""jit: what it keeps, when it stages again, what it reads anew, what comes out."""

from __future__ import annotations

import functools
import gc
import threading
import types
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from wengert import (
    RetraceWarning,
    custom_jvp,
    grad,
    hessian,
    jacobian,
    jit,
    jvp,
    linearize,
    make_program,
    pytree,
    value_and_grad,
    vjp,
    vmap,
)
from wengert.core.types import aval_of
from wengert.errors import ConcretizationError, TraceError
from wengert.transforms.call import interpret

X = np.array([0.3, -0.7, 1.2])


class Counting:
    """A function under jit that counts how often it is run as Python code."""

    def __init__(self, f: Callable[..., Any]) -> None:
        done: list[int] = []

        def counted(*args: Any, **kwargs: Any) -> Any:
            done.append(1)
            return f(*args, **kwargs)

        self.done, self.jitted = done, jit(counted)

    @property
    def runs(self) -> int:
        return len(self.done)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.jitted(*args, **kwargs)


# ---- staged once for each type


def test_runs_once_for_each_type():
    f = Counting(lambda x: np.sin(x) * 2)
    for x in (X, X + 1, 2 * X):
        np.testing.assert_array_equal(f(x), np.sin(x) * 2)
    assert f.runs == 1
    for x in (X[:2], X.astype(np.float32), 1.5, np.float64(1.5), 1):
        f(x), f(x)
    assert f.runs == 6


def test_structure_decides():
    f = Counting(lambda t: t["a"] + t.get("b", 0.0))
    assert (f({"a": 1.0}), f({"a": 1.0, "b": 2.0}), f({"a": 3.0})) == (1.0, 3.0, 3.0)
    assert f.runs == 2


@pytest.mark.parametrize("x", [2.0, 3, np.float32(2), np.float64(1), True, X, X.astype(np.float32), np.array(1.0), 1j])
def test_results_are_of_the_types_of_the_function(x: Any):
    f = lambda x: {"twice": x * 2, "more": (x + 1, x * np.float32(1)), "itself": x, "sum": np.sum(x), "none": None}
    got, want = jit(f)(x), f(x)
    # machine code adds up in another order and has functions of its own: single precision to a few units
    pytree.map(lambda g, w: np.testing.assert_allclose(g, w, rtol=3e-7), got, want)
    assert [aval_of(g) for g in pytree.leaves(got)] == [aval_of(w) for w in pytree.leaves(want)]
    assert got["none"] is None


def test_results_may_hold_other_things():
    @dataclass(frozen=True)
    class Out:
        value: Any
        name: str

    out = jit(lambda x: (Out(x * 2, "twice"), 7, None, "text"))(X)
    assert type(out[0]) is Out
    assert (out[0].name, out[1:]) == ("twice", (7, None, "text"))
    np.testing.assert_array_equal(out[0].value, 2 * X)
    assert jit(lambda x: None)(X) is None
    np.testing.assert_array_equal(jit(lambda: np.zeros(2) + 1)(), [1.0, 1.0])
    assert jit(np.sin)(1.0) == np.sin(1.0)


def test_constant_results_are_the_callers_own():
    f = jit(lambda x: np.zeros(2))
    f(1.0)[:] = 7.0
    np.testing.assert_array_equal(f(1.0), [0.0, 0.0])


def test_arguments_are_not_changed():
    def f(x: Any) -> Any:
        x[0] = 100.0
        return np.sum(x)

    x = X.copy()
    assert jit(f)(x) == 100.0 + X[1] + X[2]
    np.testing.assert_array_equal(x, X)


def test_layout_decides_what_is_a_view():
    def f(x: Any) -> Any:
        x.reshape(-1)[0] = 5.0
        return x

    m = np.arange(6.0).reshape(2, 3)
    assert jit(f)(m)[0, 0] == 5.0
    assert jit(f)(m[:, ::2])[0, 0] == 0.0, "NumPy's reshape of this is a copy"


# ---- keywords and static arguments


def test_keywords_and_defaults():
    f = jit(lambda x, *, scale=2.0, shift=0.0: x * scale + shift)
    assert (f(1.0), f(1.0, scale=3.0), f(1.0, shift=1.0, scale=3.0), f(1.0, scale=3.0, shift=1.0)) == (
        2.0,
        3.0,
        4.0,
        4.0,
    )
    assert len(f.jitted.forms.entries) == 3


def power(x: Any, n: int = 2, mode: str = "times") -> Any:
    for _ in range(n):
        x = x * 2 if mode == "times" else x + 2
    return x


@pytest.mark.parametrize(
    "static", [{"static_argnames": ("n", "mode")}, {"static_argnums": (1, 2)}, {"static_argnums": (-1, -2)}]
)
def test_static_arguments_by_name_and_position(static: Any):
    f = jit(power, **static)
    assert (f(1.0), f(1.0, 3), f(1.0, n=1), f(1.0, 1, "plus"), f(1.0, mode="plus")) == (4.0, 8.0, 2.0, 3.0, 5.0)
    assert f(1.0, n=True) == 2.0, "True is another value than 1"


def test_decorators():
    @functools.partial(jit, static_argnames="n")
    def f(x: Any, n: int) -> Any:
        """Twice."""
        return power(x, n)

    @jit(static_argnames=["n"])
    def g(x: Any, n: int) -> Any:
        return power(x, n)

    assert (f(1.0, 2), g(1.0, n=3), f.__name__, f.__doc__) == (4.0, 8.0, "f", "Twice.")


def test_static_arguments_must_be_hashable():
    f = jit(lambda x, n: x * n[0], static_argnames="n")
    with pytest.raises(
        TraceError, match=r"static argument 'n' is a list, which cannot be hashed(?s:.*)a tuple in place"
    ):
        f(1.0, n=[2])
    assert f(1.0, n=(2,)) == 2.0
    with pytest.raises(TypeError, match=r"no argument of that name(?s:.*)one of x, n"):
        jit(lambda x, n: x, static_argnames="m")


def test_arguments_that_are_no_numbers():
    with pytest.raises(TraceError, match=r"jit\(power\): mode is a str(?s:.*)static_argnames='mode'"):
        jit(power, static_argnames="n")(1.0, 2, "plus")
    with pytest.raises(TraceError, match=r"x\['a'\] is a str"):
        jit(lambda x: x)({"a": "b"})
    with pytest.raises(TraceError, match="an array of object"):
        jit(lambda x: x)(np.array([None]))
    with pytest.raises(TraceError, match=r"x is a MaskedArray(?s:.*)write: np.asarray\(x\)"):
        jit(lambda x: x)(np.ma.masked_array([1.0, 2.0]))


# ---- what is read from outside


TABLE = np.array([[1.0, 2.0], [3.0, 4.0]])
RATE = 2.0
SETTINGS: dict[str, Any] = {"bias": np.ones(2), "rate": 0.5}
ITEMS: list[Any] = [np.ones(2), 3.0]


def helper(x: Any) -> Any:
    return np.sin(TABLE) @ x * RATE


def model(x: Any) -> Any:
    return helper(x) + SETTINGS["bias"] * SETTINGS["rate"] + ITEMS[0] * ITEMS[1]


V = np.array([0.5, -1.0])


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Any:
    """This module's globals, put back afterwards."""
    for name, value in {"TABLE": TABLE.copy(), "RATE": RATE, "SETTINGS": {k: np.copy(v)[()] for k, v in SETTINGS.items()},
                        "ITEMS": [np.ones(2), 3.0], "helper": helper}.items():  # fmt: skip
        monkeypatch.setitem(globals(), name, value)
    return globals()


def test_arrays_are_read_anew(outside: Any):
    f = Counting(model)
    f(V)
    for change in (
        lambda: outside["TABLE"].__setitem__((0, 0), 7.0),
        lambda: outside.__setitem__("TABLE", TABLE * 1.5),
        lambda: outside["SETTINGS"]["bias"].__imul__(3.0),
        lambda: outside["SETTINGS"].__setitem__("bias", np.array([5.0, 6.0])),
        lambda: outside["ITEMS"].__setitem__(0, np.array([1.0, 9.0])),
    ):
        change()
        np.testing.assert_array_equal(f(V), model(V))
    assert f.runs == 1, "arrays are inputs: nothing was staged again"


def test_what_is_rebound_is_seen(outside: Any):
    f = Counting(model)
    f(V)
    for change in (
        lambda: outside.__setitem__("RATE", 3.0),
        lambda: outside["SETTINGS"].__setitem__("rate", 0.25),
        lambda: outside["ITEMS"].__setitem__(1, 4.0),
        lambda: outside["ITEMS"].append(1.0),
        lambda: outside.__setitem__("TABLE", np.ones((2, 2), np.float32)),
        lambda: outside.__setitem__("helper", lambda x: x * 2),
    ):
        before = f.runs
        change()
        np.testing.assert_allclose(f(V), model(V), rtol=3e-7)  # a table of single precision is among them
        assert f.runs == before + 1
        f(V)
        assert f.runs == before + 1


def test_equal_numbers_are_the_same(outside: Any):
    f = Counting(model)
    f(V)
    outside["RATE"] = float("2.0")
    f(V)
    assert f.runs == 1


def test_closures():
    w, k = np.array([1.0, 2.0]), 3.0

    def inner(x: Any) -> Any:
        return np.exp(w) * x * k

    f = Counting(lambda x: inner(x) + w)
    f(V)
    w[0] = 5.0
    np.testing.assert_array_equal(f(V), inner(V) + w)
    w = np.array([7.0, 8.0])
    np.testing.assert_array_equal(f(V), inner(V) + w)
    assert f.runs == 1
    k = 4.0
    np.testing.assert_array_equal(f(V), inner(V) + w)
    assert f.runs == 2


def test_defaults_partials_and_methods_of_arrays():
    w = np.array([1.0, 2.0])
    f = jit(lambda x, w=w: np.exp(w) * x)
    g = jit(functools.partial(lambda w, x: np.exp(w) * x, w))
    dot = np.eye(2) * 1.0
    h = jit(dot.dot)
    f(V), g(V), h(V)
    w[0], dot[0, 0] = 5.0, 9.0
    np.testing.assert_array_equal(f(V), np.exp(w) * V)
    np.testing.assert_array_equal(g(V), np.exp(w) * V)
    np.testing.assert_array_equal(h(V), dot @ V)


def test_modules():
    outer, inner = types.ModuleType("outer"), types.ModuleType("inner")
    for module in (outer, inner):
        module.__file__ = __file__
    outer.inner, inner.w, inner.k = inner, np.array([1.0, 2.0]), 3.0  # type: ignore[attr-defined]
    of_closure = jit(lambda x: np.exp(outer.inner.w) * x * outer.inner.k)  # type: ignore[attr-defined]
    of_closure(V)
    space = {"np": np, "outer": outer}
    exec("def f(x):\n    return np.exp(outer.inner.w) * x * outer.inner.k", space)  # noqa: S102 - of globals of its own
    g = jit(space["f"])
    g(V)
    inner.w[0] = 5.0  # type: ignore[attr-defined]
    np.testing.assert_array_equal(g(V), np.exp(inner.w) * V * inner.k)  # type: ignore[attr-defined]
    inner.k = 4.0  # type: ignore[attr-defined]
    np.testing.assert_array_equal(of_closure(V), g(V))
    np.testing.assert_array_equal(g(V), np.exp(inner.w) * V * inner.k)  # type: ignore[attr-defined]


def test_lists_of_numbers_are_compared_by_value():
    widths = list(range(1000))
    f = Counting(lambda x: x * widths[7] + len(widths))
    assert (f(1.0), f(1.0)) == (1007.0, 1007.0)
    widths[7] = 8
    assert (f(1.0), f(1.0), f.runs) == (1008.0, 1008.0, 2)


def test_functions_that_call_themselves():
    w = np.array([1.0, 2.0])

    def f(x: Any, n: int) -> Any:
        return x if n == 0 else np.exp(w) * f(x, n - 1)

    g = jit(f, static_argnums=1)
    g(V, 3)
    w[0] = 0.5
    np.testing.assert_array_equal(g(V, 3), f(V, 3))


class Thing:
    def __init__(self) -> None:
        self.w, self.k, self.calls = np.array([1.0, 2.0]), 2.0, 0

    @jit
    def step(self, x: Any) -> Any:
        return np.exp(self.w) * x * self.k

    def plain(self, x: Any) -> Any:
        return np.exp(self.w) * x * self.k + np.sum(TABLE)


def test_methods_read_what_self_holds():
    a, b = Thing(), Thing()
    b.k = 5.0
    for thing in (a, b):
        np.testing.assert_array_equal(thing.step(V), np.exp(thing.w) * V * thing.k)
        thing.w[0] = 3.0
        np.testing.assert_array_equal(thing.step(V), np.exp(thing.w) * V * thing.k)
        thing.k = 7.0
        np.testing.assert_array_equal(thing.step(V), np.exp(thing.w) * V * thing.k)
    gone = weakref.ref(a)
    del a, thing
    gc.collect()
    assert gone() is None, "what is staged for an object goes with it"


def test_objects_from_outside(outside: Any):
    thing = Thing()
    f = Counting(lambda x: thing.plain(x))
    f(V)
    thing.w[0] = 3.0
    thing.calls += 1
    np.testing.assert_array_equal(f(V), thing.plain(V))
    assert f.runs == 1, "an attribute that no code reads does not matter"
    thing.k = 9.0
    np.testing.assert_array_equal(f(V), thing.plain(V))
    outside["TABLE"][0, 0] = 50.0  # read by a method: its contents are compared
    np.testing.assert_array_equal(f(V), thing.plain(V))


def test_jit_in_jit_reads_anew():
    w = np.array([1.0, 2.0])
    inner = jit(lambda x: np.exp(w) * x)
    outer = jit(lambda x: inner(x) + inner(2 * x))
    outer(V)
    w[0] = 3.0
    np.testing.assert_array_equal(outer(V), np.exp(w) * V + np.exp(w) * 2 * V)


def test_grad_of_a_closure_reads_anew():
    w = np.array([1.0, 2.0])
    f = jit(grad(lambda x: np.sum(np.exp(w) * x**2)))
    f(V)
    w[0] = 3.0
    np.testing.assert_allclose(f(V), 2 * np.exp(w) * V, rtol=1e-15)


def test_custom_rules_in_it():
    w = np.array([1.0, 2.0])

    @custom_jvp
    def f(x: Any) -> Any:
        return np.exp(x)

    f.defjvps(lambda t, y, x: 10.0 * t * y)
    g = jit(grad(lambda x: np.sum(w * f(x))))
    np.testing.assert_allclose(g(V), 10 * w * np.exp(V), rtol=1e-15)
    w[0] = 7.0
    np.testing.assert_allclose(g(V), 10 * w * np.exp(V), rtol=1e-15)


def test_dropping_it_frees_what_it_closed_over():
    def use(w: Any) -> Any:
        f = jit(lambda x: np.sum(np.exp(w) * x))
        grad(f)(2.0), f(2.0)
        return weakref.ref(w)

    gone = use(np.ones(1000))
    gc.collect()
    assert gone() is None


# ---- within other transforms


def smooth(x: Any, y: Any) -> Any:
    return np.sum(np.tanh(TABLE[:, :1] * x) ** 2 * np.exp(y))


Y = np.float64(0.3)
TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "grad": lambda f: grad(f, (0, 1)),
    "value_and_grad": value_and_grad,
    "hessian": hessian,
    "jacobian of grad": lambda f: jacobian(grad(f)),
    "jvp": lambda f: lambda x, y: jvp(f, (x, y), (x, y)),
    "vjp": lambda f: lambda x, y: vjp(f, x, y)[1](np.float64(2.0)),
    "linearize": lambda f: lambda x, y: linearize(f, x, y)[1](x, y),
    "vmap": lambda f: lambda x, y: vmap(f, (0, None))(np.stack([x, 2 * x]), y),
    "vmap of grad": lambda f: lambda x, y: vmap(grad(f), (0, None))(np.stack([x, 2 * x]), y),
}


@pytest.mark.parametrize("name", sorted(TRANSFORMS))
def test_commutes_with(name: str):
    transform = TRANSFORMS[name]
    want = transform(smooth)(X, Y)
    for f in (transform(jit(smooth)), jit(transform(smooth)), jit(transform(jit(smooth)))):
        got = f(X, Y)
        pytree.map(lambda g, w: np.testing.assert_allclose(g, w, rtol=1e-12, atol=1e-15), got, want)
        assert [aval_of(g) for g in pytree.leaves(got)] == [aval_of(w) for w in pytree.leaves(want)]


def test_closes_over_traced_values():
    f = lambda w: np.sum(jit(lambda x: x * w * w)(X))
    assert grad(f)(3.0) == pytest.approx(6.0 * np.sum(X))
    np.testing.assert_allclose(vmap(f)(np.array([1.0, 2.0])), np.sum(X) * np.array([1.0, 4.0]))
    assert jit(f)(3.0) == pytest.approx(9.0 * np.sum(X))


def test_the_program_is_one_operation():
    text = str(make_program(lambda x: jit(np.sin)(x) * 2)(X))
    assert "call a" in text
    assert "program = sin" in text


# ---- the hook for machine code


class Machine:
    """What a compiler gives, with an entry that looks at its operands itself."""

    def __init__(self, program: Any, donated: tuple[bool, ...]) -> None:
        self.program, self.donated = program, donated
        self.tried = self.taken = 0

    def __call__(self, *operands: Any) -> list[Any]:
        return interpret(self.program, operands)

    def entry(self, *operands: Any) -> Any:
        self.tried += 1
        if [aval_of(x) for x in operands] != [v.aval for v in self.program.inputs]:
            return NotImplemented
        self.taken += 1
        return self(*operands)


@pytest.fixture
def machines() -> Iterator[list[Machine]]:
    made: list[Machine] = []

    def compiler(program: Any, donated: tuple[bool, ...]) -> Machine:
        made.append(Machine(program, donated))
        return made[-1]

    hook = jit.__globals__["COMPILE"]
    hook.append(compiler)
    yield made
    hook.remove(compiler)


def test_machine_code_is_tried_first(machines: list[Machine]):
    f = jit(lambda x, y: (x + y, x * y))
    for k in range(5):
        np.testing.assert_array_equal(f(X, X + k), (X + (X + k), X * (X + k)))
    assert [(m.tried, m.taken) for m in machines] == [(4, 4)]
    f(X[:2], X[:2])
    assert machines[0].tried == 5
    f(X[:2], X[:2])
    assert [(m.tried, m.taken) for m in machines] == [(5, 4), (1, 1)]


def test_machine_code_is_not_taken_past_what_was_rebound(machines: list[Machine]):
    k = 2.0
    scale = lambda x: x * 3.0
    f = jit(lambda x: scale(x))
    g = jit(lambda x: x * RATE)
    assert (f(1.0), f(1.0), g(1.0), g(1.0)) == (3.0, 3.0, 2.0, 2.0)
    scale = lambda x: x * k
    assert (f(1.0), f(1.0)) == (2.0, 2.0)


def test_donated_arguments(machines: list[Machine]):
    f = jit(lambda p, x: {"w": p["w"] + x, "n": p["n"] + 1}, donate="p")
    out = f({"w": X.copy(), "n": 0}, X)
    np.testing.assert_array_equal(out["w"], 2 * X)
    assert machines[0].donated == (True, True, False)
    g = jit(lambda x, p: x + p, donate=1)
    with pytest.raises(ValueError, match=r"donated is given as another argument too(?s:.*)x.copy\(\)"):
        g(X, X)
    g(X, X.copy())
    assert machines[1].donated == (False, True)


# ---- randomness


def test_numpys_random_numbers_are_refused():
    rng = np.random.default_rng(0)
    draw = np.random.normal
    for f in (lambda x: x + np.random.normal(), lambda x: x + rng.normal(), lambda x: x + draw()):
        with pytest.raises(
            TraceError, match=r"while the function is staged: its numbers would be(?s:.*)wengert.random"
        ):
            jit(f)(1.0)
    assert isinstance(np.random.normal(), float), "outside it is as it was"


# ---- warnings


def test_staging_again_and_again_is_said_once():
    f = jit(lambda x: x + 1)
    with pytest.warns(
        RetraceWarning, match=r"x was f64\[8\], and is f64\[9\]\n  write: arrays of one shape for x"
    ) as found:
        deque(f(np.ones(n)) for n in range(1, 20))
    assert len(found) == 1
    assert found[0].filename == __file__


@pytest.mark.parametrize(
    ("calls", "message"),
    [
        (lambda f: [f(1.0, n) for n in range(10)], r"static argument 1 was 7, and is 8"),
        (lambda f: [f(x, 1) for x in [np.ones(n) for n in range(10)]],
         r"x was f64\[7\], and is f64\[8\]"),
        (lambda f: [f([1.0] * n, 1) for n in range(10)], r"the arguments' structure was"),
    ],
)  # fmt: skip
def test_the_cause_is_named(calls: Any, message: str):
    def f(x: Any, n: Any) -> Any:
        return x

    with pytest.warns(RetraceWarning, match=message):
        calls(jit(f, static_argnums=1))


def test_rebinding_is_named():
    rate = 1.0
    f = jit(lambda x: x * rate)

    def calls() -> None:
        nonlocal rate
        for k in range(10):
            rate = float(k)
            assert f(2.0) == 2.0 * rate

    with pytest.warns(
        RetraceWarning, match=r"rate, which the function reads from outside, is another(?s:.*)an argument"
    ):
        calls()


def test_a_few_shapes_in_turn_are_no_cause_for_a_warning():
    f = jit(lambda x: x + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(20):
            for n in range(5):
                f(np.ones(n))


# ---- errors and threads


def test_an_error_leaves_nothing_behind():
    f = jit(lambda x: x if x > 0 else -x)
    for _ in range(2):
        with pytest.raises(ConcretizationError):
            f(1.0)
    assert jit(lambda x: x + 1)(1.0) == 2.0
    assert not f.jitted.forms.entries


def test_threads():
    f = jit(lambda x: np.sum(np.exp(TABLE) * x) * RATE)
    found: list[Any] = []

    def work(k: int) -> None:
        found.append([f(float(k + j)) == pytest.approx(np.sum(np.exp(TABLE)) * (k + j) * RATE) for j in range(20)])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == [[True] * 20] * 6
