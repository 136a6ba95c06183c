"""A ``scan`` taken apart and put together again, for the passes that move equations out of loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wengert.core.program import Atom, Equation, Program, Var
from wengert.core.types import Aval
from wengert.rewrite.edit import Editor, changed

MOST = 1 << 28  # bytes up to which the values of all steps are kept at once


@dataclass(slots=True)
class Loop:
    """A scan's inputs outside (``…_from``) and inside its body, its equations, and its results."""

    equation: Equation
    constants: list[Var]
    constants_from: list[Atom]
    carry: list[Var]
    carry_from: list[Atom]
    xs: list[Var]
    xs_from: list[Atom]
    equations: list[Equation]
    carry_out: list[Atom]
    ys_out: list[Atom]
    results: list[Var]  # of the whole scan, as many as there are outputs

    @property
    def length(self) -> int:
        """How many steps are taken."""
        return self.equation.params["length"]

    def stacked(self, aval: Aval) -> Aval:
        """The type of all steps' values of a type."""
        return Aval((self.length, *aval.shape), aval.dtype, "array")

    def affordable(self, aval: Aval) -> bool:
        """Whether all steps' values fit in memory."""
        return aval.size * aval.dtype.itemsize * self.length <= MOST

    def constant(self, outer: Atom, inner: Var) -> None:
        """One more constant."""
        self.constants.append(inner)
        self.constants_from.append(outer)

    def run_over(self, array: Atom, inner: Var) -> None:
        """One more array to run over."""
        self.xs.append(inner)
        self.xs_from.append(array)

    def keep(self, atom: Atom) -> Var:
        """The variable, outside, of a value of the body in all steps, stacked."""
        for k, y in enumerate(self.ys_out):
            if y is atom:
                return self.results[len(self.carry) + k]
        self.ys_out.append(atom)
        var = Var(self.stacked(atom.aval))
        self.results.append(var)
        return var

    def drop_carry(self, k: int) -> Var:
        """Remove one carry; gives the variable that held its last value."""
        for items in (self.carry, self.carry_from, self.carry_out):
            del items[k]
        return self.results.pop(k)


def opened(equation: Equation, inputs: Sequence[Atom]) -> Loop:
    """A scan taken apart."""
    params = equation.params
    body: Program = params["body"]
    n, at = params["constants"], params["constants"] + params["carry"]
    return Loop(
        equation,
        list(body.inputs[:n]), list(inputs[:n]),
        list(body.inputs[n:at]), list(inputs[n:at]),
        list(body.inputs[at:]), list(inputs[at:]),
        list(body.equations),
        list(body.outputs[: params["carry"]]), list(body.outputs[params["carry"] :]),
        list(equation.outputs),
    )  # fmt: skip


def closed(loop: Loop, editor: Editor) -> None:
    """Append a scan put together again; its results keep their variables."""
    body: Program = loop.equation.params["body"]
    body = changed(
        body, inputs=(*loop.constants, *loop.carry, *loop.xs), equations=tuple(loop.equations),
        outputs=(*loop.carry_out, *loop.ys_out),
    )  # fmt: skip
    params = {**loop.equation.params, "body": body, "constants": len(loop.constants), "carry": len(loop.carry)}
    inputs = (*loop.constants_from, *loop.carry_from, *loop.xs_from)
    editor.append(replace(loop.equation, inputs=inputs, outputs=tuple(loop.results), params=params))
