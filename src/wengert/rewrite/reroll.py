"""Rerolling: an unrolled loop, forward and backward, becomes a ``scan`` again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive
from wengert.core.program import Atom, Equation, Literal, Program, Var
from wengert.core.types import Aval
from wengert.ops.index import ARRAY, getitem, update
from wengert.ops.shape import broadcast_to, concatenate, reshape
from wengert.rewrite.edit import Editor, inferred, record
from wengert.rewrite.plans import LEAST, TURNS, Plan, Slot, make_plans
from wengert.rewrite.runs import INDEXED, Numbered, find_runs


class UnlikeError(Exception):
    """A body that is not like the equations it was made of: the run, from ``start`` on, stays as it is."""

    def __init__(self, start: int) -> None:
        self.start = start


def reroll(program: Program) -> Program:
    """Runs of repeated equations as loops, with what is read from outside stacked."""
    scan = record("scan")
    if len(program.equations) < LEAST or scan is None:
        return program
    numbered = Numbered(program)
    runs = find_runs(numbered.symbols, turns=TURNS, least=LEAST)
    while runs:
        plans = make_plans(program, numbered, runs)
        try:
            return rolled(program, numbered, plans, scan) if plans else program
        except UnlikeError as error:
            runs = [run for run in runs if not run.start <= error.start < run.stop]
    return program


def rolled(program: Program, numbered: Numbered, plans: list[Plan], scan: Primitive) -> Program:
    """The Program with the plans carried out."""
    editor = Editor(program)
    at = 0
    made: dict[Plan, Loop] = {}
    for plan in plans:
        for equation in program.equations[at : plan.start]:
            editor.keep(equation)
        loop = made[plan] = Loop(program, numbered, plan, editor, made)
        loop.emit(scan)
        at = plan.stop
    for equation in program.equations[at:]:
        editor.keep(equation)
    return editor.finish()


def wrapped(start: int, step: int, count: int, size: int) -> slice | None:
    """The slice of ``count`` elements from ``start`` on; None where it is everything."""
    stop = start + step * count
    if (start, step, count) == (0, 1, size):
        return None
    return slice(start, None if stop < 0 else stop, None if step == 1 else step)


def typed(slot: Slot) -> tuple[Any, ...]:
    """What carries must share to be one: the result, how far back, and from what they start."""
    return (slot.offset, slot.distance, *slot.numbers[: slot.distance].tolist())


class Loop:
    """A plan becoming a scan: its operands, its body, and where its results are found."""

    def __init__(
        self, program: Program, numbered: Numbered, plan: Plan, editor: Editor, made: dict[Plan, Loop]
    ) -> None:
        self.program, self.numbered, self.plan, self.editor, self.made = program, numbered, plan, editor, made
        self.constants: dict[int, Var] = {}
        self.carries: dict[tuple[Any, ...], list[Var]] = {}
        self.initials: dict[tuple[Any, ...], list[Atom]] = {}
        self.xs: dict[Any, tuple[Atom, Var]] = {}
        self.local: dict[int, Atom] = {}
        self.body: list[Equation] = []
        self.ys: list[tuple[str, int]] = []
        at = len(program.inputs)  # constants are numbered behind the inputs
        self.known = {at + k: x for k, (_, x) in enumerate(program.constants) if type(x) is np.ndarray}
        backward = [s.turns[1] < s.turns[0] for row in plan.slots for s in row if s.kind == "slice"]
        self.reverse = sum(backward) * 2 > len(backward)
        self.after: dict[int, Var] = {}  # results of all turns, stacked
        self.before: dict[int, Var] = {}  # the same as each turn finds them

    # ---- operands

    def outer(self, number: int) -> Atom:
        """What a value outside the loop now is."""
        return self.editor.read(self.numbered.atom(number))

    def position(self, turn: int) -> int:
        """Where a turn's slice stands."""
        return self.plan.count - 1 - turn if self.reverse else turn

    def operand(self, slot: Slot, template: Equation, k: int) -> Atom:
        """What an operand is in the body."""
        if slot.kind == "constant":
            return self.constant(int(slot.numbers[0]))
        if slot.kind == "local":
            return self.local[slot.offset]
        if slot.kind == "carried":
            return self.carry(slot)
        return self.slice(slot) if slot.kind == "slice" else self.stack(slot, template, k)

    def constant(self, number: int) -> Atom:
        """A literal as it is, a variable as a constant of the loop."""
        atom = self.numbered.atom(number)
        return atom if isinstance(atom, Literal) else self.constants.setdefault(number, Var(atom.aval))

    def carry(self, slot: Slot) -> Var:
        """A carried value; one carried from further back moves through one carry for each turn."""
        key = typed(slot)
        if key not in self.carries:
            aval = self.numbered.aval(self.plan.base + slot.offset)
            self.carries[key] = [Var(aval) for _ in range(slot.distance)]
            self.initials[key] = [self.outer(n) for n in slot.numbers[: slot.distance].tolist()[::-1]]
        return self.carries[key][-1]

    def slice(self, slot: Slot) -> Var:
        """A slice of what another loop stacks."""
        key = ("slice", id(slot.source), slot.offset, int(slot.turns[0]), int(slot.turns[1]))
        if key not in self.xs:
            array = self.aligned(slot)
            self.xs[key] = (array, Var(element(array.aval)))
        return self.xs[key][1]

    def aligned(self, slot: Slot) -> Atom:
        """The rows of another loop's results in the order in which this one runs over them."""
        assert slot.source is not None
        source, turns = self.made[slot.source], slot.turns
        shift = 0
        if turns.min() >= 0:
            array = source.after[slot.offset]
        elif turns.max() < slot.source.count - 1:
            array, shift = source.before[slot.offset], 1
        else:
            return self.extended(slot, source)
        rows = [source.position(int(turns[t]) + shift) for t in (0, 1)]
        step = rows[1] - rows[0]
        start = rows[0]
        if self.reverse:
            start, step = start + step * (self.plan.count - 1), -step
        index = wrapped(start, step, self.plan.count, array.aval.shape[0])
        return array if index is None else self.editor.emit(getitem, array, index=(index,))

    def extended(self, slot: Slot, source: Loop) -> Atom:
        """All results of a loop and, in front, what it started from."""
        first = self.outer(int(slot.numbers[int(np.argmin(slot.turns))]))
        stacked = source.after[slot.offset]
        if source.reverse:
            stacked = self.editor.emit(getitem, stacked, index=(slice(None, None, -1),))
        lead = self.editor.emit(reshape, first, shape=(1, *stacked.aval.shape[1:]))
        array = self.editor.emit(concatenate, lead, stacked, axis=0)
        rows = [int(slot.turns[0]) + 1, int(slot.turns[1]) + 1]
        step, start = rows[1] - rows[0], rows[0]
        if self.reverse:
            start, step = start + step * (self.plan.count - 1), -step
        index = wrapped(start, step, self.plan.count, array.aval.shape[0])
        return array if index is None else self.editor.emit(getitem, array, index=(index,))

    def stack(self, slot: Slot, template: Equation, k: int) -> Var:
        """Numbers or small arrays from everywhere, stacked."""
        numbers = slot.numbers.tolist()[:: -1 if self.reverse else 1]
        dtype = self.loop_dtype(template, k) if numbers[0] < 0 else None
        key = ("stack", dtype, *numbers)
        if key not in self.xs:
            if numbers[0] < 0:
                values = [self.numbered.literals[-1 - n].value for n in numbers]
                array: Atom = self.editor.constant(np.array(values, dtype))
            elif all(n in self.known for n in numbers):
                array = self.editor.constant(np.stack([self.known[n] for n in numbers]))
            else:
                shape = (1, *self.numbered.aval(numbers[0]).shape)
                rows = [self.editor.emit(reshape, self.outer(n), shape=shape) for n in numbers]
                array = self.editor.emit(concatenate, *rows, axis=0)
            self.xs[key] = (array, Var(element(array.aval)))
        return self.xs[key][1]

    def loop_dtype(self, template: Equation, k: int) -> Any:
        """The dtype in which an operation reads numbers that are to be stacked: Python's follow the other operands."""
        aval = template.inputs[k].aval
        ufunc = template.primitive.ufunc
        if aval.kind != "python":
            return aval.dtype
        if ufunc is None or template.primitive.name == "power":  # NumPy raises to some numbers by other means
            raise UnlikeError(self.plan.start)
        weak = {"f": float, "i": int, "c": complex}
        types = [
            weak.get(a.aval.dtype.kind, a.aval.dtype) if a.aval.kind == "python" else a.aval.dtype
            for a in template.inputs
        ]
        return ufunc.resolve_dtypes((*types, *(None,) * ufunc.nout))[k]  # type: ignore[arg-type]

    # ---- the body

    def emit(self, scan: Primitive) -> None:
        """Append the scan, and say what stands for the results of the turns."""
        plan = self.plan
        for q in range(plan.period):
            self.equation(q)
        outputs: list[Atom] = []
        self.finals()
        for key, variables in self.carries.items():
            outputs += [self.local[key[0]], *variables[:-1]]
        for offset in sorted(self.wanted()):
            self.ys.append(("after", offset))
            outputs.append(self.local[offset])
        for offset in sorted(plan.before):
            self.ys.append(("before", offset))
            outputs.append(self.found(offset))
        inputs = (
            *self.constants.values(),
            *(v for c in self.carries.values() for v in c),
            *(v for _, v in self.xs.values()),
        )
        body = Program(inputs, (), tuple(self.body), tuple(outputs), "body")
        operands = (
            *(self.outer(n) for n in self.constants),
            *(a for c in self.initials.values() for a in c),
            *(a for a, _ in self.xs.values()),
        )
        params = {
            "body": body, "length": plan.count, "constants": len(self.constants),
            "carry": sum(map(len, self.carries.values())), "reverse": self.reverse,
        }  # fmt: skip
        outs = self.editor.emit_all(scan, operands, params, self.program.equations[plan.start].line)
        self.results(outs)

    def wanted(self) -> set[int]:
        """The results that are stacked."""
        return self.plan.stacked | {offset for turn, offset in self.plan.single if turn < self.plan.count - 1}

    def found(self, offset: int) -> Var:
        """A carried result as a turn finds it."""
        return next(c[0] for key, c in self.carries.items() if key[:2] == (offset, 1))

    def finals(self) -> None:
        """A carry, which nothing reads, for each result that is wanted of the last turn alone."""
        known = self.wanted() | {key[0] for key in self.carries}
        for turn, offset in sorted(self.plan.single):
            if turn == self.plan.count - 1 and offset not in known:
                aval = self.numbered.aval(self.plan.base + offset)
                zero = Literal(aval.dtype.type(0))
                first = zero if aval.kind == "scalar" else self.editor.emit(broadcast_to, zero, shape=aval.shape)
                self.carries[offset, 1] = [Var(aval)]
                self.initials[offset, 1] = [first]

    def results(self, outs: tuple[Var, ...]) -> None:
        """What stands for results that are wanted outside the loop."""
        plan = self.plan
        last: dict[int, Var] = {}
        at = 0
        for key, variables in self.carries.items():
            last.setdefault(key[0], outs[at])
            at += len(variables)
        for (kind, offset), var in zip(self.ys, outs[at:], strict=True):
            (self.after if kind == "after" else self.before)[offset] = var
        for turn, offset in sorted(plan.single):
            atom = last.get(offset) if turn == plan.count - 1 else None
            if atom is None:
                atom = self.editor.emit(getitem, self.after[offset], index=(self.position(turn),))
            self.editor.replace([self.numbered.atoms[plan.base + turn * plan.width + offset]], [atom])

    def equation(self, q: int) -> None:
        """Append one equation of the body."""
        plan = self.plan
        template = self.program.equations[plan.start + q]
        offset = self.numbered.first[plan.start + q] - plan.base
        counted = self.counted(q) if template.primitive.name in INDEXED else None
        if counted is not None:
            out = self.indexed(template, plan.slots[q], counted)
            self.local[offset] = out
            return
        inputs = tuple(self.operand(slot, template, k) for k, slot in enumerate(plan.slots[q]))
        self.append(template, inputs, template.params, offset)

    def append(self, template: Equation, inputs: tuple[Atom, ...], params: dict[str, Any], offset: int) -> None:
        """An equation like the template."""
        avals = inferred(template.primitive, inputs, params)
        if avals != tuple(v.aval for v in template.outputs):
            raise UnlikeError(self.plan.start)
        outputs = tuple(map(Var, avals))
        self.body.append(replace(template, inputs=inputs, outputs=outputs, params=params))
        self.local.update({offset + k: v for k, v in enumerate(outputs)})

    # ---- indices that count

    def counted(self, q: int) -> list[Any] | None:
        """For each entry of an equation's index the integers that it takes; None where it is always the same."""
        plan = self.plan
        equations = self.program.equations[plan.start + q : plan.stop : plan.period]
        indices = [e.params["index"] for e in equations]
        first = indices[0]
        if all(index == first for index in indices):
            return None
        return [
            np.array([index[k] for index in indices]) if type(entry) is int else entry for k, entry in enumerate(first)
        ]

    def indexed(self, template: Equation, slots: list[Slot], index: list[Any]) -> Atom:
        """An equation whose index counts: a slice of an array where that is all, else an index by a number."""
        x = slots[0]
        head, tail = index[0], index[1:]
        steady = not any(isinstance(e, np.ndarray) and len(set(e.tolist())) > 1 for e in tail)
        alone = template.primitive is getitem and len(slots) == 1 and x.kind == "constant"
        if alone and steady and isinstance(head, np.ndarray):
            head = head % template.inputs[0].aval.shape[0]
            step = head[1] - head[0]
            if step and np.all(np.diff(head) == step):
                return self.rows(template, int(x.numbers[0]), head, tail)
        return self.by_number(template, slots, index)

    def rows(self, template: Equation, number: int, head: Any, tail: list[Any]) -> Atom:
        """``x[t]`` in turn t: the loop runs over ``x``."""
        key = ("rows", number, int(head[0]), int(head[1]))
        if key not in self.xs:
            array = self.outer(number)
            size = array.aval.shape[0]
            ordered = head[::-1] if self.reverse else head
            index = wrapped(int(ordered[0]), int(ordered[1] - ordered[0]), len(head), size)
            array = array if index is None else self.editor.emit(getitem, array, index=(index,))
            self.xs[key] = (array, Var(element(array.aval)))
        row = self.xs[key][1]
        rest = tuple(int(e[0]) if isinstance(e, np.ndarray) else e for e in tail)
        if all((isinstance(e, slice) and e == slice(None)) or e is Ellipsis for e in rest):
            return row
        var = Var(template.outputs[0].aval)
        self.body.append(replace(template, inputs=(row,), outputs=(var,), params={"index": rest}))
        return var

    def by_number(self, template: Equation, slots: list[Slot], index: list[Any]) -> Atom:
        """An index whose integers are run over: each becomes an operand."""
        lead = 2 if template.primitive is update else 1
        operands = [self.operand(s, template, k) for k, s in enumerate(slots)]
        arrays = iter(operands[lead:])
        entries: list[Any] = []
        places: list[Atom] = []
        for entry in index:
            if isinstance(entry, np.ndarray) and len(set(entry.tolist())) > 1:
                places.append(self.number(entry))
                entries.append(ARRAY)
                continue
            entries.append(int(entry[0]) if isinstance(entry, np.ndarray) else entry)
            if entry is ARRAY:
                places.append(next(arrays))
        params = {**template.params, "index": tuple(entries)}
        aval = template.outputs[0].aval
        inputs = operands[:lead]
        primitive = template.primitive
        if primitive.name == "scatter_add":  # adding at an integer would make -0.0 a 0.0, assigning does not
            zeros = Var(aval)
            stretch = {"shape": aval.shape}
            self.body.append(Equation(broadcast_to, (Literal(aval.dtype.type(0)),), (zeros,), stretch, template.line))
            inputs = [zeros, *inputs]
            primitive, params = update, {"chain": (), "index": tuple(entries)}
        if len(slots) > lead and primitive is update and template.primitive.name == "scatter_add":
            raise UnlikeError(self.plan.start)  # places that are named more than once add up
        var = Var(aval)
        self.body.append(Equation(primitive, (*inputs, *places), (var,), params, template.line))
        return var

    def number(self, values: Any) -> Var:
        """The integers that an index takes, run over."""
        key = ("index", *values.tolist())
        if key not in self.xs:
            ordered = np.asarray(values[::-1] if self.reverse else values, np.int64)
            array = self.editor.constant(np.ascontiguousarray(ordered))
            self.xs[key] = (array, Var(element(array.aval)))
        return self.xs[key][1]


def element(aval: Aval) -> Aval:
    """The type of a slice."""
    return Aval(aval.shape[1:], aval.dtype, "array" if aval.ndim > 1 else "scalar")
