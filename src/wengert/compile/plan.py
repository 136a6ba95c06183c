"""The plan of a Program's machine code: which values lie in memory, and which are computed in one loop.

Every equation is *virtual* (read element by element by whoever wants it) or makes a *unit*: a value with memory of its
own. Units that run over the same elements share a loop nest (:class:`Nest`); a product takes along what is done with
each of its elements; whatever has no code here is a call of its NumPy implementation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, final

from wengert.compile.affine import Affine, Symbol, of, row_major
from wengert.compile.finding import Finder
from wengert.compile.reading import UnreadableError, iota, is_virtual, reduces
from wengert.compile.storing import choose, multiplies, settle, tree_cost
from wengert.compile.views import bases, convolves, form, operands_in_memory, view
from wengert.core.program import Atom, Equation, Program, Var

if TYPE_CHECKING:
    from wengert.compile.sharing import Share

__all__ = ["Kernel", "Nest", "Plan", "Product", "Step", "Unit", "plan", "symbols_for"]

EPILOGUE = 12  # what a product does with its elements in registers


@final
@dataclass(eq=False)
class Unit:
    """A value with memory of its own, and how it is made: 'map' (each element by itself), 'reduce', 'product', 'step'.

    ``shape`` is what its loop runs over; ``axes`` are those that a reduction takes away.
    """

    kind: str
    equation: Equation
    shape: tuple[int, ...]
    axes: tuple[int, ...] = ()

    @property
    def var(self) -> Var:
        """The value."""
        return self.equation.outputs[0]


@final
@dataclass(eq=False)
class Nest:
    """Units that run over elements of one shape; axes from ``inner`` on are the inner loop.

    ``whole`` are the units of the nest that this one is a part of: its loops have the form that theirs would have, so
    that sums are taken in the same order.
    """

    shape: tuple[int, ...]
    symbols: tuple[Symbol, ...]
    units: list[Unit] = field(default_factory=list[Unit])
    inner: int | None = None
    kept: set[Var] = field(default_factory=set[Var])  # what is written to memory
    whole: list[Unit] | None = None
    flat: bool = False  # all that it reads has its own shape, or none: it is one line

    @property
    def vars(self) -> list[Var]:
        """What is computed here."""
        return [u.var for u in self.units]


@final
@dataclass(eq=False)
class Product:
    """A matrix product, and units that are computed from each of its elements."""

    unit: Unit
    symbols: tuple[Symbol, ...]
    units: list[Unit] = field(default_factory=list[Unit])
    kept: set[Var] = field(default_factory=set[Var])

    @property
    def vars(self) -> list[Var]:
        """What is computed here."""
        return [self.unit.var, *(u.var for u in self.units)]


@final
@dataclass(eq=False)
class Step:
    """One equation by itself: control flow, a scatter, a join, or a call of its NumPy implementation."""

    equation: Equation

    @property
    def vars(self) -> list[Var]:
        """What is computed here."""
        return list(self.equation.outputs)


Kernel = Nest | Product | Step


@final
@dataclass
class Plan:
    """Kernels in the order in which they run, and what every kernel reads from memory."""

    program: Program
    kernels: list[Kernel]
    stored: set[Var]
    made: dict[Var, Equation]
    reads: list[dict[Var, None]]
    cuts: dict[int, Share] = field(default_factory=dict[int, "Share"])  # how threads share them, by id, once settled

    @property
    def results(self) -> set[Var]:
        """What the Program gives, as far as it is computed."""
        return {a for a in self.program.outputs if isinstance(a, Var)}


# ---- units and their places


def _units(program: Program, made: dict[Var, Equation], stored: set[Var]) -> Iterator[Unit]:
    for equation in program.equations:
        if is_virtual(equation, made):
            if equation.outputs[0] in stored:
                yield Unit("map", equation, equation.outputs[0].aval.shape)
        elif reduces(equation):
            x = equation.inputs[0]
            yield Unit("reduce", equation, x.aval.shape, tuple(equation.params["axes"]))
        elif multiplies(equation) and form(equation, made, stored) is not None:
            yield Unit("product", equation, equation.outputs[0].aval.shape)
        else:
            yield Unit("step", equation, ())


@final
class _Placing:
    """Puts units into kernels, one after another."""

    def __init__(self, made: dict[Var, Equation], stored: set[Var], shared: bool, results: set[Var]) -> None:
        self.made, self.stored, self.shared, self.results = made, stored, shared, results
        self.kernels: list[Kernel] = []
        self.place: dict[Var, int] = {}
        self.units: dict[Var, Unit] = {}

    def reads(self, unit: Unit, symbols: Sequence[Symbol]) -> list[tuple[Var, Affine]]:
        """What a unit reads from memory, and where, as its loop variables run."""
        finder = Finder(self.made, self.stored)
        index = tuple(map(of, symbols))
        if unit.kind == "reduce":
            finder.read(unit.equation.inputs[0], index)
        elif unit.kind == "map":
            finder.virtual(unit.equation, index)
        return finder.found

    def put(self, unit: Unit) -> None:
        """Into the first kernel that can take it, or into a new one."""
        if unit.kind == "step" or unit.kind == "product":
            kernel: Kernel = (
                Step(unit.equation) if unit.kind == "step" else Product(unit, tuple(Symbol(n) for n in unit.shape))
            )
            self.kernels.append(kernel)
            self.settle(unit, len(self.kernels) - 1)
            return None
        found = self.reads(unit, tuple(Symbol(n) for n in unit.shape))
        first = max((self.place[v] for v, _ in found if v in self.place), default=0)
        for at in range(first, len(self.kernels)):
            kernel = self.kernels[at]
            if isinstance(kernel, Nest) and self.joins(unit, kernel, at):
                kernel.units.append(unit)
                return self.settle(unit, at)
            if isinstance(kernel, Product) and self.follows(unit, kernel, at):
                kernel.units.append(unit)
                return self.settle(unit, at)
        nest = Nest(unit.shape, tuple(Symbol(n) for n in unit.shape), [unit])
        nest.inner = _inner(unit)
        self.kernels.append(nest)
        return self.settle(unit, len(self.kernels) - 1)

    def settle(self, unit: Unit, at: int) -> None:
        for var in unit.equation.outputs:
            self.place[var] = at
            self.units[var] = unit

    def joins(self, unit: Unit, nest: Nest, at: int) -> bool:
        """Whether a nest can take a unit: it runs over the same elements and reads what is there by then."""
        symbols = symbols_for(unit, nest)
        if symbols is None or len(nest.units) >= 24:
            return False
        inner = _inner(unit)
        if self.shared and (_over(unit) == "columns") != (_over(nest.units[0]) == "columns"):
            return False  # threads cut sums over rows another way than the rows themselves
        if self.shared and (unit.var in self.results) != (nest.units[0].var in self.results) and _is_vector(unit):
            return False  # what is no result each thread may compute for itself
        if self.shared and not unit.shape and not any(self.place.get(v) == at for v, _ in self.reads(unit, symbols)):
            return False  # a number is there the sooner the less it waits for others
        if unit.kind == "reduce" and nest.inner is not None and not _fits(unit, nest.inner):
            return False
        split = nest.inner if nest.inner is not None else inner
        if len(symbols) != len(nest.symbols) and split is None:
            return False
        for var, position in self.reads(unit, symbols):
            place = self.place.get(var, -1)
            if place > at:
                return False
            if place == at and not self.at_hand(var, position, nest, split):
                return False
        if nest.inner is None:
            nest.inner = inner
        return True

    def at_hand(self, var: Var, position: Affine, nest: Nest, split: int | None) -> bool:
        """Whether a value that this nest makes is there, in the same round, when it is read."""
        maker = self.units[var]
        symbols = symbols_for(maker, nest)
        assert symbols is not None
        if maker.kind == "map":
            return position == row_major(tuple(map(of, symbols)), maker.shape)
        if split is None or any(k < split and n != 1 for k, n in enumerate(maker.shape) if k in maker.axes):
            return False  # it is summed over rows that have not been yet
        return position == reduced_position(maker, symbols)

    def follows(self, unit: Unit, product: Product, at: int) -> bool:
        """Whether a product can take a unit along: it reads the product where it is, and what was there before."""
        if unit.kind != "map" or unit.shape != product.unit.shape or len(product.units) >= 6:
            return False
        found = form(product.unit.equation, self.made, self.stored)
        if found is None or sum(n != 1 for n in unit.shape[len(unit.shape) - found.columns :]) > 1:
            return False  # a column's number would be several axes' at once
        found = self.reads(unit, product.symbols)
        here = row_major(tuple(map(of, product.symbols)), unit.shape)
        own = [position == here for var, position in found if self.place.get(var, -1) == at]
        return bool(own) and all(own) and all(self.place.get(var, -1) <= at for var, _ in found) and self.light(unit)

    def light(self, unit: Unit) -> bool:
        """Whether a unit is small enough to be done in a product's registers."""
        return tree_cost(unit.equation, self.made, self.stored) <= EPILOGUE


def reduced_position(unit: Unit, symbols: Sequence[Symbol]) -> Affine:
    """Where the result of a reduction stands while its loop variables run."""
    kept = [k for k in range(len(unit.shape)) if k not in unit.axes]
    return row_major([of(symbols[k]) for k in kept], [unit.shape[k] for k in kept])


def _inner(unit: Unit) -> int | None:
    """Where the inner loop of a reduction begins: the last axes that are all reduced, or all kept."""
    if unit.kind != "reduce" or not unit.shape:
        return None
    at = len(unit.shape)
    last = max(k for k, n in enumerate(unit.shape) if n != 1) in unit.axes
    while at > 0 and ((at - 1 in unit.axes) == last or unit.shape[at - 1] == 1):
        at -= 1
    return at


def _over(unit: Unit) -> str:
    """How threads can share a unit: by rows, by columns where it sums over rows, or not, where it sums over all."""
    long = [k for k, n in enumerate(unit.shape) if n != 1]
    if not long or long[0] not in unit.axes:
        return "rows"
    return "columns" if any(k not in unit.axes for k in long) else "nothing"


def _is_vector(unit: Unit) -> bool:
    return sum(n != 1 for n in unit.shape) == 1


def _parted(kernel: Kernel, placing: _Placing) -> list[Kernel]:
    """A nest without its sums over all, which only one thread can take, and these by themselves."""
    if not isinstance(kernel, Nest):
        return [kernel]
    sums = [u for u in kernel.units if _over(u) == "nothing"]
    rest = [u for u in kernel.units if u not in sums]
    wanted = {v for u in rest for v, _ in placing.reads(u, symbols_for(u, kernel) or ())}
    if not rest or not sums or any(u.var in wanted for u in sums):
        return [kernel]
    return [replace(kernel, units=units, whole=kernel.units) for units in (rest, sums)]


def _fits(unit: Unit, inner: int) -> bool:
    reduced = {k in unit.axes for k in range(inner, len(unit.shape)) if unit.shape[k] != 1}
    return len(reduced) <= 1


def symbols_for(unit: Unit, nest: Nest) -> tuple[Symbol, ...] | None:
    """The nest's loop variables for a unit's axes: all of them, or the outer ones for what a row has one of."""
    if unit.shape == nest.shape:
        return nest.symbols
    if unit.kind != "map" or nest.inner is None:
        return None
    outer = [(n, s) for n, s in zip(nest.shape[: nest.inner], nest.symbols, strict=False) if n != 1]
    own = [n for n in unit.shape if n != 1]
    if not own or own != [n for n, _ in outer]:
        return None
    rest = iter(outer)
    return tuple(next(rest)[1] if n != 1 else Symbol(1) for n in unit.shape)


PLAIN = frozenset(("stop_gradient", "cast", "cast_to_integer", "where"))


def _is_flat(nest: Nest, made: dict[Var, Equation], stored: set[Var]) -> bool:
    units = nest.whole or nest.units
    if not nest.shape:
        return True
    if len(nest.shape) < 2 or any(u.shape != nest.shape for u in units):
        return False
    if any(u.kind == "reduce" and len(u.axes) != len(u.shape) for u in units):
        return False

    def plain(x: Atom) -> bool:
        if not isinstance(x, Var) or x in stored or x not in made:
            return x.aval.shape in (nest.shape, ())
        return elementwise(made[x])

    def elementwise(equation: Equation) -> bool:
        name = equation.primitive.name
        return (equation.primitive.ufunc is not None or name in PLAIN) and all(map(plain, equation.inputs))

    return all(plain(u.equation.inputs[0]) if u.kind == "reduce" else elementwise(u.equation) for u in units)


def plan(program: Program, iotas: frozenset[Var] = frozenset(), *, shared: bool = False) -> Plan:
    """Choose what is stored, and put the units into kernels; ``shared`` by several threads.

    ``iotas`` are inputs and constants that are known to be 0, 1, 2, …
    """
    made = {v: e for e in program.equations for v in e.outputs} | {v: iota(v) for v in iotas}
    stored = choose(program, made)
    outputs = {a for a in program.outputs if isinstance(a, Var)}
    while True:
        placing = _Placing(made, stored, shared, outputs)
        try:
            for unit in _units(program, made, stored):
                placing.put(unit)
            break
        except UnreadableError as found:
            stored.add(found.var)
            settle(program, made, stored)
    kernels = [part for k in placing.kernels for part in _parted(k, placing)] if shared else placing.kernels
    reads = [_kernel_reads(k, placing) for k in kernels]
    wanted = (
        outputs.union(*(r.keys() - set(k.vars) for k, r in zip(kernels, reads, strict=True))) if kernels else outputs
    )
    for kernel in kernels:
        if not isinstance(kernel, Step):
            kernel.kept = {v for v in kernel.vars if v in wanted}
            if isinstance(kernel, Nest) and kernel.inner is None:
                kernel.inner = max(len(kernel.shape) - 1, 0)
        if isinstance(kernel, Nest):
            kernel.flat = _is_flat(kernel, made, stored)
    return Plan(program, kernels, stored, made, reads)


def _kernel_reads(kernel: Kernel, placing: _Placing) -> dict[Var, None]:
    """What a kernel reads from memory, in an order that is the same every time."""
    if isinstance(kernel, Step):
        if convolves(kernel.equation):
            return dict.fromkeys(bases(kernel.equation, placing.made, placing.stored))
        return dict.fromkeys(operands_in_memory(kernel.equation, placing.made, placing.stored))
    found: dict[Var, None] = {}
    for unit in kernel.units:
        symbols = symbols_for(unit, kernel) if isinstance(kernel, Nest) else kernel.symbols
        assert symbols is not None
        found.update(dict.fromkeys(v for v, _ in placing.reads(unit, symbols)))
    if isinstance(kernel, Product):
        views = [view(x, placing.made, placing.stored) for x in kernel.unit.equation.inputs]
        found.update(dict.fromkeys(x.base for x in views if x is not None))
    return found
