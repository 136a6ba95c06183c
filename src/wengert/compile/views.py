"""Values that are views of others: the same memory, other strides."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from wengert.compile.affine import Affine, Symbol, of
from wengert.compile.finding import Finder
from wengert.compile.reading import UnreadableError
from wengert.core.program import Atom, Equation, Var
from wengert.ops.products import remaining

__all__ = [
    "Form", "View", "bases", "by_sums", "convolves", "form", "grouped", "operands_in_memory", "split_view", "stretch",
    "view",
]  # fmt: skip

VIEWS = frozenset(("reshape", "transpose", "broadcast_to", "getitem", "stop_gradient"))


class View(NamedTuple):
    """Whose memory it is, the position of its first element, and the stride of each axis, in elements."""

    base: Var
    offset: int
    strides: tuple[int, ...]


def view(x: Atom, made: dict[Var, Equation], stored: set[Var]) -> View | None:
    """``x`` as a view of a value that lies in memory; None where it is computed."""
    if not isinstance(x, Var) or not _is_view(x, made, stored):
        return None
    symbols = tuple(Symbol(max(n, 1)) for n in x.aval.shape)
    finder = Finder(made, stored)
    try:
        finder.read(x, tuple(map(of, symbols)))
    except UnreadableError:
        return None
    (base, position), *_ = finder.found
    return View(base, position.constant, tuple(_coefficient(position, s) for s in symbols))


def _is_view(x: Var, made: dict[Var, Equation], stored: set[Var]) -> bool:
    """Whether nothing but its place in memory lies between a value and one that is stored."""
    inner: Atom = x
    while isinstance(inner, Var) and inner not in stored:
        equation = made.get(inner)
        if equation is None or equation.primitive.name not in VIEWS or len(equation.inputs) != 1:
            return False
        inner = equation.inputs[0]
    return isinstance(inner, Var)


def _coefficient(position: Affine, symbol: Symbol) -> int:
    return position.terms.get(symbol, 0)


def grouped(sizes: list[int], strides: list[int]) -> tuple[int, int] | None:
    """Several axes as one: its length and stride; None where they are no single one."""
    axes = [(n, s) for n, s in zip(sizes, strides, strict=True) if n != 1]
    if not axes:
        return 1, 0
    size, stride = axes[-1]
    for n, s in reversed(axes[:-1]):
        if s != size * stride:
            return None
        size *= n
    return size, stride


class Form(NamedTuple):
    """``dot`` as products of m × k and k × n matrices, one for each index of ``batch``."""

    m: int
    n: int
    k: int
    batch: tuple[int, ...]
    a: View
    b: View
    strides_a: tuple[int, int]
    strides_b: tuple[int, int]
    batch_a: tuple[int, ...]
    batch_b: tuple[int, ...]
    rows: int  # axes of the result that are rows of the matrix
    columns: int


def form(equation: Equation, made: dict[Var, Equation], stored: set[Var]) -> Form | None:
    """The matrices of a ``dot``; None where an operand has to be arranged first."""
    a, b = (view(x, made, stored) for x in equation.inputs)
    if a is None or b is None:
        return None
    (ca, cb), (ba, bb) = equation.params["contract"], equation.params["batch"]
    sa, sb = (x.aval.shape for x in equation.inputs)
    fa, fb = remaining(len(sa), ca, ba), remaining(len(sb), cb, bb)

    def group(axes: tuple[int, ...], shape: tuple[int, ...], x: View) -> tuple[int, int] | None:
        return grouped([shape[k] for k in axes], [x.strides[k] for k in axes])

    m, n = group(fa, sa, a), group(fb, sb, b)
    ka, kb = group(ca, sa, a), group(cb, sb, b)
    if m is None or n is None or ka is None or kb is None:
        return None
    return Form(
        m[0], n[0], ka[0], tuple(sa[k] for k in ba), a, b, (m[1], ka[1]), (kb[1], n[1]),
        tuple(a.strides[k] for k in ba), tuple(b.strides[k] for k in bb), len(fa), len(fb),
    )  # fmt: skip


# ---- convolutions read views as well


# control flow, whose operands may be stretches of other values
LOOPS = frozenset(("call", "cond", "recompute", "scan", "while_loop"))


def stretch(x: Atom, made: dict[Var, Equation], stored: set[Var]) -> View | None:
    """``x`` as a stretch of a value in memory, element after element; None where it is none."""
    found = view(x, made, stored)
    if found is None:
        return None
    step = 1
    for n, stride in zip(reversed(x.aval.shape), reversed(found.strides), strict=True):
        if n != 1 and stride != step:
            return None
        step *= n
    return found


def operands_in_memory(equation: Equation, made: dict[Var, Equation], stored: set[Var]) -> list[Var]:
    """What has to lie in memory for a step: its operands, or what operands of a loop are stretches of."""
    found = [x for x in equation.inputs if isinstance(x, Var)]
    if equation.primitive.name not in LOOPS:
        return found
    parts = [(x, stretch(x, made, stored)) for x in found]
    return [x if part is None else part.base for x, part in parts]


def convolves(equation: Equation) -> bool:
    """Whether there is native code for a convolution."""
    types = {x.aval.dtype for x in (*equation.inputs, *equation.outputs)}
    return equation.primitive.name == "conv" and len(types) == 1 and next(iter(types)).char in "fd"


def by_sums(equation: Equation) -> bool:
    """Whether a convolution's window is larger than the places it goes to."""
    return prod(equation.inputs[1].aval.shape[:-2]) > prod(equation.outputs[0].aval.shape[1:-1])


def bases(equation: Equation, made: dict[Var, Equation], stored: set[Var]) -> list[Var]:
    """What a convolution reads from memory: what its operands are views of, where they can be such, or they."""
    (x, kernel), sums = equation.inputs, by_sums(equation)
    groups, ndim = equation.params["groups"], kernel.aval.ndim
    views = split_view(x, groups, made, stored), view(kernel, made, stored)
    if views[0] is not None and not sums:
        channels = [groups, kernel.aval.shape[-2]]
        views = views if grouped(channels, list(views[0].strides[-2:])) else (None, views[1])
    if views[1] is not None:
        high = ndim - 2 if sums else ndim - 1  # axes that have to be one
        together = grouped(list(kernel.aval.shape[:high]), list(views[1].strides[:high]))
        views = views if together else (views[0], None)
    out = [x if v is None else v.base for x, v in zip(equation.inputs, views, strict=True)]
    return list(dict.fromkeys(x for x in out if isinstance(x, Var)))


def split_view(x: Atom, groups: int, made: dict[Var, Equation], stored: set[Var]) -> View | None:
    """``x`` as a view whose last axis is two: groups of channels, and the channels of each."""
    if not isinstance(x, Var) or not x.aval.size:
        return view(x, made, stored)
    each = x.aval.shape[-1] // groups
    symbols = tuple(Symbol(n) for n in (*x.aval.shape[:-1], groups, each))
    finder = Finder(made, stored)
    *lead, g, i = map(of, symbols)
    try:
        finder.read(x, (*lead, g * each + i))
    except UnreadableError:
        return None
    if not _is_view(x, made, stored):
        return None
    (base, position), *_ = finder.found
    return View(base, position.constant, tuple(_coefficient(position, s) for s in symbols))
