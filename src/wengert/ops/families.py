"""Constructors of records, a family each: from what is declared to the rules that are derived."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.core.primitive import (
    Primitive,
    Rule,
    infer_by_running,
    reads_by_name,
    reads_everything,
    reads_nothing,
    reads_others,
    register,
)
from wengert.core.types import Aval, dtype_of, ndim_of, shape_of
from wengert.errors import UnsupportedError

# (linear function, abstract value of its argument, cotangent) -> cotangent of the argument.
# Reverse mode provides it: transposing a linear function is walking back over it.
TRANSPOSE: list[Callable[[Callable[[Any], Any], Aval, Any], Any]] = []


@functools.lru_cache(maxsize=32)
def _few_ones(n: int, char: str) -> Any:
    out = np.ones(n, char)
    out.flags.writeable = False
    return out


def ones(n: int, char: str) -> Any:
    """A vector of ones; short ones are made once."""
    return _few_ones(n, char) if n <= 4096 else np.ones(n, char)


def unbroadcast(d: Any, shape: tuple[int, ...]) -> Any:
    """Sum ``d`` over the axes along which an operand of ``shape`` was stretched: broadcasting, transposed."""
    have = shape_of(d)
    if have == shape:
        return d
    total = np.sum
    if type(d) is np.ndarray:
        total = np.add.reduce
        if len(have) == 2 and d.dtype.char in "fd" and shape != (1, 1):
            # sums of rows and columns are products with ones: two to four times as fast as a reduction
            if shape == have[1:] or shape == (1, have[1]):
                return (ones(have[0], d.dtype.char) @ d).reshape(shape)
            if shape == (have[0], 1):
                return (d @ ones(have[1], d.dtype.char)).reshape(shape)
    extra = len(have) - len(shape)
    if extra < 0:  # an assignment drops leading axes of length one
        return np.reshape(unbroadcast(d, shape[-extra:]), shape)
    if extra > 0:
        d = total(d, axis=tuple(range(extra)))
        have = have[extra:]
    axes = tuple([k for k, n in enumerate(shape) if n == 1 and have[k] != 1])
    return total(d, axis=axes, keepdims=True) if axes else d


def fit(d: Any, like: Any) -> Any:
    """Bring a cotangent to the shape of its operand, and to its real part where the operand is real."""
    if dtype_of(d).kind == "c" and dtype_of(like).kind != "c":
        d = np.real(d)
    return unbroadcast(d, shape_of(like))


def spread(t: Any, shape: tuple[int, ...]) -> Any:
    """Stretch a tangent to the shape of the output."""
    return t if shape_of(t) == shape else np.broadcast_to(t, shape)


# ---- elementwise


def elementwise(
    name: str,
    impl: Rule,
    diffs: Sequence[Rule | None],
    tex: str,
    *,
    ufunc: np.ufunc | None = None,
    infer: Rule | None = None,
    reads: Callable[[int, int], tuple[bool, ...]] | None = None,
) -> Primitive:
    """A function of each element; ``diffs[k](t, z, *operands)`` is its differential in operand k."""
    rules = tuple(diffs)

    def jvp(tangents: Sequence[Any], z: Any, operands: Sequence[Any], _params: Any) -> Any:
        total = None
        for t, diff in zip(tangents, rules, strict=True):
            if t is not None and diff is not None:
                term = diff(t, z, *operands)
                total = term if total is None else total + term
        return None if total is None else spread(total, shape_of(z))

    def vjp(g: Any, z: Any, operands: Sequence[Any], wanted: Sequence[bool], _params: Any) -> Any:
        return tuple(
            fit(diff(g, z, *operands), x) if want and diff is not None else None
            for diff, x, want in zip(rules, operands, wanted, strict=True)
        )

    def batch(batched: Sequence[bool], operands: Sequence[Any], params: dict[str, Any]) -> Any:
        return primitive(*align(batched, operands), **params)

    def infer_ufunc(*avals: Aval) -> Aval:
        assert ufunc is not None
        return infer_elementwise(ufunc, avals, operator=impl is not ufunc)

    primitive = register(
        Primitive(
            name, "elementwise", impl, infer or infer_ufunc, jvp, vjp, batch, reads or reads_by_name(rules), tex,
            diffs=rules, ufunc=ufunc,
        )
    )  # fmt: skip
    return primitive


def unary(name: str, ufunc: np.ufunc, diff: Rule, tex: str, impl: Rule | None = None) -> Primitive:
    """An elementwise ufunc of one operand."""
    return elementwise(name, impl or ufunc, (diff,), tex, ufunc=ufunc)


def binary(
    name: str, ufunc: np.ufunc, diffs: tuple[Rule | None, Rule | None], tex: str, impl: Rule | None = None
) -> Primitive:
    """An elementwise ufunc of two operands."""
    return elementwise(name, impl or ufunc, diffs, tex, ufunc=ufunc)


def align(batched: Sequence[bool], operands: Sequence[Any]) -> list[Any]:
    """Operands whose batch axes stand under one another: missing axes are put in behind axis 0."""
    ndim = max(ndim_of(x) - b for x, b in zip(operands, batched, strict=True))
    out: list[Any] = []
    for x, b in zip(operands, batched, strict=True):
        shape = shape_of(x)
        if b and len(shape) - 1 < ndim:
            x = np.reshape(x, (shape[0], *(1,) * (ndim - len(shape) + 1), *shape[1:]))
        out.append(x)
    return out


def repeated(x: Any, size: int) -> Any:
    """``x`` for each element of a batch, each lying in memory as ``x`` does, one after another.

    A broadcast view would do for the values; but results lie as their operands do, and how they lie decides
    what shares memory with them.
    """
    if type(x) is not np.ndarray:
        return np.broadcast_to(x, (size, *shape_of(x)))
    order = sorted(range(x.ndim), key=lambda k: -abs(x.strides[k]))
    out = np.empty((size, *(x.shape[k] for k in order)), x.dtype)
    stack = out.transpose(0, *(1 + order.index(k) for k in range(x.ndim)))
    stack[...] = x
    return stack


BITWISE = (np.bitwise_and, np.bitwise_or, np.bitwise_xor)  # of bools these are bools in Python too


def infer_elementwise(ufunc: np.ufunc, avals: Sequence[Aval], operator: bool) -> Aval:
    """Broadcast shape, NumPy's promotion; NumPy gives scalars for results without axes."""
    return _infer_elementwise(ufunc, tuple(avals), operator)


@functools.lru_cache(maxsize=4096)  # an unrolled loop infers the same types thousands of times
def _infer_elementwise(ufunc: np.ufunc, avals: tuple[Aval, ...], operator: bool) -> Aval:
    weak = {"f": float, "i": int, "c": complex}
    if operator and all(a.kind == "python" for a in avals) and ufunc not in BITWISE:
        weak["b"] = int  # Python computes with bools as integers
    dtypes = tuple(weak.get(a.dtype.kind, a.dtype) if a.kind == "python" else a.dtype for a in avals)
    dtype = ufunc.resolve_dtypes((*dtypes, *(None,) * ufunc.nout))[-1]  # type: ignore[arg-type]
    shape = np.broadcast_shapes(*(a.shape for a in avals))
    if operator and all(a.kind == "python" for a in avals):
        return Aval((), dtype, "python")
    return Aval(shape, dtype, "array" if shape else "scalar")


# ---- flat


def flat(
    name: str,
    impl: Rule,
    tex: str,
    *,
    ufunc: np.ufunc | None = None,
    batch: Rule | None = None,
    infer: Rule | None = None,
) -> Primitive:
    """A function whose derivative is zero wherever it exists (comparisons, rounding, positions)."""

    def jvp(*_: Any) -> None:
        return None

    def vjp(_g: Any, _z: Any, operands: Sequence[Any], *_: Any) -> Any:
        return (None,) * len(operands)

    def batch_elementwise(batched: Sequence[bool], operands: Sequence[Any], params: dict[str, Any]) -> Any:
        return primitive(*align(batched, operands), **params)

    def infer_plain(*avals: Aval, **params: Any) -> Any:
        return (
            infer_elementwise(ufunc, avals, operator=impl is not ufunc)
            if ufunc is not None
            else infer_by_running(impl, *avals, **params)
        )

    primitive = register(
        Primitive(
            name, "flat", impl, infer or infer_plain, jvp, vjp, batch or batch_elementwise, reads_nothing, tex,
            ufunc=ufunc,
        )
    )  # fmt: skip
    return primitive


# ---- linear


def linear(name: str, impl: Rule, transpose: Rule, batch: Rule, tex: str, *, infer: Rule | None = None) -> Primitive:
    """Linear in operand 0, any further operands being indices.

    ``transpose(g, x, *indices, **params)`` reads no more of ``x`` than its shape and dtype.
    """

    def jvp(tangents: Sequence[Any], _z: Any, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        return None if tangents[0] is None else primitive(tangents[0], *operands[1:], **params)

    def vjp(g: Any, _z: Any, operands: Sequence[Any], _wanted: Any, params: dict[str, Any]) -> Any:
        if len(operands) == 1:
            return (transpose(g, operands[0], **params),)
        return (transpose(g, *operands, **params), *(None,) * (len(operands) - 1))

    def reads(_k: int, n: int) -> tuple[bool, ...]:
        return (False, *(True,) * (n - 1), False)

    def infer_running(*avals: Aval, **params: Any) -> Any:
        return infer_by_running(impl, *avals, **params)

    primitive = register(Primitive(name, "linear", impl, infer or infer_running, jvp, vjp, batch, reads, tex))
    return primitive


# ---- bilinear


def multilinear(name: str, impl: Rule, transpose: Rule, batch: Rule, infer: Rule, tex: str) -> Primitive:
    """Linear in each operand by itself; ``transpose(k, g, operands, **params)`` is the transpose in operand k."""

    def jvp(tangents: Sequence[Any], _z: Any, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        total = None
        for k, t in enumerate(tangents):
            if t is not None:
                term = primitive(*operands[:k], t, *operands[k + 1 :], **params)
                total = term if total is None else total + term
        return total

    def vjp(g: Any, _z: Any, operands: Sequence[Any], wanted: Sequence[bool], params: dict[str, Any]) -> Any:
        return tuple(
            fit(transpose(k, g, operands, **params), operands[k]) if want else None for k, want in enumerate(wanted)
        )

    primitive = register(Primitive(name, "bilinear", impl, infer, jvp, vjp, batch, reads_others, tex))
    return primitive


# ---- general


def general(
    name: str,
    impl: Rule,
    *,
    jvp: Rule | None = None,
    vjp: Rule | None = None,
    batch: Rule | None = None,
    infer: Rule | None = None,
    reads: Callable[[int, int], tuple[bool, ...]] = reads_everything,
    tex: str,
    multiple: bool = False,
    family: Any = "general",
) -> Primitive:
    """An operation that declares its jvp, its vjp or both; a missing one is the other one transposed."""
    if jvp is None:
        if vjp is None:
            raise ValueError(f"{name}: a general primitive declares its jvp or its vjp")
        jvp = jvp_from_vjp(vjp)
    elif vjp is None:
        vjp = vjp_from_jvp(jvp)

    def infer_running(*avals: Aval, **params: Any) -> Any:
        return infer_by_running(impl, *avals, **params)

    primitive = register(
        Primitive(
            name, family, impl, infer or infer_running,
            jvp, vjp, batch or batch_by_loop(lambda: primitive),
            reads, tex, multiple=multiple,
        )
    )  # fmt: skip
    return primitive


def vjp_from_jvp(jvp: Rule) -> Rule:
    """Reverse mode from forward mode: the jvp is linear in the tangents; transpose it."""

    def vjp(g: Any, z: Any, operands: Sequence[Any], wanted: Sequence[bool], params: dict[str, Any]) -> Any:

        def one(k: int) -> Any:
            def push(t: Any) -> Any:
                return jvp([t if j == k else None for j in range(len(operands))], z, operands, params)

            return TRANSPOSE[0](push, Aval(shape_of(operands[k]), dtype_of(operands[k]), "array"), g)

        return tuple(one(k) if want else None for k, want in enumerate(wanted))

    return vjp


def jvp_from_vjp(vjp: Rule) -> Rule:
    """Forward mode from reverse mode: the vjp is linear in the cotangent; its transpose is the jvp."""

    def jvp(tangents: Sequence[Any], z: Any, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        total = None
        for k, t in enumerate(tangents):
            if t is None:
                continue

            def pull(g: Any, k: int = k) -> Any:
                return vjp(g, z, operands, [j == k for j in range(len(operands))], params)[k]

            term = TRANSPOSE[0](pull, Aval(shape_of(z), dtype_of(z), "array"), t)
            total = term if total is None else total + term
        return total

    return jvp


def batch_by_loop(get: Callable[[], Primitive]) -> Rule:
    """The batching that is always right: one call for each element of the batch, results stacked."""

    def batch(batched: Sequence[bool], operands: Sequence[Any], params: dict[str, Any]) -> Any:
        size = next(shape_of(x)[0] for x, b in zip(operands, batched, strict=True) if b)
        if size == 0:
            raise UnsupportedError(f"vmap of {get().name} over an empty batch axis is not supported")
        rows = [
            get()(*[x[r] if b else x for x, b in zip(operands, batched, strict=True)], **params) for r in range(size)
        ]
        if get().multiple:
            return tuple(np.stack(column) for column in zip(*rows, strict=True))
        return np.stack(rows)

    return batch
