"""The core of a compiled Program: kernels in their order, buffers, and control flow as native loops.

``i32 core(ptr operands, ptr arena, i64 thread, ptr team)``. ``operands`` are the addresses of inputs, outputs and
constants; intermediate values lie in the arena, at places that are shared by values that do not live at the same time.
Each kernel is a function of its own: LLVM's time grows faster than the length of a function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final

from wengert.compile.arena import Arena
from wengert.compile.emit import I8, I32, I64, PTR, Emitter, Value, type_of
from wengert.compile.multiply import emit_product
from wengert.compile.nests import emit_nest
from wengert.compile.plan import Kernel, Nest, Plan, Step, plan
from wengert.compile.steps import STEPS, fallback
from wengert.core.program import Equation, Literal, Program, Var
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
    fallbacks: list[Equation] = field(default_factory=list[Equation])
    donated: dict[int, int] = field(default_factory=dict[int, int])  # output to input whose memory it takes over
    plans: dict[Program, Plan] = field(default_factory=dict[Program, Plan])

    def planned(self, program: Program) -> Plan:
        """The plan of a Program, made once."""
        if program not in self.plans:
            self.plans[program] = plan(program)
        return self.plans[program]


def bytes_of(aval: Aval) -> int:
    """What a value takes in memory; a scalar has a slot of eight bytes at least."""
    return max(aval.size * aval.dtype.itemsize, 8)


def emit_core(program: Program, donated: Sequence[bool] = (), name: str = "core") -> Core:
    """Write the core of a Program; results may take over the memory of donated inputs."""
    core = Core(Emitter())
    core.donated = _pairs(core.planned(program), donated)
    e = core.emitter
    with e.function(name, [PTR, PTR, I64, PTR], I32) as (operands, memory, _thread, _team):
        e.store(e.const(I64, 0), memory)
        n, m = len(program.inputs), len(program.outputs)
        frame = Frame(core, Arena(FLAGS), operands, memory, n + m)
        frame.run(program, [frame.operand(k) for k in range(n)], [frame.operand(n + k) for k in range(m)])
        e.ret(e.convert(e.load(memory, I8), I32, unsigned=True))
    core.arena = frame.arena.size
    return core


def _pairs(plan: Plan, donated: Sequence[bool]) -> dict[int, int]:
    """Which results take over the memory of donated inputs: those that can be written over them."""
    inputs, outputs = plan.program.inputs, plan.program.outputs
    free = [k for k, given in enumerate(donated) if given and inputs[k].aval.kind == "array"]
    pairs: dict[int, int] = {}
    for k, out in enumerate(outputs):
        for j in free:
            if isinstance(out, Var) and outputs.index(out) == k and plan.in_place({out: inputs[j]}):
                pairs[k] = j
                free.remove(j)
                break
    return pairs


@final
class Frame:
    """Where values are while a Program's code is written."""

    def __init__(self, core: Core, arena: Arena, operands: Value, memory: Value, first: int) -> None:
        self.core, self.arena, self.operands, self.memory, self.first = core, arena, operands, memory, first
        self.e = core.emitter
        self.pointers: dict[Var, Value] = {}

    def operand(self, k: int) -> Value:
        """The address of input, output or constant ``k``."""
        return self.e.load(self.operands, PTR, k)

    def planned(self, program: Program) -> Plan:
        """The plan of a Program."""
        return self.core.planned(program)

    def room(self, size: int) -> Value:
        """Memory that stays taken."""
        return self.e.offset(self.memory, self.arena.take(size), I8)

    def run(self, program: Program, inputs: Sequence[Value], outputs: Sequence[Value]) -> None:
        """Write a Program's kernels: operands are at these addresses, results go to those."""
        inner = Frame(self.core, self.arena, self.operands, self.memory, self.first)
        inner.pointers.update(zip(program.inputs, inputs, strict=True))
        for var, value in program.constants:
            inner.pointers[var] = self.operand(self.first + len(self.core.constants))
            self.core.constants.append(value)
        _Writer(inner, self.planned(program), outputs).emit()

    def copy(self, source: Value, dest: Value, size: int) -> None:
        """Copy bytes between places that are not one."""
        self._bytes("memcpy", source, dest, size)

    def move(self, source: Value, dest: Value, size: int) -> None:
        """Copy bytes between places that may be one."""
        self._bytes("memmove", source, dest, size)

    def clear(self, dest: Value, size: int) -> None:
        """Zeros."""
        name = "llvm.memset.p0.i64"
        self.e.declare(name, f"declare void @{name}(ptr, i8, i64, i1)")
        self.e.line(f"call void @{name}({dest}, i8 0, i64 {size}, i1 false)")

    def _bytes(self, how: str, source: Value, dest: Value, size: int) -> None:
        name = f"llvm.{how}.p0.p0.i64"
        self.e.declare(name, f"declare void @{name}(ptr, ptr, i64, i1)")
        self.e.line(f"call void @{name}({dest}, {source}, i64 {size}, i1 false)")


@final
class _Writer:
    """Writes a plan's kernels and gives each value a place."""

    def __init__(self, frame: Frame, plan: Plan, outputs: Sequence[Value]) -> None:
        self.frame, self.plan, self.outputs = frame, plan, outputs
        self.e, self.pointers = frame.e, frame.pointers
        self.ranges: dict[Var, tuple[int, int]] = {}  # what lies in the arena: offset and size

    def emit(self) -> None:
        placed = self._results()
        last: dict[Var, int] = {}
        for k, reads in enumerate(self.plan.reads):
            last.update(dict.fromkeys(reads, k))
        for k, kernel in enumerate(self.plan.kernels):
            for var in [v for v in kernel.vars if isinstance(kernel, Step) or v in kernel.kept]:
                if var not in self.pointers and not self._takes_over(kernel, var, k, last):
                    self._allocate(var)
            self._kernel(kernel, self.plan.reads[k])
            for var in [v for v in self.ranges if last.get(v, k) <= k]:
                self.frame.arena.give(*self.ranges.pop(var))
        for atom, address in zip(self.plan.program.outputs, self.outputs, strict=True):
            if isinstance(atom, Literal):
                self.e.store(self.e.const(type_of(atom.aval.dtype), atom.value), address)
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
        if not isinstance(x, Var) or x not in self.ranges or last.get(x, k) > k or x in rest:
            return False
        self.ranges[var] = self.ranges.pop(x)
        self.pointers[var] = self.pointers[x]
        return True

    def _allocate(self, var: Var) -> None:
        size = bytes_of(var.aval)
        at = self.frame.arena.take(size)
        self.ranges[var] = (at, size)
        self.pointers[var] = self.e.offset(self.frame.memory, at, I8)

    def _kernel(self, kernel: Kernel, reads: dict[Var, None]) -> None:
        if isinstance(kernel, Step):
            rule = STEPS.get(kernel.equation.primitive.name)
            if rule is None or not rule(self.frame, kernel.equation):
                fallback(self.frame, kernel.equation)
            return
        e, arena = self.e, self.frame.arena
        used = [v for v in kernel.vars if v in kernel.kept] + [v for v in reads if v not in kernel.vars]
        name, workspace = e.fresh("k"), 0
        with e.function(name, [PTR] * (len(used) + 2), export=False) as (*args, space, flags):
            inside = dict(zip(used, args, strict=True))
            if isinstance(kernel, Nest):
                emit_nest(e, kernel, self.plan.made, inside, flags)
            else:
                workspace = emit_product(e, kernel, self.plan, inside, flags, space)
        at = arena.take(workspace) if workspace else 0
        e.call(name, None, *(self.pointers[v] for v in used), e.offset(self.frame.memory, at, I8), self.frame.memory)
        if workspace:
            arena.give(at, workspace)
