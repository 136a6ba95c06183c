"""Records that are others in disguise: what they mean in NumPy's words takes their place before code is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.compile.threads import get_threads
from wengert.core.program import Equation, Program
from wengert.core.types import Aval
from wengert.ops.conv import conv
from wengert.ops.index import ARRAY, getitem, update
from wengert.ops.linalg import solve
from wengert.ops.products import einsum
from wengert.ops.random import random_bits
from wengert.rewrite.edit import Editor, everywhere
from wengert.rewrite.inline import insert
from wengert.transforms.programs import coerced, staged

__all__ = ["expanded"]

LEAST = 8  # rows of each part of a sum over rows, and columns

# the same as a function of the operands; None where it stays as it is
Meaning = Callable[..., Any]


def expanded(program: Program) -> Program:
    """A Program without records that others express."""
    return everywhere(_expand, program)


def _expand(program: Program) -> Program:
    if not any(equation.primitive.name in MEANINGS for equation in program.equations):
        return program
    editor, touched = Editor(program), False
    for equation in program.equations:
        inner = _inner(equation)
        if inner is None:
            editor.keep(equation)
        else:
            touched = True
            editor.replace(equation.outputs, insert(editor, inner, editor.inputs(equation), equation))
    return editor.finish() if touched else program


def _inner(equation: Equation) -> Program | None:
    """The Program that takes an equation's place."""
    how = MEANINGS.get(equation.primitive.name)
    avals = tuple(x.aval for x in equation.inputs)
    meaning = how(avals, **equation.params) if how is not None else None
    if meaning is None:
        return None
    out = equation.outputs[0].aval
    return staged(lambda *xs: [coerced(meaning(*xs), out)], avals, equation.primitive.name)


def _real(*avals: Aval) -> bool:
    return all(a.kind == "array" and a.dtype.kind in "iubf" and a.dtype.itemsize <= 8 for a in avals)


def _count_nonzero(avals: Sequence[Aval], *, axes: tuple[int, ...], keepdims: bool) -> Meaning | None:
    return (lambda x: np.sum(x != 0, axis=axes, keepdims=keepdims)) if _real(*avals) else None


def _sum(avals: Sequence[Aval], *, axes: tuple[int, ...], keepdims: bool) -> Meaning | None:
    """A sum over rows, of which each thread of a team has some: theirs first, then those of all."""
    (x,), parts = avals, get_threads()
    if parts == 1 or x.ndim != 2 or axes != (0,) or x.dtype.char not in "fd" or x.kind != "array":
        return None
    m, n = x.shape
    if m % parts or m < LEAST * parts or n < LEAST:
        return None

    def total(x: Any) -> Any:
        sums = np.sum(np.reshape(x, (parts, m // parts, n)), axis=1)
        found = sums[0]
        for k in range(1, parts):
            found = found + sums[k]
        return found[None] if keepdims else found

    return total


def _euclidean(avals: Sequence[Aval], *, axes: tuple[int, ...], keepdims: bool) -> Meaning | None:
    return (lambda x: np.sqrt(np.sum(x * x, axis=axes, keepdims=keepdims))) if _real(*avals) else None


def _bracket(avals: Sequence[Aval]) -> Meaning | None:
    return (lambda x, knots: np.searchsorted(knots, x, side="right") - 1) if _real(*avals) else None


def _isin(avals: Sequence[Aval], *, invert: bool = False, **_: Any) -> Meaning | None:
    x, among = avals
    if not _real(x, among) or not among.size:
        return None

    def found(x: Any, among: Any) -> Any:
        ordered = np.sort(np.ravel(among))
        at = np.minimum(np.searchsorted(ordered, x), among.size - 1)
        hit = getitem(ordered, at, index=(ARRAY,)) == x
        return ~hit if invert else hit

    return found


def _lexsort(avals: Sequence[Aval], *, axis: int) -> Meaning | None:
    if not _real(*avals) or any(a.ndim != 1 for a in avals):
        return None
    del axis

    def order(*keys: Any) -> Any:
        at = np.argsort(keys[0], kind="stable")
        for key in keys[1:]:
            at = at[np.argsort(key[at], kind="stable")]
        return at

    return order


def _convolve(avals: Sequence[Aval]) -> Meaning | None:
    a, v = avals
    if not _real(a, v) or a.dtype != v.dtype or v.ndim != 1 or a.dtype.kind != "f":
        return None

    def slid(a: Any, v: Any) -> Any:
        n = v.shape[0]
        params: dict[str, Any] = {"strides": (1,), "input_dilation": (1,), "kernel_dilation": (1,), "groups": 1}
        found = conv(np.reshape(a, (-1, a.shape[-1], 1)), v[::-1, None, None], padding=((n - 1, n - 1),), **params)
        return np.reshape(found, (*a.shape[:-1], -1))

    return slid


def _last_written(avals: Sequence[Aval], *, shape: tuple[int, ...], index: Any) -> Meaning:
    del avals

    def last(*arrays: Any) -> Any:
        places = getitem(np.zeros(shape), *arrays, index=index).shape
        order = np.reshape(np.arange(int(np.prod(places))), places)
        numbers = update(np.full(shape, -1), order, *arrays, chain=(), index=index)
        return getitem(numbers, *arrays, index=index) == order

    return last


def _searchsorted(avals: Sequence[Aval], *, side: Any) -> Meaning | None:
    """Where an order is given, the array is put in it."""
    if len(avals) < 3:
        return None
    return lambda a, v, order: np.searchsorted(getitem(a, order, index=(ARRAY,)), v, side)


def _solve(avals: Sequence[Aval], **params: Any) -> Meaning | None:
    """Stacks that stretch each other are stretched first."""
    a, b = (x.shape[:-2] for x in avals)
    stack = np.broadcast_shapes(a, b)
    if a == b or () in (a, b):
        return None

    def solved(a: Any, b: Any) -> Any:
        wide = (np.broadcast_to(x, (*stack, *x.shape[-2:])) for x in (a, b))
        return solve(*wide, **params)

    return solved


def _random_bits(avals: Sequence[Aval], **params: Any) -> Meaning | None:
    """Keys and data that stretch each other are stretched first."""
    key, data = avals
    lead = np.broadcast_shapes(key.shape[:-1], data.shape)
    if key.shape[:-1] in ((), lead) and data.shape in ((), lead):
        return None
    return lambda key, data: random_bits(np.broadcast_to(key, (*lead, 2)), np.broadcast_to(data, lead), **params)


def _einsum(avals: Sequence[Aval], *, inputs: tuple[str, ...], output: str) -> Meaning | None:
    """Of labels that an operand has twice the diagonal is read first; numbers are factors."""
    if all(len(set(labels)) == len(labels) and a.kind == "array" for labels, a in zip(inputs, avals, strict=True)):
        return None

    def product(*operands: Any) -> Any:
        pairs = zip(operands, inputs, avals, strict=True)
        taken = [_diagonal(x, labels) for x, labels, aval in pairs if aval.kind == "array"]
        found = einsum(*(x for x, _ in taken), inputs=tuple(labels for _, labels in taken), output=output)
        for x, aval in zip(operands, avals, strict=True):
            found = found if aval.kind == "array" else x * found
        return found

    return product if any(a.kind == "array" for a in avals) else None


def _diagonal(x: Any, labels: str) -> tuple[Any, str]:
    while len(set(labels)) < len(labels):
        label = next(c for c in labels if labels.count(c) > 1)
        own = [k for k, c in enumerate(labels) if c == label]
        rest = [k for k, c in enumerate(labels) if c != label]
        at = np.arange(x.shape[own[0]])
        x = getitem(np.transpose(x, (*own, *rest)), *[at] * len(own), index=(ARRAY,) * len(own))
        labels = label + "".join(labels[k] for k in rest)
    return x, labels


MEANINGS: dict[str, Callable[..., Meaning | None]] = {
    "bracket": _bracket,
    "convolve": _convolve,
    "count_nonzero": _count_nonzero,
    "einsum": _einsum,
    "euclidean": _euclidean,
    "isin": _isin,
    "last_written": _last_written,
    "lexsort": _lexsort,
    "random_bits": _random_bits,
    "searchsorted": _searchsorted,
    "solve": _solve,
    "sum": _sum,
}
