"""Operands at which the laws are tried, by the name of a record or, for ufuncs, by family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from tests.ops import (
    _control,
    _convolution,
    _fft,
    _linear_algebra,
    _matrix_functions,
    _order,
    _random,
    _special,
    _special_parameters,
)

from wengert.core.primitive import Primitive
from wengert.extend._sample import Sample, generator
from wengert.ops.index import ARRAY


def spread(rng: np.random.Generator, shape: tuple[int, ...], low: float, high: float) -> Any:
    """Numbers between two bounds, no two of which nearly tie, in random order."""
    n = int(np.prod(shape))
    values = low + (high - low) * (np.arange(n) + rng.uniform(0.2, 0.8, n)) / max(n, 1)
    return rng.permutation(values).reshape(shape)


# ---- elementwise ufuncs, by family: the intervals from which their operands come

DEFAULT = (-1.7, 1.8)
DOMAIN: dict[str, tuple[tuple[float, float], ...]] = {
    "divide": (DEFAULT, (0.4, 2.1)),
    "reciprocal": ((0.3, 2.2),),
    "power": ((0.3, 2.0), (-2.3, 2.6)),
    "float_power": ((0.3, 2.0), (-2.3, 2.6)),
    "log": ((0.2, 3.0),), "log2": ((0.2, 3.0),), "log10": ((0.2, 3.0),), "log1p": ((-0.7, 2.0),),
    "sqrt": ((0.2, 3.0),), "cbrt": ((0.3, 3.0),),
    "tan": ((-1.2, 1.2),), "arcsin": ((-0.9, 0.9),), "arccos": ((-0.9, 0.9),),
    "arccosh": ((1.2, 3.0),), "arctanh": ((-0.9, 0.9),),
    "arctan2": ((-1.7, -0.3), (0.4, 1.8)),
    "hypot": ((-1.7, -0.3), (0.4, 1.8)),
    "fmod": ((-2.1, -1.5), (1.1, 1.3)), "remainder": ((-2.1, -1.5), (1.1, 1.3)),
    "floor_divide": ((-4.9, 5.2), (1.1, 1.3)),
    "copysign": ((0.2, 1.7), (-1.5, -0.3)),
    "heaviside": ((0.2, 1.7), (-1.5, -0.3)),
}  # fmt: skip

# functions that NumPy computes of complex numbers too, and that are holomorphic where they are sampled
HOLOMORPHIC = frozenset(
    [
        "add",
        "subtract",
        "multiply",
        "divide",
        "negative",
        "positive",
        "square",
        "reciprocal",
        "power",
        "exp",
        "exp2",
        "expm1",
        "log",
        "log2",
        "log10",
        "log1p",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "arcsin",
        "arccos",
        "arctan",
        "sinh",
        "cosh",
        "tanh",
        "arcsinh",
        "arccosh",
        "arctanh",
        "sum",
        "cumsum",
        "prod",
        "cumprod",
        "matmul",
        "einsum",
        "dot",
        "reshape",
        "transpose",
        "broadcast_to",
        "concatenate",
        "getitem",
        "scatter_add",
        "update",
        "recurrence",
        "float_power",
    ]
)


def of_ufunc(record: Primitive) -> list[Sample]:
    """Samples for a record with a ufunc: every way in which shapes broadcast, numbers, and empty arrays."""
    assert record.ufunc is not None
    rng = generator(record.name)
    if not any(t.startswith("d" * record.ufunc.nin) for t in record.ufunc.types):
        return _of_integers(record, rng)
    bounds = DOMAIN.get(record.name, (DEFAULT, (-1.6, 1.9)))

    def draw(k: int, shape: tuple[int, ...]) -> Any:
        return spread(rng, shape, *bounds[k % len(bounds)])

    def sample(*operands: Any) -> Sample:
        return Sample(operands, complex_step=record.name in HOLOMORPHIC)

    if record.ufunc.nin == 1:
        number = float(draw(0, (1,))[0])
        arrays = [draw(0, (2, 3)), draw(0, (3, 2)).T, draw(0, (0,)), np.asarray(number)]
        return [sample(x) for x in (*arrays, np.float64(number), number)]
    x, y = float(draw(0, (1,))[0]), float(draw(1, (1,))[0])
    shapes = [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((1,), (2, 2)), ((3,), (2, 1)), ((0, 2), (2,))]
    return [
        *(sample(draw(0, a), draw(1, b)) for a, b in shapes),
        sample(draw(0, (2, 2)), y), sample(x, draw(1, (2, 2))), sample(np.float64(x), draw(1, (2,))),
        sample(draw(0, (2,)), np.asarray(y)), sample(x, np.float64(y)), sample(x, y),
    ]  # fmt: skip


def _of_integers(record: Primitive, rng: np.random.Generator) -> list[Sample]:
    """For ufuncs of integers alone (bits, shifts, gcd), and of a float and an integer (ldexp)."""
    first: Any = rng.integers(1, 7, (2, 3))
    if any(t.startswith("d") for t in record.ufunc.types):  # type: ignore[union-attr]
        first = spread(rng, (2, 3), -1.5, 1.6)
    if record.ufunc.nin == 1:  # type: ignore[union-attr]
        return [Sample((first,)), Sample((first > 3,))]
    second = rng.integers(1, 5, 3)
    return [Sample((first, second)), Sample((first[:, :1], second)), Sample((first, 2)), Sample((first[0, 0], 3))]


# ---- the other records, by name


def _array(name: str, shape: tuple[int, ...], low: float = -1.7, high: float = 1.9) -> Any:
    return spread(generator(name + str(shape)), shape, low, high)


def _complex(name: str, shape: tuple[int, ...]) -> Any:
    return _array(name, shape) + 1j * _array(name + "i", shape)


def _over(name: str, *, keep: Sequence[bool] = (False, True), **options: Any) -> list[Sample]:
    x = _array(name, (2, 3, 4), 0.3, 1.8)
    axes = [(0,), (1,), (2,), (0, 2), (0, 1, 2), (1, 2)]
    samples = [Sample((x,), {"axes": a, "keepdims": k}, bound=30.0, **options) for a in axes for k in keep]
    number = Sample((1.5,), {"axes": (), "keepdims": False}, **options)
    return [*samples, number, Sample((x[0].T,), {"axes": (0,), "keepdims": False}, bound=30.0, **options)]


def _along(name: str, **params: Any) -> list[Sample]:
    x = _array(name, (2, 3, 4), 0.4, 1.7)
    return [
        *(Sample((x,), {"axis": k, **params}, bound=30.0, complex_step=name in HOLOMORPHIC) for k in (0, 1, 2)),
        Sample((x[0, 0],), {"axis": 0, **params}, bound=30.0),
    ]


def _moves(*samples: tuple[Any, dict[str, Any]]) -> list[Sample]:
    return [Sample(x if isinstance(x, tuple) else (x,), p, complex_step=True) for x, p in samples]


_M = np.array([[True, False, True], [False, False, True]])
_X23, _X34, _X3, _X4 = _array("x", (2, 3)), _array("y", (3, 4)), _array("z", (3,)), _array("u", (4,))
_X234 = _array("v", (2, 3, 4))
_I = np.array([0, 2, 2, 1])
_J = np.array([[1, 0], [0, 1]])
_S = slice(None)


def _indices() -> list[tuple[tuple[int, ...], tuple[Any, ...], tuple[Any, ...]]]:
    """Shape, template and index arrays: every kind of index, with arrays that repeat and that stand apart."""
    one, two = np.array([1, 0, 1]), np.array([2, 0, 2])
    return [
        ((4,), (2,), ()), ((4,), (slice(1, 3),), ()), ((2, 3), (1,), ()), ((2, 3), (_S, slice(None, None, -2)), ()),
        ((2, 3, 4), (Ellipsis, 1), ()), ((2, 3, 4), (1, None, _S, 2), ()), ((2, 3, 4), (None, Ellipsis, None), ()),
        ((2, 3), (1, 2), ()), ((2, 3, 4), (slice(0, 0),), ()), ((2, 3), (Ellipsis,), ()),
        ((4,), (ARRAY,), (_I,)), ((4,), (ARRAY,), (np.array(3),)), ((4,), (ARRAY,), (np.array([-1, 0]),)),
        ((2, 3), (ARRAY, ARRAY), (one, two)), ((2, 3), (_S, ARRAY), (_I,)), ((2, 3), (ARRAY, _S), (_J,)),
        ((2, 3, 4), (ARRAY, _S, ARRAY), (one, two)), ((2, 3, 4), (_S, ARRAY, ARRAY), (one, two)),
        ((2, 3, 4), (ARRAY, _S, 2), (one,)), ((2, 3, 4), (1, ARRAY, _S), (one,)), ((2, 3, 4), (Ellipsis, ARRAY), (_J,)),
        ((2, 3, 4), (None, ARRAY, _S, ARRAY), (_J, two[:2])), ((2, 3, 4), (_S, ARRAY, slice(1, 3)), (_I,)),
        ((2, 3), (ARRAY,), (np.zeros(0, int),)), ((2, 3, 4), (slice(1, 2), None, ARRAY, 3), (one,)),
    ]  # fmt: skip


def _getitems() -> list[Sample]:
    return _moves(*(((_array("get", s), *arrays), {"index": t}) for s, t, arrays in _indices()))


def _scatters() -> list[Sample]:
    out: list[Sample] = []
    for shape, template, arrays in _indices():
        at = iter(arrays)
        part = np.zeros(shape)[tuple(next(at) if e is ARRAY else e for e in template)]
        g = _array("scatter", np.shape(part)) if np.ndim(part) else np.float64(0.7)
        out.append(Sample((g, *arrays), {"shape": shape, "index": template}, complex_step=True, bound=8.0))
    return out


CHAINS: list[tuple[tuple[int, ...], tuple[Any, ...], tuple[Any, ...]]] = [
    ((4,), (), (slice(1, 3),)),
    ((2, 3), (("transpose", (1, 0)),), (1,)),
    ((2, 3), (("reshape", (6,)),), (slice(None, None, 2),)),
    ((2, 3, 4), (("index", (_S, 1)), ("transpose", (1, 0)), ("index", slice(1, 3))), (Ellipsis, 0)),
    ((2, 3, 4), (("index", 1), ("reshape", (2, 6))), (0, slice(None, None, -1))),
    ((3, 3), (("einsum", "aa->a"),), (slice(0, 2),)),
    ((2, 3), (("einsum", "ab->ba"), ("index", (None, Ellipsis))), (0, 2)),
]


def _updates() -> list[Sample]:
    out: list[Sample] = []
    for shape, template, arrays in _indices():
        at = iter(arrays)
        part = np.zeros(shape)[tuple(next(at) if e is ARRAY else e for e in template)]
        params = {"chain": (), "index": template}
        x, v = _array("update", shape), _array("value", np.shape(part))
        out.append(Sample((x, v if np.ndim(part) else np.float64(0.3), *arrays), params, complex_step=True))
        out.append(Sample((x, 0.7, *arrays), params, complex_step=True))
    for shape, chain, index in CHAINS:
        params = {"chain": chain, "index": index}
        out.append(Sample((_array("chain", shape), 1.3), params, complex_step=True))
    x = _array("chain", (2, 3))
    stretched = {"chain": (), "index": (_S,)}
    row, long = _array("row", (1, 3)), _array("long", (1, 1, 3))
    return [*out, *(Sample((x, v), stretched, complex_step=True) for v in (row[0], row, long))]


def _dot(a: Any, b: Any, contract: Any, batch: Any = ((), ())) -> Sample:
    return Sample((a, b), {"contract": contract, "batch": batch}, complex_step=True, bound=30.0)


def _dot_by_einsum(a: Any, b: Any, *, contract: Any, batch: Any) -> Any:
    """The same product, with letters for the axes."""
    first, second = (list(range(20 * k, 20 * k + np.ndim(x))) for k, x in enumerate((a, b)))
    for i, j in zip((*contract[0], *batch[0]), (*contract[1], *batch[1]), strict=True):
        second[j] = first[i]
    taken = [first[i] for i in (*contract[0], *batch[0])]
    out = [*(first[i] for i in batch[0]), *(k for k in (*first, *second) if k not in taken)]
    return np.einsum(a, first, b, second, out)


def _einsum(text: str, *operands: Any) -> Sample:
    left, output = text.split("->")
    params = {"inputs": tuple(left.split(",")), "output": output}
    return Sample(operands, params, complex_step=True, bound=40.0)


_A33, _B33 = _array("A", (3, 3)), _array("B", (3, 3))

EXPLICIT: dict[str, Callable[[], list[Sample]]] = {
    "where": lambda: [
        Sample((_M, _X23, 2 * _X23)), Sample((_M, _X3, 0.5)), Sample((_M[:, :1], _X3, _X23)),
        Sample((True, 0.3, 0.4)), Sample((_M[0], 1.0, np.float64(2.0))), Sample((_M, _X23, np.asarray(1.5))),
    ],
    "absolute": lambda: [Sample((_X23,)), Sample((-0.7,)), Sample((_complex("abs", (2, 3)),))],
    "conjugate": lambda: [Sample((_X23,)), Sample((0.7,)), Sample((_complex("conj", (2, 3)),)), Sample((np.complex128(1 + 2j),))],
    "real": lambda: [Sample((_X23,)), Sample((0.7,)), Sample((_complex("re", (2, 3)),)), Sample((np.complex128(1 + 2j),))],
    "imag": lambda: [Sample((_X23,)), Sample((0.7,)), Sample((_complex("im", (2, 3)),)), Sample((np.complex128(1 + 2j),))],
    "cast": lambda: [Sample((_X23,), {"dtype": np.dtype(d)}) for d in (float, np.longdouble, complex)]
    + [Sample((np.float64(0.3),), {"dtype": np.dtype(float)})],
    "cast_to_integer": lambda: [Sample((_X23,), {"dtype": np.dtype(d)}) for d in (int, bool, np.int8)],
    "stop_gradient": lambda: [Sample((_X23,)), Sample((np.float64(1.3),)), Sample((0.7,))],
    "frexp_exponent": lambda: [Sample((_X23,)), Sample((np.float64(1.3),))],
    "sum": lambda: _over("sum", complex_step=True),
    "prod": lambda: _over("prod", complex_step=True),
    "max": lambda: _over("max"), "min": lambda: _over("min"),
    "any": lambda: _over("any"), "all": lambda: _over("all"),
    "argmax": lambda: _over("argmax"), "argmin": lambda: _over("argmin"),
    "count_nonzero": lambda: [s for s in _over("count_nonzero") if s.params["axes"]],
    "cumsum": lambda: _along("cumsum"), "cumprod": lambda: _along("cumprod"),
    "argsort": lambda: _along("argsort"),
    "argpartition": lambda: [s for s in _along("argpartition", kth=1) if s.operands[0].shape[s.params["axis"]] > 1],
    "recurrence": lambda: [
        Sample((_X234, _array("b", (2, 3, 4))), {"axis": k}, complex_step=True, bound=60.0) for k in (0, 1, 2)
    ],
    "reshape": lambda: _moves((_X23, {"shape": (3, 2)}), (_X23.T, {"shape": (6,)}), (_X23, {"shape": (1, 2, 3, 1)}),
                              (np.float64(0.3), {"shape": (1, 1)}), (np.float64(0.3), {"shape": ()}), (0.7, {"shape": (1,)}), (np.ones((0, 2)), {"shape": (2, 0)})),
    "transpose": lambda: _moves((_X23, {"axes": (1, 0)}), (_X234, {"axes": (2, 0, 1)}), (_X3, {"axes": (0,)})),
    "broadcast_to": lambda: _moves((_X3, {"shape": (2, 3)}), (_X23[:, :1], {"shape": (2, 3)}), (0.7, {"shape": (2,)}),
                                   (np.float64(0.3), {"shape": ()}), (_X23, {"shape": (2, 3)}), (0.7, {"shape": (0, 2)})),
    "concatenate": lambda: _moves(((_X23, 2 * _X23), {"axis": 0}), ((_X23, _X23[:, :1], _X23), {"axis": 1}),
                                  ((_X3,), {"axis": 0}), ((_X234, np.ones((2, 3, 0))), {"axis": 2}),
                                  ((_X3, _complex("join", (2,))), {"axis": 0})),
    "getitem": _getitems, "scatter_add": _scatters, "update": _updates,
    "last_written": lambda: [
        Sample(arrays, {"shape": shape, "index": t}) for shape, t, arrays in _indices() if arrays
    ],
    "matmul": lambda: [
        Sample((x, y), complex_step=True, bound=40.0)
        for x, y in ((_X23, _X34), (_X3, _X34), (_X23, _X3), (_X3, 2 * _X3), (_X234, _X4), (_X234, _X34.T),
                     (_X3, _X234), (_X234[:, None], _array("w", (5, 4, 2))), (np.ones((2, 0)), np.ones((0, 3))))
    ],
    "dot": lambda: [
        _dot(_X23, _X34, ((1,), (0,))), _dot(_X23.T, _X34.T, ((0,), (1,))), _dot(_X23, _X23, ((0, 1), (0, 1))),
        _dot(_X234, _array("dot", (4, 5, 3)), ((1, 2), (2, 0))), _dot(_X3, _X4, ((), ())),
        _dot(_X234, _array("dot", (4, 2, 2)), ((2,), (0,)), ((0,), (2,))),
        _dot(_X234, _array("dot", (3, 2, 4)), ((2,), (2,)), ((1, 0), (0, 1))),
        _dot(_X23, _X23, ((), ()), ((0, 1), (0, 1))), _dot(_X3, _X34, ((0,), (0,))), _dot(np.float64(1.5), _X3, ((), ())),
    ],
    "einsum": lambda: [
        _einsum("ij,jk->ik", _X23, _X34), _einsum("ij->ji", _X23), _einsum("ij->", _X23), _einsum("ij->j", _X23),
        _einsum("ii->i", _A33), _einsum("ii->", _A33), _einsum("ij,ij->", _A33, _B33), _einsum("i,j->ij", _X3, _X4),
        _einsum("iij,jk->ik", _array("t", (2, 2, 3)), _X34), _einsum("ij,jk,k->i", _X23, _X34, _X4),
        _einsum("aij,ajk->aik", _X234, _array("s", (2, 4, 2))), _einsum("ij,ij->ij", _X23[:1], _X23),
        _einsum("ij,kj->", _X23, _X23), _einsum("ij,k->i", _X23, _X4), _einsum("i,i,i->i", _X3, 2 * _X3, _X3),
        _einsum("ii,ij->j", _A33, _B33),
    ],
}  # fmt: skip

TABLES: Sequence[Any] = (
    _order, _linear_algebra, _matrix_functions, _special, _special_parameters, _fft, _convolution, _control, _random,
)  # fmt: skip


def samples(record: Primitive) -> list[Sample]:
    """The samples of a record; none where nobody has written any."""
    if record.name in EXPLICIT:
        return EXPLICIT[record.name]()
    for table in TABLES:
        if record.name in table.SAMPLES:
            return [Sample(operands, params, bound=1e4) for operands, params in table.SAMPLES[record.name]]
    return of_ufunc(record) if record.ufunc is not None else []


# ---- what NumPy computes, for records that carry no ufunc


def _at(template: Any, arrays: Any) -> Any:
    rest = iter(arrays)
    return tuple(next(rest) if entry is ARRAY else entry for entry in template)


def _numpy_scatter(g: Any, *arrays: Any, shape: Any, index: Any) -> Any:
    out = np.zeros(shape, np.asarray(g).dtype)
    np.add.at(out, _at(index, arrays), g)
    return out


def _numpy_view(x: Any, chain: Any) -> Any:
    for kind, what in chain:
        x = {"index": lambda x, w: x[w], "transpose": np.transpose, "reshape": np.reshape,
             "einsum": lambda x, w: np.einsum(w, x)}[kind](x, what)  # fmt: skip
    return x


def _numpy_update(x: Any, v: Any, *arrays: Any, chain: Any, index: Any) -> Any:
    out = np.array(x)
    _numpy_view(out, chain)[_at(index, arrays)] = v
    return out


def _numpy_recurrence(a: Any, b: Any, axis: int) -> Any:
    a, b = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
    s = [b[0]]
    for k in range(1, len(a)):
        s.append(a[k] * s[-1] + b[k])
    return np.moveaxis(np.stack(s), 0, axis)


def _numpy_last(*arrays: Any, shape: Any, index: Any) -> Any:
    places = np.arange(np.prod(shape)).reshape(shape)[_at(index, arrays)]
    last = {int(place): k for k, place in enumerate(np.ravel(places))}
    return np.array([last[int(p)] == k for k, p in enumerate(np.ravel(places))], bool).reshape(np.shape(places))


def _reduces(f: Any) -> Any:
    def run(x: Any, axes: Any, keepdims: Any) -> Any:
        if len(axes) == np.ndim(x):
            return f(x, keepdims=keepdims)
        moved = np.moveaxis(x, axes, range(-len(axes), 0)).reshape(
            *[n for k, n in enumerate(x.shape) if k not in axes], -1
        )
        out = f(moved, axis=-1)
        return np.expand_dims(out, axes) if keepdims else out

    return run


NUMPY: dict[str, Callable[..., Any]] = {
    **{name: oracle for table in TABLES for name, oracle in table.ORACLES.items()},
    "where": np.where, "absolute": np.absolute, "conjugate": np.conjugate, "real": np.real, "imag": np.imag,
    "cast": lambda x, dtype: np.asarray(x).astype(dtype)[()],
    "cast_to_integer": lambda x, dtype: np.asarray(x).astype(dtype)[()],
    "stop_gradient": lambda x: x, "frexp_exponent": lambda x: np.frexp(x)[1],
    **{name: _reduces(getattr(np, name)) for name in
       ("sum", "prod", "max", "min", "any", "all", "argmax", "argmin", "count_nonzero")},
    "cumsum": np.cumsum, "cumprod": np.cumprod,
    "argsort": np.argsort, "argpartition": lambda x, axis, kth: np.argpartition(x, kth, axis),
    "recurrence": _numpy_recurrence,
    "reshape": lambda x, shape: np.reshape(x, shape), "transpose": lambda x, axes: np.transpose(x, axes),
    "broadcast_to": lambda x, shape: np.broadcast_to(x, shape),
    "concatenate": lambda *xs, axis: np.concatenate(xs, axis),
    "getitem": lambda x, *arrays, index: x[_at(index, arrays)],
    "scatter_add": _numpy_scatter, "update": _numpy_update, "last_written": _numpy_last,
    "matmul": np.matmul,
    "dot": _dot_by_einsum,
    "einsum": lambda *xs, inputs, output: np.einsum(",".join(inputs) + "->" + output, *xs),
}  # fmt: skip
