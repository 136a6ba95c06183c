"""Plans: what each operand of a repeated equation is, from turn to turn, so that a loop can be made of the run.

The turns of a run are compared number by number. Where an operand's number stays, it is a constant of the loop; where
it moves along with the results of the turns, it is of this turn, or carried from an earlier one; where it moves along
another run's results, it is a slice of what that loop stacks. Turns at both ends that do not fit stay unrolled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from wengert.core.program import Program, Var
from wengert.rewrite.runs import Numbered, Run

FURTHEST = 4  # turns back that a value may be carried
STACKED = 1 << 15  # bytes up to which values from everywhere are copied together for a loop to run over
LEAST = 192  # equations that a loop has to save
TURNS = 4

Kind = Literal["constant", "local", "carried", "slice", "stack"]


@dataclass(slots=True)
class Slot:
    """One operand of one equation of the body."""

    kind: Kind
    numbers: Any  # of the operand in each turn
    offset: int = 0  # local, carried, slice: which of the results of a turn
    distance: int = 0  # carried: how many turns back
    source: Plan | None = None  # slice: of which loop's results
    turns: Any = None  # slice: of which of its turns


@dataclass(slots=True, eq=False)
class Plan:
    """A run as a loop: ``count`` turns of ``period`` equations from equation ``start``, ``width`` results each."""

    start: int
    period: int
    count: int
    base: int  # the number of the first result
    width: int
    slots: list[list[Slot]]  # for each equation of the body, for each operand
    stacked: set[int] = field(default_factory=set[int])  # results that are wanted of all turns
    before: set[int] = field(default_factory=set[int])  # carried results that are wanted as each turn finds them
    single: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])  # (turn, result) wanted by itself

    @property
    def stop(self) -> int:
        """Behind the last equation."""
        return self.start + self.period * self.count

    def locate(self, number: int) -> tuple[int, int] | None:
        """(turn, which result) of a value; turn −1 holds what the loop starts from."""
        turn, offset = divmod(number - self.base, self.width)
        return (turn, offset) if -1 <= turn < self.count else None

    def initial(self, offset: int) -> int | None:
        """The number of what a result that is carried by one turn starts from."""
        for slot in self.carried():
            if slot.offset == offset and slot.distance == 1:
                return int(slot.numbers[0])
        return None

    def carried(self) -> list[Slot]:
        """The operands that come from earlier turns."""
        return [slot for row in self.slots for slot in row if slot.kind == "carried"]


def make_plans(program: Program, numbered: Numbered, runs: list[Run]) -> list[Plan]:
    """Plans for the runs of which loops can be made."""
    plans: list[Plan] = []
    for run in runs:
        plan = make_plan(numbered, run, plans)
        if plan is not None:
            plans.append(plan)
    request(program, numbered, plans)
    return plans


def make_plan(numbered: Numbered, run: Run, before: list[Plan]) -> Plan | None:
    """A plan for one run; None where its turns have too little in common."""
    start = run.start + best_phase(numbered, run)
    period = run.period
    count = (run.stop - start) // period
    if count < TURNS:
        return None
    arity = [len(numbered.operands[start + q]) for q in range(period)]
    flat = [n for ops in numbered.operands[start : start + count * period] for n in ops]
    matrix = np.array(flat, np.int64).reshape(count, sum(arity))
    base = numbered.first[start]
    width = numbered.first[start + period] - base if start + period < len(numbered.first) else 0
    if not width:
        return None
    slots = [slot_of(matrix[:, s], base, width, before) for s in range(matrix.shape[1])]
    low, high = common_turns(slots, matrix, base, width)
    if high - low < TURNS or (high - low) * period < LEAST:
        return None
    for slot in slots:
        slot.numbers = slot.numbers[low:high]
        slot.turns = None if slot.turns is None else slot.turns[low:high]
    plan = Plan(start + low * period, period, high - low, base + low * width, width, grouped(slots, arity))
    return plan if affordable(numbered, plan) else None


def best_phase(numbered: Numbered, run: Run) -> int:
    """Where in the period a turn begins: where the fewest values are under way from one turn to the next."""
    period, middle = run.period, run.start + ((run.stop - run.start) // run.period // 2) * run.period
    first, last = middle - period, min(middle + 2 * period, run.stop)
    reach: dict[int, int] = {}
    positions = {numbered.first[k]: k for k in range(first, last)}
    for k in range(first, last):
        for n in numbered.operands[k]:
            if n in positions:
                reach[positions[n]] = k
    crossing = np.zeros(period + 1, np.int64)
    for k, end in reach.items():
        if first <= k < middle + period:
            # a boundary before equation j lies between k and its last reader for k < j <= end
            for j in range(k + 1, min(end, k + period) + 1):
                crossing[(j - run.start) % period] += 1
    return int(np.argmin(crossing[:period]))


def slot_of(numbers: Any, base: int, width: int, before: list[Plan]) -> Slot:
    """What an operand is, judged from the middle of the run, where the ends do not matter."""
    middle = len(numbers) // 2
    at, step = int(numbers[middle]), int(numbers[middle] - numbers[middle - 1])
    if step == 0:
        return Slot("constant", numbers)
    if step == width and at >= base:
        turn, offset = divmod(at - base, width)
        distance = middle - turn
        if distance <= FURTHEST:
            return Slot("carried" if distance else "local", numbers, offset, distance)
    for plan in before:
        found = plan.locate(at)
        if found is not None and step % plan.width == 0:
            turns = found[0] + (np.arange(len(numbers)) - middle) * (step // plan.width)
            return Slot("slice", numbers, found[1], source=plan, turns=turns)
    return Slot("stack", numbers)


def common_turns(slots: list[Slot], matrix: Any, base: int, width: int) -> tuple[int, int]:
    """The turns around the middle in which every operand is what it is there."""
    count = len(matrix)
    low, high = 0, count
    for slot in slots:
        good = as_expected(slot, base, width)
        bad = np.flatnonzero(~good)
        middle = count // 2
        first = int(bad[bad < middle][-1]) + 1 if (bad < middle).any() else 0
        low = max(low, first - slot.distance)
        high = min(high, int(bad[bad >= middle][0]) if (bad >= middle).any() else count)
    for slot in slots:  # what is constant, or comes from everywhere, must not be made by the loop itself
        if slot.kind in ("constant", "stack"):
            inside = slot.numbers[low:high]
            inside = inside[inside >= base]
            if len(inside) and (slot.kind == "stack" or inside[0] >= base + low * width):
                low = max(low, int((inside.max() - base) // width) + 1)
    return low, high


def as_expected(slot: Slot, base: int, width: int) -> Any:
    """For each turn whether the operand is there what it is in the middle."""
    numbers = slot.numbers
    turns = np.arange(len(numbers))
    if slot.kind == "constant":
        return numbers == numbers[len(numbers) // 2]
    if slot.kind in ("local", "carried"):
        return numbers == base + (turns - slot.distance) * width + slot.offset
    if slot.kind == "slice":
        return of_source(slot)
    return np.ones(len(numbers), bool)


def of_source(slot: Slot) -> Any:
    """For each turn whether a slice is the result of a turn of its source, or what that was before the first."""
    plan = slot.source
    assert plan is not None
    good = (slot.numbers == plan.base + slot.turns * plan.width + slot.offset) & (slot.turns < plan.count)
    initial = plan.initial(slot.offset)
    inside = slot.turns >= 0
    if initial is None:
        return good & inside
    return (good & inside) | ((slot.turns == -1) & (slot.numbers == initial))


def grouped(slots: list[Slot], arity: list[int]) -> list[list[Slot]]:
    """Slots by equation."""
    rest = iter(slots)
    return [[next(rest) for _ in range(n)] for n in arity]


def affordable(numbered: Numbered, plan: Plan) -> bool:
    """Whether what has to be stacked is small, and can be: literals of NumPy's, or variables."""
    for row in plan.slots:
        for slot in row:
            if slot.kind == "stack":
                aval = numbered.aval(int(slot.numbers[0]))
                mixed = len({n < 0 for n in slot.numbers.tolist()}) > 1
                if mixed or math.prod(aval.shape) * aval.dtype.itemsize * plan.count > STACKED:
                    return False
    return True


def request(program: Program, numbered: Numbered, plans: list[Plan]) -> None:
    """Tell each plan which of its results are wanted outside, and how."""
    inside = np.zeros(len(numbered.operands), bool)
    for plan in plans:
        inside[plan.start : plan.stop] = True
        for slot in (slot for row in plan.slots for slot in row):
            if slot.kind == "slice":
                request_slices(slot, plans)
            elif slot.kind in ("constant", "stack"):
                single(slot.numbers.tolist() if slot.kind == "stack" else [int(slot.numbers[0])], plans)
            elif slot.kind == "carried":
                single(slot.numbers[: slot.distance].tolist(), plans)
    for k in np.flatnonzero(~inside).tolist():
        single(numbered.operands[k], plans)
    outputs = {a for a in program.outputs if isinstance(a, Var)}
    single([k for k, v in enumerate(numbered.atoms) if v in outputs], plans)


def request_slices(slot: Slot, plans: list[Plan]) -> None:
    """A slice wants all turns' results, as they are after the turn or before it; both, in a rare case."""
    plan = slot.source
    assert plan is not None
    if slot.turns.min() >= 0:
        plan.stacked.add(slot.offset)
    elif slot.turns.max() < plan.count - 1:
        plan.before.add(slot.offset)
    else:
        plan.stacked.add(slot.offset)
        single([int(slot.numbers[int(np.argmin(slot.turns))])], plans)


def single(numbers: Any, plans: list[Plan]) -> None:
    """These values are wanted by themselves."""
    for n in numbers:
        for plan in plans:
            if plan.base <= n < plan.base + plan.count * plan.width:
                plan.single.add(divmod(n - plan.base, plan.width))
