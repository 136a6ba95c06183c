"""Random calls of NumPy's functions, ufuncs and methods: good ones from the case tables, and these with something wrong.

The good calls are recorded: each case of the tables runs on arrays of a class that notes which of NumPy's functions it is
handed to, with what. A fuzzed call changes one or two arguments of such a call, by the names in the function's signature.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from tests.frontend import test_ufuncs
from tests.frontend._cases import TABLE

from wengert.core.trace import Tracer
from wengert.frontend.methods import METHODS
from wengert.frontend.tables import FUNCTIONS, UFUNCS

LARGEST = 10**6  # elements in a result


@dataclass(frozen=True)
class Call:
    """A call of a NumPy function (``target``), or of the method ``method`` of it: of a ufunc or of the first argument."""

    target: Any
    method: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def name(self) -> str:
        if self.target is np.ndarray:
            return f"ndarray.{self.method}"
        return f"{getattr(self.target, '__module__', None) or 'numpy'}.{self.target.__name__}" + (
            f".{self.method}" if self.method else ""
        )

    def run(self, args: Any, kwargs: Any) -> Any:
        if self.target is np.ndarray:
            return getattr(args[0], self.method)(*args[1:], **kwargs)
        return (getattr(self.target, self.method) if self.method else self.target)(*args, **kwargs)

    def __str__(self) -> str:
        words = [shown(a) for a in self.args] + [f"{k}={shown(v)}" for k, v in self.kwargs.items()]
        if self.target is np.ndarray:
            return f"{words[0]}.{self.method}({', '.join(words[1:])})"
        return f"{self.name}({', '.join(words)})"


def shown(x: Any) -> str:
    if isinstance(x, np.ndarray):
        return f"<{x.dtype}{list(x.shape)}>" if x.dtype.kind == "f" and x.size > 4 else repr(x).replace("\n", "")
    if type(x) in (list, tuple):
        inside = ", ".join(shown(e) for e in x)
        return f"[{inside}]" if type(x) is list else f"({inside},)"
    return repr(x)


# ---- recording


RECORDED: list[Call] = []


class Recorder(np.ndarray):
    """An array that notes the calls it is handed to."""

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        args, kwargs = as_plain(args), as_plain(kwargs)
        if func in FUNCTIONS:
            RECORDED.append(Call(func, "", args, kwargs))
        return func(*as_plain(args), **as_plain(kwargs))

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = as_plain(args), as_plain(kwargs)
        RECORDED.append(Call(ufunc, "" if method == "__call__" else method, args, kwargs))
        return getattr(ufunc, method)(*as_plain(args), **as_plain(kwargs))


def as_plain(x: Any) -> Any:
    """A copy in which every array is a plain one of its own."""
    if isinstance(x, np.ndarray):
        return np.array(x, subok=False) if not isinstance(x, np.matrix) else x.copy()
    if type(x) in (list, tuple):
        return type(x)(as_plain(e) for e in x)
    return {k: as_plain(e) for k, e in x.items()} if type(x) is dict else x


@cache
def good_calls() -> dict[str, list[Call]]:
    """What the case tables call, by name."""
    for path in sorted((Path(__file__).parents[1] / "frontend").glob("_cases*.py")):
        import_module(f"tests.frontend.{path.stem}")  # each enters its calls into TABLE
    cases = [case for cases in TABLE.values() for case in cases]
    for name in sorted(u.__name__ for u in UFUNCS if getattr(np, u.__name__, None) is u):  # SciPy's may be among them
        cases += test_ufuncs.cases(name)
    RECORDED.clear()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for case in cases:
            try:
                case.f(*[np.array(x).view(Recorder) for x in case.args])
            except (TypeError, ValueError, AttributeError, IndexError, AssertionError):
                continue  # this array is not the case's own
    found: dict[str, list[Call]] = {}
    for call in RECORDED:
        if call.target is not getattr(np, "copyto", None) or type(call.args[0]) is np.ndarray:
            found.setdefault(call.name, []).append(call)
            method = getattr(call.target, "__name__", "")
            if method in METHODS and not call.method and call.args and isinstance(call.args[0], np.ndarray):
                found.setdefault(f"ndarray.{method}", []).append(replace(call, target=np.ndarray, method=method))
    x = np.linspace(0.3, 1.7, 6).reshape(2, 3)[:, ::-1].copy()
    more: dict[str, list[tuple[Any, ...]]] = {
        "reshape": [((3, 2),), (3, 2)], "transpose": [(), (1, 0)], "astype": [(np.float32,)], "copy": [()], "flatten": [()],
        "conj": [()], "conjugate": [()], "sort": [()], "partition": [(1,)], "put": [([0, 4], 2.0)], "fill": [(2.5,)],
        "searchsorted": [(0.5,)], "clip": [(0.5, 1.2)], "choose": [([1.0, 2.0],)], "compress": [([True, False, True], 1)],
        "resize": [((3, 2),)], "nonzero": [()], "argpartition": [(1,)],
    }  # fmt: skip
    for name, calls in more.items():
        at = x[0] if name == "searchsorted" else x
        found.setdefault(f"ndarray.{name}", []).extend(Call(np.ndarray, name, (at, *args), {}) for args in calls)
    for ufunc in sorted(UFUNCS, key=lambda u: u.__name__):
        if getattr(np, ufunc.__name__, None) is ufunc and ufunc.nin == 2 and ufunc.nout == 1 and not ufunc.signature:
            for name, args in {
                "reduce": (x,), "accumulate": (x,), "reduceat": (x[0], [0, 2, 1]), "outer": (x, x[0]), "at": (x, (0, 1), 1.5),
            }.items():  # fmt: skip
                call = Call(ufunc, name, args, {})
                found.setdefault(call.name, []).append(call)
    return {name: calls for name, calls in sorted(found.items()) if not name.startswith("numpy.random")}


# ---- what can be wrong


class Fresh:
    """A value that each run makes anew, since running uses it up."""

    def __init__(self, make: Callable[[], Any], text: str) -> None:
        self.make, self.text = make, text

    def __repr__(self) -> str:
        return self.text


class Thing:
    def __repr__(self) -> str:
        return "Thing()"


def junk(rng: np.random.Generator) -> list[Any]:
    """Values that hardly any argument may be."""
    return [
        None, "abc", "x", {}, {"a": 1}, set(), int, Thing(), Fresh(lambda: (k for k in range(3)), "(k for k in range(3))"),
        [[1.0, 2.0], [3.0]], np.array(["a", "b"]), np.array([None, 1], object), [], (), -1, 0, 1, 2, -3, 7, 1.5, float("nan"),
        float("inf"), 2**70, 1j, True, False, b"x", slice(None), Ellipsis, np.float64, np.zeros(0), np.zeros((0, 3)),
        np.zeros((2, 0)), np.array(1.5), rng.uniform(0.2, 1.9, (5, 7)), rng.uniform(0.2, 1.9, (2, 1, 3)), np.float32(0.5), np.int64(1),
        np.array([np.nan, 1.0, 2.0]), np.array([np.inf, 1.0]), [0.5, 1.5], [True, False, True], range(3), np.datetime64("2020-01-01"),
        np.array(["2020-01-01"], "M8[D]"), "C", "F", "wrap", "clip", "valid", "reduced", "ortho",
    ]  # fmt: skip


NAMED: dict[str, list[Any]] = {
    "axis": [99, -99, 1.5, 1.0, True, False, (0, 0), (0, -2), None, "x", (0,), (0, 1), [0], [0, 1], np.int64(0), np.array(0), np.array([0]),
             (), 2**70, -1, 0, 1, (1.0,), (None,)],
    "axes": [99, -99, (0, 0), None, (0,), (0, 1), [0, 1], (1, 0), ((0,), (1,)), (99, 0), 1.5, (1.0, 0), (), -1, (0, 1, 2)],
    "dtype": ["nonsense", int, complex, bool, object, "S3", "M8[D]", np.float16, np.float32, "f4,f4", 3, float, np.longdouble, np.uint8, str],
    "keepdims": ["yes", 1, 0, None, np.True_, True, False, 2, np.array([True, False]), "", 1.5],
    "where": ["yes", None, 0, np.array([True, False]), np.array([True, False, True]), [1, 0, 2], 1.0, np.zeros((5, 7), bool), False, True,
              np.array([0.0, 1.0, 1.0])],
    "casting": ["no", "equiv", "safe", "same_kind", "unsafe", "nonsense", None, 3],
    "initial": [None, 1, 2.5, "x", np.array([1.0, 2.0]), np.nan, 1j, True],
    "order": ["C", "F", "A", "K", "X", None, 3, "CC", "fro", 1, 2, -2, np.inf],
    "ord": ["fro", "nuc", 1, 2, -1, -2, np.inf, -np.inf, 0, 3, 0.5, "x", None, 1.5, "inf", (1,)],
    "mode": ["wrap", "clip", "raise", "full", "valid", "same", "reduced", "complete", "r", "raw", "constant", "edge", "reflect", "nonsense", 3,
             None, "symmetric", "linear_ramp", "maximum", "empty"],
    "method": ["linear", "lower", "higher", "nearest", "midpoint", "hazen", "weibull", "inverted_cdf", "nonsense", None, 3],
    "kind": ["quicksort", "stable", "heapsort", "nonsense", None, "introselect", 3],
    "side": ["left", "right", "middle", None, 3],
    "norm": ["ortho", "forward", "backward", "nonsense", None, 2, True],
    "UPLO": ["L", "U", "l", "X", None, 3],
    "indexing": ["xy", "ij", "nonsense", None], "subok": [True, False, "x", None], "copy": [True, False, None, "x"],
    "ddof": [0, 1, 2, 3, 0.5, -1, None, "x", 99, np.array([1, 2]), np.nan], "correction": [0, 1, 0.5, None, "x"],
    "n": [0, 1, 2, 3, 5, -1, 1.5, None, "x", np.int64(2), True, (2, 2)], "s": [(2, 2), (0, 1), (-1, 2), (3,), 3, None, (1.5, 2), "ab", (4, 5)],
    "k": [0, 1, -1, 99, -99, 1.5, None, "x", np.int64(1), 2**70, (0, 1), True], "decimals": [0, 1, -2, 1.5, None, "x", 400, -400, np.int64(1)],
    "offset": [0, 1, -1, 99, -99, 1.5, None, "x", 2**70], "full_matrices": [True, False, 1, "x", None],
    "repeats": [0, 1, 2, -1, 1.5, None, "x", [1, 2], [1, 2, 3], [], [-1, 1], np.array([2]), (0, 1)], "shift": [1, -1, (1, 1), 1.5, None, "x", 10**9, [1]],
    "shape": [(6,), (3, 2), (-1,), (-1, -1), (0,), -1, 6, 5, (2.0, 3), None, "x", (), (2, 2), (-2, 3), (2, 3, 1), np.array([3, 2]), (1, 2**70)],
    "newshape": [(6,), -1, 5], "indices": [0, [0, 1], 99, -99, 1.5, [0.0], [True, False, True], None, "x", [], np.array([], int), [[0, 1]], [99], -1],
    "rcond": [None, 1e-3, 0.5, -1, "x", np.nan, np.array([0.1])], "weights": [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], None, "x", np.ones((2, 3)), [1.0], np.ones((5, 7))],
    "q": [0.5, 1.5, -0.1, [0.2, 0.7], np.nan, None, "x", [], 50, np.array([[0.1, 0.2]]), 0, 1, True], "deg": [0, 1, 2, 3, -1, 1.5, None, "x", 99],
    "num": [0, 1, 5, -1, 1.5, None, "x"], "N": [0, 1, 3, 5, -1, 1.5, None], "M": [0, 1, 5, -1, 1.5, None],
    "bins": [1, 3, 0, -1, 1.5, "auto", "nonsense", [0.0, 1.0, 2.0], [2.0, 1.0], None, [], [1.0]], "range": [(0.0, 2.0), (2.0, 0.0), (1.0, 1.0), (0, np.inf), None, 3, "x"],
    "kth": [0, 1, 2, 99, -1, 1.5, (0, 1), None, [], True], "obj": [0, 1, 99, -1, [0, 1], slice(0, 2), 1.5, None, [True, False], [99], []],
    "pad_width": [0, 1, (1, 2), ((1, 1), (0, 1)), -1, 1.5, None, "x", ((1,), (2,)), {0: 1}, {99: 1}], "source": [0, 1, 99, (0, 1), None, 1.5, (0, 0)],
    "destination": [0, 1, 99, (0, 1), None, 1.5, (0, 0)], "axis1": [0, 1, 99, -1, None, 1.5], "axis2": [0, 1, 99, -1, None, 1.5, True],
    "start": [0, 1, 99, -99, None, 1.5], "reps": [0, 2, (2, 1), -1, 1.5, None, (), (2, 0), "x"], "indices_or_sections": [1, 2, 3, 0, -1, [1], [1, 5], [2, 1], 1.5, None, "x", [], 6],
    "edge_order": [1, 2, 3, 0, None, "x"], "nan": [0.0, None, "x", 1j, np.array([1.0, 2.0])], "a_min": [0.5, None, np.nan, "x", np.array([1.0, 2.0])],
    "a_max": [0.5, None, np.nan, "x", 1j], "stable": [True, False, None, "x"], "sorter": [[0, 1, 2], [2, 1, 0], None, [0], "x", [99, 0, 1]],
    "return_index": [True, False], "optimize": [True, False, "greedy", "optimal", "nonsense", 3], "rowvar": [True, False, None, 2, "x"], "bias": [True, False, None, "x", 2],
    "tol": [None, 0.1, "x", -1.0, np.array([0.1, 0.2])], "period": [None, 3.0, 0, -2.0, "x"], "overwrite_input": [True, False], "increasing": [True, False, "x"],
    "include_initial": [True, False, "x", 1], "signature": ["dd->d", "d", None, "ff->f", "nonsense", (float, float, float)], "sig": ["d"],
}  # fmt: skip
DTYPES = [
    int,
    bool,
    complex,
    np.float16,
    np.float32,
    object,
    str,
    np.int8,
    np.uint64,
    np.longdouble,
    "M8[D]",
    "f4,f4",
    "S3",
]


def arrays(rng: np.random.Generator, x: Any) -> Any:
    """An array with something else about it: another dtype, shape, layout or numbers."""
    kind = rng.integers(12)
    if kind < 4:
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                return x.astype(DTYPES[rng.integers(len(DTYPES))])
        except (TypeError, ValueError, OverflowError):
            return x.astype(object)
    shapes = [
        (),
        (0,),
        (0, 3),
        (2, 0),
        (1,),
        (1, 1),
        (2, 3),
        (3, 2),
        (3, 3),
        (5,),
        (2, 2, 2),
        (2, 3, 4),
        (1, 0, 2),
        (2, 1),
    ]
    if kind < 8:
        return rng.uniform(0.2, 1.9, shapes[rng.integers(len(shapes))])
    if kind == 8 and x.ndim:
        return x[::-1]
    if kind == 9:
        return np.zeros(x.shape, x.dtype)
    if kind == 10 and x.size and x.dtype.kind in "fc":
        y = x.copy()
        y.flat[rng.integers(x.size)] = [np.nan, np.inf, -np.inf, -0.0, 0.0][rng.integers(5)]
        return y
    return x.T


def parameters(call: Call) -> list[Any]:
    """The names of the parameters of what is called."""
    owner = getattr(np.ndarray, call.method) if call.target is np.ndarray else call.target
    owner = getattr(np.ufunc, call.method) if isinstance(call.target, np.ufunc) and call.method else owner
    try:
        names = list(inspect.signature(owner).parameters.values())
    except (ValueError, TypeError):
        names = []
    if isinstance(call.target, np.ufunc):
        names = ["axis", "dtype", "out", "keepdims", "initial", "where"] if call.method in ("reduce", "accumulate") else (
            ["axis", "dtype", "out"] if call.method == "reduceat" else ["out", "where", "casting", "order", "dtype", "subok", "signature"])  # fmt: skip
        return [f"x{k}" for k in range(len(call.args))] * bool(names) + names
    return [
        p.name
        for p in names
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name != "like"
    ]


def outs(rng: np.random.Generator) -> Any:
    shapes = [(), (1,), (2,), (3,), (2, 3), (3, 2), (5, 7), (0,), (2, 1), (1, 3)]
    dtypes = [float, float, float, np.float32, int, complex, object, "S3"]
    one = np.zeros(shapes[rng.integers(len(shapes))], dtypes[rng.integers(len(dtypes))])
    return [one, one, one, one, (one,), (one, one), [0.0, 0.0], "x", 3.0, None, (None,), (), Thing()][rng.integers(13)]


def value_for(rng: np.random.Generator, name: str, old: Any) -> Any:
    """Another value for an argument."""
    if name == "out":
        return outs(rng)
    if name in NAMED and rng.random() < 0.8:
        return NAMED[name][rng.integers(len(NAMED[name]))]
    if isinstance(old, np.ndarray) and rng.random() < 0.75:
        return arrays(rng, old)
    if type(old) in (list, tuple) and old and rng.random() < 0.6:
        new = list(old)
        k = int(rng.integers(len(new)))
        if rng.random() < 0.3:
            del new[k]
        else:
            new[k] = value_for(rng, "", new[k])
        return new if rng.random() < 0.5 else tuple(new)
    wild = junk(rng)
    return wild[rng.integers(len(wild))]


def mutate(call: Call, rng: np.random.Generator) -> Call:
    """The call with one thing different."""
    names, args, kwargs = parameters(call), list(call.args), dict(call.kwargs)
    what = rng.random()
    if what < 0.04:
        kwargs["nonsense"] = 1
    elif what < 0.08:
        args += [junk(rng)[rng.integers(20)] for _ in range(1 + int(rng.integers(3)) * 3)]
    elif what < 0.12 and len(args) > (call.target is np.ndarray):
        args.pop()
    elif what < 0.16 and kwargs:
        del kwargs[list(kwargs)[rng.integers(len(kwargs))]]
    elif what < 0.2 and names and len(args) < len(names):
        name = names[int(rng.integers(len(names)))]
        kwargs[name] = value_for(rng, name, None)
    elif what < 0.6 and len(names) > len(args):
        options = [n for n in names[len(args) :] if n not in kwargs or rng.random() < 0.5] or names[len(args) :]
        name = options[int(rng.integers(len(options)))]
        kwargs[name] = value_for(rng, name, kwargs.get(name))
    else:
        k = int(rng.integers(len(args) + len(kwargs))) if args or kwargs else 0
        if k < len(args):
            args[k] = value_for(rng, names[k] if k < len(names) else "", args[k])
        elif kwargs:
            name = list(kwargs)[k - len(args)]
            kwargs[name] = value_for(rng, name, kwargs[name])
    return replace(call, args=tuple(args), kwargs=kwargs)


def generate(seed: int) -> Call:
    """A call, mostly with something wrong."""
    rng, table = np.random.default_rng(seed), good_calls()
    names = list(table)
    calls = table[names[seed % len(names)]]
    call = calls[rng.integers(len(calls))]
    for _ in range(int(rng.choice([0, 1, 2], p=[0.05, 0.75, 0.2]))):
        call = mutate(call, rng)
    return call


# ---- arguments


def leaves(x: Any) -> Iterator[Any]:
    """The arrays that an argument holds."""
    if isinstance(x, np.ndarray):
        yield x
    elif type(x) in (list, tuple):
        for e in x:
            yield from leaves(e)
    elif type(x) is dict:
        yield from leaves(list(x.values()))


def traceable(call: Call) -> list[int]:
    """The ids of the arrays in a call that can be traced: floating-point ones that are not ``out=``."""
    inputs = [*call.args, *(v for k, v in call.kwargs.items() if k not in ("out", "where", "dtype"))]
    found = {id(a): None for a in leaves(inputs) if a.dtype.char in "efdFD" and type(a) is np.ndarray}
    return list(found)


def put(x: Any, given: dict[int, Any], make: Callable[[Any], Any]) -> Any:
    """An argument for one run: traced arrays as given, the others as ``make`` makes them."""
    if isinstance(x, np.ndarray):
        return given[id(x)] if id(x) in given else make(x)
    if type(x) in (list, tuple):
        return type(x)(put(e, given, make) for e in x)
    if type(x) is dict:
        return {k: put(e, given, make) for k, e in x.items()}
    return x.make() if isinstance(x, Fresh) else x


def parts(y: Any, numbers: list[Any], others: list[Any]) -> None:
    """The arrays and numbers of a result, and what else there is in it."""
    if isinstance(y, (tuple, list)):
        others.append((type(y).__name__ if type(y) in (tuple, list) else "tuple", len(y)))
        for e in y:
            parts(e, numbers, others)
    elif isinstance(y, (Tracer, bool, int, float, complex)) or (
        isinstance(y, (np.ndarray, np.generic)) and y.dtype.kind in "bfciu"
    ):
        numbers.append(y)
    else:
        others.append(("str" if isinstance(y, str) else type(y).__name__, str(y)))
