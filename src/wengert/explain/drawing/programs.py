"""Programs as diagrams: equations as blocks; and what each pass of rewriting leaves of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from wengert.core.program import Atom, Equation, Program, Var
from wengert.core.show import name, param_text, programs, value_text
from wengert.explain import text
from wengert.explain.charts.numbers import count
from wengert.explain.drawing.computation import hidden_note
from wengert.explain.drawing.diagram import Block, Diagram, Kind, Line, Link
from wengert.explain.drawing.folding import Shown, Tag, fold
from wengert.lowered import Passes

__all__ = ["passes_of", "program_diagrams"]

Direction = Literal["right", "down"]
_DEEPEST = 4
_MOST_PANELS = 12


class Names:
    """a, b, …: the names of variables in the order in which they are met, the same in all pictures of a set."""

    def __init__(self) -> None:
        self.known: dict[Var, str] = {}

    def __call__(self, atom: Atom) -> str:
        if isinstance(atom, Var):
            return self.known.setdefault(atom, name(len(self.known)))
        return value_text(atom.value)


def program_diagrams(program: Program, most: int, direction: Direction) -> list[tuple[str, Diagram]]:
    """The Program, and after it those that stand in its equations, each with a heading."""
    names = Names()
    found = [("", diagram(program, names, most, direction))]
    found += [(head, diagram(body, names, most, direction)) for head, body in bodies(program, names, _DEEPEST)]
    if len(found) > 1:
        found[0] = (program.name, found[0][1])
    return found[:_MOST_PANELS]


def bodies(program: Program, names: Names, depth: int) -> Iterator[tuple[str, Program]]:
    """Programs in parameters of equations, with where they stand."""
    for equation in program.equations:
        for key, value in equation.params.items():
            for k, body in enumerate(programs(value)):
                number = f" {k}" if isinstance(value, tuple) else ""
                out = ", ".join(map(names, equation.outputs))
                yield f"{key}{number} of {out} = {equation.primitive.name}", body
                if depth:
                    yield from bodies(body, names, depth - 1)


def passes_of(passes: Passes, most: int, direction: Direction) -> list[tuple[str, Diagram]]:
    """The Program as it was staged, and after each pass that changed it; what is new is marked, and what goes.

    An equation stays where its outputs, operation and operands do.
    """
    names = Names()
    stages = [("as staged", passes.start), *passes]
    found: list[tuple[str, Diagram]] = []
    keys = [set(map(identity, program.equations)) for _, program in stages]
    for k, (title, program) in enumerate(stages):
        before = keys[k - 1] if k else keys[k]
        after = keys[k + 1] if k + 1 < len(keys) else keys[k]

        def kind(equation: Equation, before: set[object] = before, after: set[object] = after) -> Kind:
            key = identity(equation)
            return "new" if key not in before else "gone" if key not in after else "operation"

        size = len(program.equations)
        change = f"{len(stages[k - 1][1].equations)} → {count(size, 'equation')}" if k else count(size, "equation")
        found.append((f"{title}: {change}", diagram(program, names, most, direction, kind)))
    return found[:_MOST_PANELS]


def identity(equation: Equation) -> object:
    """What makes an equation the same as before."""
    operands = tuple(x if isinstance(x, Var) else repr(x.value) for x in equation.inputs)
    return equation.primitive.name, operands, equation.outputs


def diagram(
    program: Program, names: Names, most: int, direction: Direction, kind: Callable[[Equation], Kind] | None = None
) -> Diagram:
    """One Program: inputs, constants and equations, folded by the user's lines where they are many."""
    sources = [*program.inputs, *(var for var, _ in program.constants)]
    for var in sources:
        names(var)
    equations = program.equations
    count_ = len(sources)
    paths = [()] * count_ + [(Tag(e.line, text.place(e.line)),) if e.line else () for e in equations]
    folded = fold(range(count_ + len(equations)), paths, most)
    results = {atom for atom in program.outputs if isinstance(atom, Var)}
    held = {var for var, _ in program.constants}

    def block(shown: Shown) -> Block:
        if shown.title:
            inside = [equations[k - count_] for k in shown.items if k >= count_]
            lines = (Line(shown.title, "head"), Line(count(len(inside), "equation"), "note"))
            return Block(shown.key, lines, "fold", shown.group, "\n".join(written(e, names) for e in inside[:40]))
        k = shown.items[0]
        if k < count_:
            note = f"{sources[k].aval}" + (" constant" if sources[k] in held else "")
            return Block(shown.key, (Line(names(sources[k]), "head"), Line(note, "note")), "input", shown.group)
        equation = equations[k - count_]
        state = kind(equation) if kind else "operation"
        state = "output" if state == "operation" and results.intersection(equation.outputs) else state
        types = ", ".join(str(v.aval) for v in equation.outputs)
        tip = f"{written(equation, names)}\n{text.place(equation.line)}".strip()
        lines = [Line(written(equation, names), "head"), Line(types, "note")]
        return Block(shown.key, tuple(lines), state, shown.group, tip)

    blocks = [block(shown) for shown in folded.shown]
    note = hidden_note(folded.hidden, count_ + len(equations), "equation", folded.shown)
    links = _links(sources, equations, folded.shown)
    return Diagram(f"The Program {program.name}", blocks, links, folded.frames, note, direction)


def written(equation: Equation, names: Names) -> str:
    """``c = multiply a b``, as Programs are printed."""
    operands = " ".join(map(names, equation.inputs))
    params = ", ".join(f"{k}={param_text(v)}" for k, v in equation.params.items() if not programs(v))
    left = ", ".join(map(names, equation.outputs))
    return f"{left} = {equation.primitive.name}{f'[{params}]' if params else ''} {operands}".rstrip()


def _links(sources: Sequence[Var], equations: Sequence[Equation], shown: Sequence[Shown]) -> list[Link]:
    owner = {k: s for s in shown for k in s.items}
    made = {var: owner[k] for k, var in enumerate(sources)}
    found: dict[Link, None] = {}
    for k, equation in enumerate(equations, len(sources)):
        for position, atom in enumerate(equation.inputs):
            if isinstance(atom, Var) and made[atom] is not owner[k]:
                # an operand that is read twice by one equation has two lines, folded ones have one
                tip = "" if owner[k].title or made[atom].title else f"operand {position}"
                found[Link(made[atom].key, owner[k].key, tip=tip)] = None
        made |= dict.fromkeys(equation.outputs, owner[k])
    return list(found)
