"""What an equation costs: multiply-adds, other operations, and what reverse mode keeps of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.core.program import Equation, Program, Var
from wengert.core.types import Aval, aval_of
from wengert.rewrite.edit import programs_of

__all__ = ["Kept", "Work", "kept_by", "work_of"]

# They move numbers, or leave them as they are.
MOVES = frozenset({
    "broadcast_to", "cast", "cast_to_integer", "checked", "concatenate", "conjugate", "getitem", "imag", "last_written",
    "positive", "real", "reshape", "stop_gradient", "transpose", "update", "where",
})  # fmt: skip
# One operation for each number read, not for each number given.
READS = frozenset({"any", "all", "argmax", "argmin", "count_nonzero", "cumsum", "cumprod", "scatter_add", "sum"})
# Linear, and more than one operation an element; how many depends on the algorithm.
TRANSFORMS = frozenset({"fft", "irfft", "rfft", "trigonometric"})
VIEWS = frozenset({"broadcast_to", "getitem", "transpose"})


@dataclass(frozen=True)
class Work:
    """``multiply_adds`` of products, one operation an element for the rest (``others``), and what has no formula.

    ``uncounted`` names operations such as ``cholesky``, and loops of which the length is not known, with how often
    they stand there.
    """

    multiply_adds: int = 0
    others: int = 0
    uncounted: Counter[str] = field(default_factory=Counter[str])

    def __add__(self, other: Work) -> Work:
        uncounted = self.uncounted + other.uncounted
        return Work(self.multiply_adds + other.multiply_adds, self.others + other.others, uncounted)

    def times(self, n: int) -> Work:
        """Of a loop of ``n`` turns."""
        return Work(n * self.multiply_adds, n * self.others, self.uncounted)

    @property
    def total(self) -> int:
        """Multiplications, additions and other operations together."""
        return 2 * self.multiply_adds + self.others


def work_of(equations: Iterable[Equation]) -> Work:
    """The work of some equations.

    Example:
        >>> import numpy as np
        >>> from wengert import make_program
        >>> program = make_program(lambda x, w: np.tanh(x @ w))(np.ones((5, 3)), np.ones((3, 2)))
        >>> work = work_of(program.equations)
        >>> work.multiply_adds, work.others
        (30, 10)
    """
    return sum(map(_of, equations), Work())


def _of(equation: Equation) -> Work:
    primitive, sizes = equation.primitive, [atom.aval.size for atom in equation.inputs]
    inside = [p for value in equation.params.values() for p in programs_of(value)]
    if inside:
        return _of_programs(equation, inside)
    if primitive.family == "bilinear":
        return Work(pairs(equation))
    if primitive.name in MOVES or primitive.name.startswith("random"):
        return Work()
    if primitive.family == "reduction" or primitive.name in READS:
        return Work(others=max(sizes, default=0))
    if primitive.family == "general" or primitive.name in TRANSFORMS:
        return Work(uncounted=Counter([primitive.name]))
    return Work(others=sum(var.aval.size for var in equation.outputs))


def _of_programs(equation: Equation, programs: Sequence[Program]) -> Work:
    """A loop as often as it turns; of branches the dearest."""
    name, parts = equation.primitive.name, [work_of(p.equations) for p in programs]
    if name == "scan":
        return parts[0].times(equation.params["length"])
    if name == "while_loop":
        return sum(parts, Work(uncounted=Counter(["while_loop (one turn is counted)"])))
    return max(parts, key=lambda work: work.total)


def pairs(equation: Equation) -> int:
    """The pairs of factors of a product."""
    avals, params = [atom.aval for atom in equation.inputs], equation.params
    out, name = equation.outputs[0].aval, equation.primitive.name
    if name == "matmul":
        return out.size * avals[0].shape[-1]
    if name == "dot":
        return out.size * math.prod(avals[0].shape[k] for k in params["contract"][0])
    if name == "conv":
        return out.size * math.prod(avals[1].shape[:-1])
    if name == "einsum":
        return _of_einsum(avals, params["inputs"], params["output"])
    return math.prod(aval.size for aval in avals)


def _of_einsum(avals: Sequence[Aval], inputs: Sequence[str], output: str) -> int:
    """Of several operands pair by pair, in the order in which NumPy contracts them."""
    sizes: dict[str, int] = {}
    for labels, aval in zip(inputs, avals, strict=True):
        for label, n in zip(labels, aval.shape, strict=True):
            sizes[label] = max(n, sizes.get(label, 1))
    if len(avals) <= 2:
        return math.prod(sizes.values()) if len(avals) == 2 else 0
    stand_ins = [np.broadcast_to(np.zeros((), aval.dtype), aval.shape) for aval in avals]
    steps = np.einsum_path(f"{','.join(inputs)}->{output}", *stand_ins, optimize=True)[0][1:]
    terms, total = list(inputs), 0
    for step in steps:
        taken = [terms.pop(k) for k in sorted(step, reverse=True)]
        joined = dict.fromkeys("".join(taken))
        total += (len(taken) > 1) * math.prod(sizes[label] for label in joined)
        terms.append("".join(c for c in joined if c in output or any(c in term for term in terms)))
    return total


# ---- what is kept for the backward pass


@dataclass
class Kept:
    """For each variable that an equation made how many bytes of it are kept, and what loops keep besides.

    ``residuals`` are, by the place of the equation in the list, the bytes that a loop or a call keeps of its inside.
    """

    values: dict[Var, int] = field(default_factory=dict[Var, int])
    residuals: dict[int, int] = field(default_factory=dict[int, int])


def size_in_bytes(aval: Aval) -> int:
    """The memory of a value."""
    return aval.size * aval.dtype.itemsize


def kept_by(equations: Sequence[Equation], learned: set[Var]) -> Kept:
    """What reverse mode keeps from these equations until it walks back to ``learned``.

    Each record says which operands, or whether the output, its rule reads. A view keeps what it is a view of; a value
    that several rules read is kept once. Inputs and constants are not counted: they are there anyway.
    """
    kept, active, memory = Kept(), set(learned), _Memory()
    for n, equation in enumerate(equations):
        wanted = tuple(atom in active for atom in equation.inputs)
        memory.add(equation)
        if any(wanted):
            read, kept.residuals[n], passing = _read_by(equation, wanted)
            active.update(passing)
            roots = {memory.root(atom) for atom in read if isinstance(atom, Var)} & memory.made
            kept.values.update({root: size_in_bytes(root.aval) for root in roots})
    return kept


class _Memory:
    """Where variables lie: ``made`` are those with memory of their own."""

    def __init__(self) -> None:
        self.made: set[Var] = set()
        self.of: dict[Var, Var] = {}
        self.turned: set[Var] = set()  # views that do not lie row by row: a reshape of them is a copy

    def root(self, var: Var) -> Var:
        """The variable whose memory this one lies in."""
        return self.of.get(var, var)

    def add(self, equation: Equation) -> None:
        """Place the outputs of an equation."""
        if not self.is_view(equation):
            self.made.update(equation.outputs)
            return
        (source, *_), (var,) = equation.inputs, equation.outputs
        assert isinstance(source, Var)
        self.of[var] = self.root(source)
        if equation.primitive.name != "reshape":
            self.turned.add(var)

    def is_view(self, equation: Equation) -> bool:
        """Whether NumPy gives a view."""
        name, (source, *more) = equation.primitive.name, equation.inputs or (None,)
        if not isinstance(source, Var) or more or not equation.outputs[0].aval.ndim:
            return False
        return name in VIEWS or (name == "reshape" and source not in self.turned)


def _read_by(equation: Equation, wanted: tuple[bool, ...]) -> tuple[list[Any], int, list[Var]]:
    """What the walk back will read: atoms, bytes beside them, and the outputs that a derivative passes through."""
    primitive, outputs = equation.primitive, equation.outputs
    differentiable = [var for var in outputs if var.aval.dtype.kind in "fc"]
    if primitive.augment is not None:
        return _read_by_augmented(equation, wanted)
    mask = () if primitive.flat else primitive.kept(wanted)
    if not mask:
        return [], 0, []
    read: list[Any] = [atom for atom, keep in zip(equation.inputs, mask, strict=False) if keep]
    return [*read, *(outputs if mask[-1] else ())], 0, differentiable


def _read_by_augmented(equation: Equation, wanted: tuple[bool, ...]) -> tuple[list[Any], int, list[Var]]:
    primitive, avals = equation.primitive, tuple(atom.aval for atom in equation.inputs)
    assert primitive.augment is not None
    form = primitive.augment(avals, wanted, equation.params)
    outs = primitive.infer(*avals, *map(aval_of, form.more), **form.params)
    read: list[Any] = [atom for atom, keep in zip(equation.inputs, form.reads, strict=True) if keep]
    read += [equation.outputs[k] for k in form.sources if k < len(equation.outputs)]
    passing = [var for var, active in zip(equation.outputs, form.active, strict=False) if active]
    return read, sum(map(size_in_bytes, outs[form.outputs :])), passing
