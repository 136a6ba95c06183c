"""Random calls, most of them wrong: NumPy's value with an exact derivative, or an error as good as NumPy's.

NumPy itself is the oracle: it runs each call on plain arrays. Where it raises, its exception's type is wanted of every
transform, or an error that says what to write; where it gives a value, that value in its dtype, shape and kind, or an
error that says why not. Tangents are held against differences of NumPy's values. ``WENGERT_FUZZ=N`` runs N calls.
"""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from numpy.exceptions import AxisError
from tests.fuzz._calls import Call, generate, leaves, parts, put, traceable

from wengert import FlatDerivativeWarning, grad, jvp, make_program, vjp, vmap
from wengert.errors import DerivativeError, UnsupportedError, WengertError
from wengert.frontend.tables import FUNCTIONS

COUNT = int(os.environ.get("WENGERT_FUZZ", "1200"))
START = int(os.environ.get("WENGERT_FUZZ_START", "0"))
TOLERANCE = {"e": 4e-3, "f": 4e-6, "F": 4e-6}  # of dtypes; 1e-12 of the others
WRITES = {
    "copyto",
    "put",
    "place",
    "putmask",
    "put_along_axis",
    "fill_diagonal",
    "at",
    "sort",
    "partition",
    "fill",
    "resize",
}


class Hang(BaseException):
    """A call has run for longer than any of them should."""


def _too_long(*_: Any) -> None:
    raise Hang


class Run:
    """One call with its arrays: as a function of those that are traced."""

    def __init__(self, call: Call, seed: int) -> None:
        rng = np.random.default_rng(seed + 1)
        self.call, ids = call, traceable(call)
        if len(ids) > 1 and rng.random() < 0.6:
            ids = [ids[rng.integers(len(ids))]]
        self.ids, self.handles = ids, rng.random() < 0.5
        held = {id(a): a for a in leaves([list(call.args), call.kwargs])}
        self.xs = tuple(held[i].copy() for i in ids)
        self.others: list[Any] = []

    def __call__(self, *xs: Any) -> Any:
        given = dict(zip(self.ids, xs, strict=True))
        make = (lambda a: np.array(a)) if self.handles else (lambda a: a.copy())
        args = put(self.call.args, given, make)
        kwargs = {k: put(v, given, np.array if k == "out" else make) for k, v in self.call.kwargs.items()}
        result = self.call.run(args, kwargs)
        numbers: list[Any] = []
        self.others = []
        parts(result, numbers, self.others)
        if (self.call.method or self.call.target.__name__) in WRITES:
            parts(args[0], numbers, self.others)
        return tuple(numbers)


def outcome(run: Callable[[], Any]) -> tuple[str, Any, set[type]]:
    """``value`` or ``error``, which, and the kinds of warnings that were given."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        signal.setitimer(signal.ITIMER_REAL, 5.0)
        try:
            kind, what = "value", run()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is compared
            kind, what = "error", error
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    return kind, what, {w.category for w in seen if not issubclass(w.category, FlatDerivativeWarning)}


def twice(x: Any) -> Any:
    return np.stack([x, x])


def ways(run: Run, directions: tuple[Any, ...]) -> dict[str, Callable[[], Any]]:
    return {
        "vjp": lambda: vjp(run, *run.xs)[0],
        "jvp": lambda: jvp(run, run.xs, directions)[0],
        "vmap": lambda: [y[0] for y in vmap(run)(*[twice(x) for x in run.xs])],
        "program": lambda: make_program(run)(*run.xs).evaluate([x.copy() for x in run.xs]),
    }


def kind_of(y: Any) -> tuple[Any, ...]:
    if isinstance(y, np.ndarray):
        return ("array", y.dtype, y.shape)
    return ("number", y.dtype) if isinstance(y, np.generic) else (type(y).__name__,)


def differs(got: Any, want: Any, tolerance: float, way: str) -> str:
    """What is different about a result, or nothing."""
    got = [a for a in got if np.asarray(a).dtype.kind in "bfciu"]
    if len(got) != len(want):
        return f"{len(got)} results, NumPy gives {len(want)}"
    for a, b in zip(got, want, strict=True):
        if way in ("vmap", "program"):
            mine, theirs = (np.shape(a), np.asarray(a).dtype), (np.shape(b), np.asarray(b).dtype)
        else:
            mine, theirs = kind_of(a), kind_of(b)
        if mine != theirs:
            return f"{mine}, NumPy gives {theirs}"
        a, b = np.asarray(a), np.asarray(b)
        if b.dtype.kind in "fc":
            scale = float(np.max(np.abs(b[np.isfinite(b)]), initial=0.0))
            with np.errstate(all="ignore"):
                if not np.allclose(a, b, rtol=tolerance, atol=tolerance * scale, equal_nan=True):
                    return f"{a!r}, NumPy gives {b!r}"
        elif not np.array_equal(a, b):
            return f"{a!r}, NumPy gives {b!r}"
    return ""


ACCIDENTS = (AttributeError, KeyError, IndexError, UnboundLocalError, AssertionError, RecursionError, NameError)


def fault_of_error(error: Any, numpys: Any) -> str:
    """What is wrong with an error."""
    if isinstance(error, WengertError):
        return "" if "write:" in str(error) or isinstance(error, type(numpys)) else f"no line to write: {error}"
    text = f"{type(error).__name__}: {error}"
    if numpys is None:
        return f"{text}, NumPy gives a value"
    if not isinstance(error, type(numpys)):
        return f"{text}, NumPy raises {type(numpys).__name__}: {numpys}"
    if any(f"{name}() " in str(error) for name in ("rule", "method", "_fold")):
        return f"an internal name: {text}, NumPy: {numpys}"
    return ""


def slopes(run: Run, directions: tuple[Any, ...], here: Any) -> list[Any]:
    """Central differences of NumPy's own values; None where those to both sides and at two steps do not agree."""
    found: list[Any] = []
    for h in (1e-5, 2.1e-5):
        sides: list[Any] = []
        for s in (1, -1):
            moved = [x + s * h * t for x, t in zip(run.xs, directions, strict=True)]
            kind, there, _ = outcome(lambda moved=moved: run(*moved))
            if kind != "value" or len(there) != len(here):
                return [None] * len(here)
            sides.append(
                [
                    s * (np.asarray(a, complex) - b) / h if _real(a, b) else None
                    for a, b in zip(there, here, strict=True)
                ]
            )
        found += sides
    return [(a[0] + a[1]) / 2 if all(_near(b, a[0], 2e-3) for b in a) else None for a in zip(*found, strict=True)]


def _straight(run: Run, directions: tuple[Any, ...], here: Any) -> bool:
    """Whether differences are additive in the direction: they are not at a kink, nor where something is not finite."""
    inputs = [*leaves([list(run.call.args), run.call.kwargs]), *(a for a in run.call.args if type(a) is float)]
    if not all(np.all(np.isfinite(a)) for a in inputs if np.asarray(a).dtype.kind in "fc"):
        return False
    other = tuple(t * np.cos(2.0 + 2.5 * np.arange(t.size)).reshape(t.shape) for t in directions)
    both = tuple(t + u for t, u in zip(directions, other, strict=True))
    found = [slopes(run, t, here) for t in (directions, other, both)]
    return all(a is None or (b is not None and _near(a + b, c, 3e-3)) for a, b, c in zip(*found, strict=True))


def _real(a: Any, b: Any) -> bool:
    return np.asarray(a).dtype.char in "dD" and np.shape(a) == np.shape(b)


def _near(a: Any, b: Any, tolerance: float) -> bool:
    if a is None or b is None or not np.all(np.isfinite(b)):
        return False
    scale = max(1.0, float(np.max(np.abs(b), initial=0.0)))
    return bool(np.allclose(a, b, rtol=0, atol=tolerance * scale))


def derivative_fault(run: Run, directions: tuple[Any, ...], want: Any) -> str:
    """Tangents against differences, and the pullback against the tangents."""
    if any(x.dtype.char not in "dD" or not np.all(np.isfinite(x)) for x in run.xs):
        return ""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        differences = slopes(run, directions, want)
        kind, got, _ = outcome(lambda: jvp(run, run.xs, directions))
        if kind == "value" and len(got[1]) == len(differences):
            for t, d in zip(got[1], differences, strict=True):
                if d is not None and not _near(t, d, 3e-3) and _straight(run, directions, want):
                    return f"tangent {t!r}, differences give {d!r}"
        weights = [np.cos(np.arange(np.size(y)) + 1.0).reshape(np.shape(y)) for y in want]

        def loss(*xs: Any) -> Any:
            total = 0.0 * sum(np.sum(np.real(x)) for x in xs)
            for y, w, d in zip(run(*xs), weights, differences, strict=False):
                if d is not None:
                    total = total + np.sum(np.real(y) * w)
            return total

        kind, slope, _ = outcome(lambda: grad(loss, argnums=tuple(range(len(run.xs))))(*run.xs))
        if kind == "error" and not isinstance(slope, WengertError):
            return f"pullback {type(slope).__name__}: {slope}"
        if kind == "value" and all(x.dtype.kind == "f" for x in run.xs):
            mine = sum(float(np.sum(g * t)) for g, t in zip(cast(Any, slope), directions, strict=True))
            wanted = sum(
                float(np.sum(np.real(d) * w)) for d, w in zip(differences, weights, strict=True) if d is not None
            )
            if (
                np.isfinite(mine)
                and _straight(run, directions, want)
                and abs(mine - wanted)
                > 1e-3 * max(1.0, abs(wanted)) * max(1, sum(np.size(d) for d in differences if d is not None))
            ):
                return f"pullback {mine}, differences give {wanted}"
    return ""


def outputs_of(call: Call) -> Any:
    out = call.kwargs.get("out")
    return out if isinstance(out, tuple) else (out,)


def unset(call: Call) -> bool:
    """Whether NumPy leaves memory in the result as it was found."""
    name = call.target.__name__
    anywhere = (
        isinstance(call.target, np.ufunc)
        and call.method in ("", "outer")
        and not any(o is not None for o in outputs_of(call))
    )
    if (
        isinstance(call.target, np.ufunc)
        and call.method
        and "out" in call.kwargs
        and any(o is None for o in outputs_of(call))
    ):
        return True  # NumPy takes out=(None,) away before others see it
    if call.target is np.arctan2 and call.method in ("reduce", "reduceat"):
        return True  # NumPy's loop reads what it has overwritten
    if "clip" in (name, call.method) and call.kwargs.get("where", True) is not True and outputs_of(call)[0] is None:
        return True
    return "empty" in (name, *(a for a in call.args if isinstance(a, str)), *(str(v) for v in call.kwargs.values())) or name == "empty_like" or (
        anywhere and call.kwargs.get("where", True) is not True)  # fmt: skip


def faults(seed: int) -> list[tuple[str, str, str]]:
    """(the call, the way, what is wrong) of one random call."""
    call = generate(seed)
    run = Run(call, seed)
    if not run.xs:
        return []
    if unset(call):
        return []
    kind, want, warned = outcome(lambda: run(*[x.copy() for x in run.xs]))
    others = run.others
    if kind == "value" and any(word == "ndarray" for word, _ in others):
        return []  # text, objects, records: no numbers
    if kind == "value" and sum(np.size(y) for y in want) > 10**6:
        return []
    if kind == "error" and isinstance(want, (MemoryError, RecursionError)):
        return []
    rng = np.random.default_rng(seed)
    directions = tuple(np.asarray(rng.uniform(-1, 1, x.shape)).astype(x.dtype) for x in run.xs)
    tolerance = max(
        TOLERANCE.get(a.dtype.char, 1e-12)
        for a in (*leaves([list(call.args), call.kwargs, list(want) if kind == "value" else []]), np.zeros(1))
    )
    found = []
    for way, go in ways(run, directions).items():
        mine, got, ours = outcome(go)
        wrong = ""
        if mine == "error":
            wrong = fault_of_error(got, want if kind == "error" else None)
        elif kind == "error":
            wrong = f"a value where NumPy raises {type(want).__name__}: {want}"
        else:
            wrong = differs(got, want, tolerance, way)
            if not wrong and run.others != others:
                wrong = f"{run.others}, NumPy gives {others}"
            if not wrong and way != "jvp" and ours - warned:
                wrong = f"warns of {[w.__name__ for w in ours - warned]}"
        if wrong:
            found.append((str(call), way, wrong))
    if kind == "value":
        try:
            wrong = derivative_fault(run, directions, want)
        except WengertError:
            wrong = ""  # a tangent that says, when it is looked at, why there is none
        if wrong:
            found.append((str(call), "derivative", wrong))
    return found


@pytest.fixture(autouse=True)
def _alarm() -> Any:
    before = signal.signal(signal.SIGALRM, _too_long)
    yield
    signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="calls are stopped by an alarm")
def test_calls() -> None:
    wrong = [fault for seed in range(START, START + COUNT) for fault in faults(seed)]
    assert not wrong, "\n".join(f"{call}\n  {way}: {what}" for call, way, what in wrong)


# ---- what such calls have found


def test_errors_of_the_users_own_functions_stay_theirs() -> None:
    def given(row: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        grad(lambda x: np.sum(np.apply_along_axis(given, 0, x)))(np.ones((2, 3)))


def test_a_rule_that_fails_where_numpy_does_not_says_that_it_has_no_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "of text".index  # raises a TypeError, whatever it is given
    monkeypatch.setitem(FUNCTIONS, np.sinc, broken)
    with pytest.raises(UnsupportedError, match=r"(?s)np\.sinc has no rule for this call.*TypeError.*write: "):
        grad(lambda x: np.sum(np.sinc(x)))(np.ones(3))
    monkeypatch.setitem(FUNCTIONS, np.swapaxes, broken)
    with pytest.raises(AxisError, match="axis 7 is out of bounds"):  # NumPy's own
        grad(lambda x: np.sum(np.swapaxes(x, 0, 7)))(np.ones((2, 2)))


def test_conditions_of_other_numbers() -> None:
    x = np.linspace(0.3, 1.7, 6).reshape(2, 3)
    where: Any = [1, 0, 2]
    functions: list[Any] = [np.nanmean, np.nanstd, np.nanvar]
    for f in functions:
        want: Any = f(x, where=np.array([True, False, True]))
        assert vjp(lambda x, f=f: f(x, where=where), x)[0] == want


def test_what_would_be_wrong_is_refused() -> None:
    x, mean = np.linspace(0.3, 1.7, 6).reshape(2, 3), cast(Any, 1j)
    with pytest.raises(UnsupportedError, match="write: "):
        grad(lambda x: np.real(np.var(x, mean=mean)))(x)
    with pytest.raises(UnsupportedError, match="assume_unique=False"):
        grad(lambda x: np.sum(np.intersect1d(x, [1.0, 2.0, 1.0], assume_unique=True)))(x[0])
    a = np.diag([1.0, 0.9, 0.3]) + 0.01  # of full rank: a cut through its singular values is no pseudoinverse
    with pytest.raises(DerivativeError, match="cuts off singular values"):
        grad(lambda a: np.sum(np.linalg.pinv(a, rcond=0.5)))(a)
