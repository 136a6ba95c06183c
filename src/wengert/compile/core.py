"""The core of a compiled Program: kernels in their order, buffers, and control flow as native loops.

``i32 core(ptr operands, ptr arena, i64 thread, ptr team)``. ``operands`` are the addresses of inputs, outputs and
constants; intermediate values lie in the arena, at places that are shared by values that do not live at the same time.
Each kernel is a function of its own: LLVM's time grows faster than the length of a function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from wengert.compile.arena import LINE, Arena
from wengert.compile.emit import I8, I32, I64, PTR, Emitter, Value, type_of
from wengert.compile.estimate import turns
from wengert.compile.multiply import emit_product
from wengert.compile.nests import emit_nest
from wengert.compile.overwriting import overwritable
from wengert.compile.plan import Kernel, Nest, Plan, Step, plan
from wengert.compile.reading import is_iota
from wengert.compile.scheduling import schedule
from wengert.compile.sharing import Access, By, Share, Traffic, share
from wengert.compile.steps import STEPS, fallback
from wengert.compile.target import Target
from wengert.compile.teams import barrier
from wengert.core.program import Atom, Equation, Literal, Program, Var
from wengert.core.types import Aval

__all__ = ["Core", "Frame", "emit_core"]

FLAGS = 64  # bytes at the beginning of the arena: what went wrong


@final
@dataclass(eq=False)
class Core:
    """Emitted code: the module's text, the memory it needs, constants it reads, and calls that fall back."""

    emitter: Emitter
    constants: list[Any] = field(default_factory=list[Any])
    arena: int = FLAGS
    callbacks: list[Any] = field(default_factory=list[Any])
    called: list[Equation] = field(default_factory=list[Equation])  # whose NumPy implementations these are
    fallbacks: list[Equation] = field(default_factory=list[Equation])
    donated: dict[int, int] = field(default_factory=dict[int, int])  # output to input whose memory it takes over
    threads: int = 1
    plans: dict[Any, Plan] = field(default_factory=dict[Any, Plan])

    @property
    def uses_blas(self) -> bool:
        """Whether it calls BLAS, which may use threads of its own."""
        return any(name.lstrip("_").endswith(("gemm", "gemv", "gemm_", "gemv_")) for name in self.emitter.symbols)

    def planned(self, program: Program, iotas: Sequence[bool] = ()) -> Plan:
        """The plan of a Program, made once; ``iotas``: which of its inputs are known to be 0, 1, 2, …"""
        known = frozenset(v for v, yes in zip(program.inputs, iotas, strict=False) if yes)
        key = (program, known)
        if key not in self.plans:
            known |= {v for v, value in program.constants if is_iota(value)}
            made = self.plans[key] = plan(program, known, shared=self.threads > 1)
            if self.threads > 1:
                schedule(made, self.threads)
        return self.plans[key]


def bytes_of(aval: Aval) -> int:
    """What a value takes in memory; a scalar has a slot of eight bytes at least."""
    return max(aval.size * aval.dtype.itemsize, 8)


def emit_core(
    program: Program, donated: Sequence[bool] = (), threads: int = 1, name: str = "core", target: Target | None = None,
    written: Callable[[Emitter], None] | None = None,
) -> Core:  # fmt: skip
    """Write the core of a Program; results may take over the memory of donated inputs.

    ``written`` is called after each function.
    """
    core = Core(Emitter(target), threads=threads)
    core.emitter.written = written
    core.donated = _pairs(core.planned(program), donated)
    e = core.emitter
    with e.function(name, [PTR, PTR, I64, PTR], I32) as (operands, memory, thread, team):
        flags = e.offset(memory, thread, I8)
        e.store(e.const(I8, 0), flags)
        n, m = len(program.inputs), len(program.outputs)
        frame = Frame(core, Arena(FLAGS, shared=threads > 1), operands, memory, thread, team, flags)
        inputs = [frame.operand(k) for k in range(n)]
        outputs = [frame.operand(n + k) for k in range(m)]
        for k, j in core.donated.items():
            outputs[k] = inputs[j]
        frame.first = n + m
        frame.run(program, inputs, outputs)
        e.ret(e.convert(e.load(flags, I8), I32, unsigned=True))
    core.arena = frame.arena.size
    return core


def _pairs(plan: Plan, donated: Sequence[bool]) -> dict[int, int]:
    """Which results take over the memory of donated inputs: those that can be written over them."""
    inputs, outputs = plan.program.inputs, plan.program.outputs
    free = [k for k, given in enumerate(donated) if given and inputs[k].aval.kind == "array"]
    wanted: dict[Var, int] = {}
    for out in outputs:
        fitting = [j for j in free if inputs[j].aval == out.aval]
        if isinstance(out, Var) and out not in wanted and fitting:
            wanted[out] = fitting[0]
            free.remove(fitting[0])
    found = overwritable(plan, {out: inputs[j] for out, j in wanted.items()})
    return {outputs.index(out): wanted[out] for out in found}


@final
class Frame:
    """Where values are while a Program's code is written, and what has been touched since the last barrier."""

    def __init__(
        self, core: Core, arena: Arena, operands: Value, memory: Value, thread: Value, team: Value, flags: Value
    ) -> None:
        self.core, self.arena, self.operands, self.memory = core, arena, operands, memory
        self.thread, self.team, self.flags = thread, team, flags
        self.first = 0  # the number of the first constant among the operands
        self.rounds = 1  # how often what is written here is run in a call
        self.e = core.emitter
        self.pointers: dict[Var, Value] = {}
        self.iotas: frozenset[Var] = frozenset()
        self.plan: Plan | None = None
        self.places: dict[str, tuple[str, int]] = {}  # of addresses, by name: whose memory, and where in it
        self.traffic = Traffic()

    def inner(self) -> Frame:
        """A frame for another Program in the same memory."""
        made = Frame(self.core, self.arena, self.operands, self.memory, self.thread, self.team, self.flags)
        made.first, made.rounds, made.traffic, made.places = self.first, self.rounds, self.traffic, self.places
        return made

    # ---- threads

    def barrier(self) -> None:
        """All threads wait for one another, where there has been anything to wait for."""
        if self.core.threads > 1 and self.traffic.flush():
            self._wait()

    def always_barrier(self) -> None:
        """All threads wait for one another."""
        self.traffic.flush()
        self._wait()

    def _wait(self) -> None:
        barrier(self.e, self.team, self.core.threads, self.thread)
        self.arena.settle()

    def touch(self, accesses: Sequence[Access]) -> None:
        """A barrier, if what comes next needs one."""
        if self.core.threads > 1 and self.traffic.enter(accesses):
            self._wait()

    def access(self, pointer: Value, size: int, by: By, write: bool) -> Access:
        """A stretch of memory that is about to be touched."""
        place, start = self.places.get(pointer.name, (pointer.name, 0))
        return Access(place, start, start + size, by, write)

    def alone(self, reads: Sequence[tuple[Value, int]], writes: Sequence[tuple[Value, int]], do: Any) -> None:
        """What one thread does for all."""
        if self.core.threads == 1:
            do()
            return
        self.touch([self.access(p, n, "one", write=False) for p, n in reads] + [
            self.access(p, n, "one", write=True) for p, n in writes
        ])  # fmt: skip
        self.e.if_(self.thread.equals(0), do)

    # ---- memory

    def operand(self, k: int) -> Value:
        """The address of input, output or constant ``k``."""
        return self.e.load(self.operands, PTR, k)

    def planned(self, program: Program, iotas: Sequence[bool] = ()) -> Plan:
        """The plan of a Program."""
        return self.core.planned(program, iotas)

    def is_iota(self, atom: Atom) -> bool:
        """Whether a value is known to be 0, 1, 2, …"""
        return isinstance(atom, Var) and atom in self.iotas

    def take(self, size: int, by: By) -> int:
        """A range of the arena that may be written to: rather more memory than one more barrier."""

        def unread(at: int) -> bool:
            new = Access("arena", at, at + size, by, write=True)
            return not any(new.collides(old) for old in self.traffic.since)

        return self.arena.take(size, unread)

    def private(self, size: int) -> tuple[Value, int]:
        """Memory that each thread has for itself, and where in the arena that of all begins."""
        at = self.take(size * self.core.threads, f"own {size * self.core.threads}")
        found = self.e.offset(self.at(at), self.thread * self.e.const(I64, size), I8)
        self.places[found.name] = ("arena", at)
        return found, at

    def room(self, size: int) -> Value:
        """Memory that stays taken."""
        return self.at(self.arena.take(size))

    def at(self, offset: int) -> Value:
        """A place in the arena."""
        found = self.e.value(PTR, f"getelementptr inbounds i8, {self.memory}, i64 {offset}")
        self.places[found.name] = ("arena", offset)
        return found

    def inside(self, pointer: Value, offset: int) -> Value:
        """A place in the middle of a value."""
        found = self.e.offset(pointer, offset, I8)
        place, start = self.places.get(pointer.name, (pointer.name, 0))
        self.places[found.name] = (place, start + offset)
        return found

    def run(
        self, program: Program, inputs: Sequence[Value], outputs: Sequence[Value], iotas: Sequence[bool] = (),
        rounds: int = 1,
    ) -> None:  # fmt: skip
        """Write a Program's kernels: operands are at these addresses, results go to those.

        ``rounds``: how often what is written runs where this frame runs once.
        """
        inner = self.inner()
        inner.rounds *= rounds
        inner.pointers.update(zip(program.inputs, inputs, strict=True))
        for var, value in program.constants:
            inner.pointers[var] = self.operand(self.first + len(self.core.constants))
            self.core.constants.append(value)
        made = self.planned(program, iotas)
        inner.plan = made
        inner.iotas = frozenset(v for v, equation in made.made.items() if equation.primitive.name == "iota")
        _Writer(inner, made, outputs).emit()

    def move(self, source: Value, dest: Value, size: int) -> None:
        """Copy bytes between places that may be one."""
        name = "llvm.memmove.p0.p0.i64"
        self.e.declare(name, f"declare void @{name}(ptr, ptr, i64, i1)")
        text = f"call void @{name}({dest}, {source}, i64 {size}, i1 false)"
        self.alone([(source, size)], [(dest, size)], lambda: self.e.line(text))

    def clear(self, dest: Value, size: int) -> None:
        """Zeros."""
        name = "llvm.memset.p0.i64"
        self.e.declare(name, f"declare void @{name}(ptr, i8, i64, i1)")
        self.alone([], [(dest, size)], lambda: self.e.line(f"call void @{name}({dest}, i8 0, i64 {size}, i1 false)"))


@final
class _Writer:
    """Writes a plan's kernels and gives each value a place."""

    def __init__(self, frame: Frame, plan: Plan, outputs: Sequence[Value]) -> None:
        self.frame, self.plan, self.outputs = frame, plan, outputs
        self.e, self.pointers = frame.e, frame.pointers
        self.ranges: dict[Var, tuple[int, int]] = {}  # what lies in the arena: offset and size
        self.each: dict[Var, Access] = {}  # of that, what each thread has for itself

    def emit(self) -> None:
        placed = self._results()
        last: dict[Var, int] = {}
        for k, reads in enumerate(self.plan.reads):
            last.update(dict.fromkeys(reads, k))
        for k, kernel in enumerate(self.plan.kernels):
            cut = share(kernel, self.plan, self.frame.core.threads)
            for var in [v for v in kernel.vars if isinstance(kernel, Step) or v in kernel.kept]:
                if var not in self.pointers and not self._takes_over(kernel, var, k, last):
                    self._allocate(var, cut)
            around, self.e.turns = self.e.turns, self.frame.rounds * turns(kernel, self.e.target)
            self._kernel(kernel, self.plan.reads[k], cut)
            self.e.turns = around
            for var in [v for v in self.ranges if last.get(v, k) <= k]:
                self.frame.arena.give(*self.ranges.pop(var))
        for atom, address in zip(self.plan.program.outputs, self.outputs, strict=True):
            if isinstance(atom, Literal):
                number = self.e.const(type_of(atom.aval.dtype), atom.value)
                self.frame.alone([], [(address, 8)], lambda n=number, a=address: self.e.store(n, a))
            elif placed.get(atom) is not address:
                self.frame.move(self.pointers[atom], address, atom.aval.size * atom.aval.dtype.itemsize)

    def _results(self) -> dict[Var, Value]:
        """Results are written where they are wanted, the first time that they are."""
        program = self.plan.program
        given = {*program.inputs, *(v for v, _ in program.constants)}
        placed: dict[Var, Value] = {}
        for atom, address in zip(program.outputs, self.outputs, strict=True):
            if isinstance(atom, Var) and atom not in given and atom not in placed:
                placed[atom] = self.pointers[atom] = address
        return placed

    def _takes_over(self, kernel: Kernel, var: Var, k: int, last: dict[Var, int]) -> bool:
        """Whether a write into an array that nobody reads any more may be done where it lies."""
        if not isinstance(kernel, Step) or kernel.equation.primitive.name != "update":
            return False
        x, *rest = kernel.equation.inputs
        if not isinstance(x, Var) or x not in self.ranges or x in self.each or last.get(x, k) > k or x in rest:
            return False
        self.ranges[var] = self.ranges.pop(x)
        self.pointers[var] = self.pointers[x]
        return True

    def _allocate(self, var: Var, cut: Share) -> None:
        size = bytes_of(var.aval)
        if cut.cut == "each":
            size = -(-size // LINE) * LINE
            self.pointers[var], at = self.frame.private(size)
            size *= self.frame.core.threads
            self.each[var] = Access("arena", at, at + size, f"own {size}", write=True)
        else:
            at = self.frame.take(size, cut.by(var))
            self.pointers[var] = self.frame.at(at)
        self.ranges[var] = (at, size)

    def _kernel(self, kernel: Kernel, reads: dict[Var, None], cut: Share) -> None:
        if isinstance(kernel, Step):
            rule = STEPS.get(kernel.equation.primitive.name)
            if rule is None or not rule(self.frame, kernel.equation):
                fallback(self.frame, kernel.equation)
            return
        e, frame = self.e, self.frame
        used = [v for v in kernel.vars if v in kernel.kept] + [v for v in reads if v not in kernel.vars]
        name, workspace = e.fresh("k"), 0
        with e.function(name, [PTR] * (len(used) + 2) + [I64], export=False) as (*args, space, flags, thread):
            inside = dict(zip(used, args, strict=False))
            if isinstance(kernel, Nest):
                emit_nest(e, kernel, self.plan.made, inside, flags, cut, thread)
            else:
                workspace = emit_product(e, kernel, self.plan, inside, flags, space, cut, thread)
        size = workspace * cut.threads
        by = "one" if cut.cut == "one" else f"own {size}"
        at = frame.take(size, by) if size else 0
        given = [*(self.pointers[v] for v in used), frame.at(at) if size else frame.memory, frame.flags, frame.thread]
        accesses = [
            self.each.get(v) or frame.access(self.pointers[v], bytes_of(v.aval), cut.by(v), v in kernel.kept)
            for v in used
        ]
        if size:
            accesses.append(frame.access(given[-3], size, by, write=True))
        frame.touch(accesses)
        if frame.core.threads > 1 and cut.cut == "one":
            e.if_(frame.thread.equals(0), lambda: e.call(name, None, *given))
        else:
            e.call(name, None, *given)
        if size:
            frame.arena.give(at, size)
