"""Dead code: what no output needs goes, also inside loops and branches, and the operands that fed it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from wengert.core.program import Atom, Equation, Program, Var
from wengert.rewrite.edit import changed

Mask = list[bool]
Prune = Callable[[Equation, Mask], Equation]


def dce(program: Program) -> Program:
    """Equations, constants, and outputs and carries of loops that no output depends on are removed."""
    needed = variables(program.outputs)
    kept: list[Equation] = []
    touched = False
    for equation in reversed(program.equations):
        used = [v in needed for v in equation.outputs]
        if not any(used):
            touched = True
            continue
        prune = PRUNE.get(equation.primitive.name)
        if prune is not None:
            pruned = prune(equation, used)
            touched |= pruned is not equation
            equation = pruned
        needed.update(variables(equation.inputs))
        kept.append(equation)
    constants = tuple(pair for pair in program.constants if pair[0] in needed)
    if not touched and len(constants) == len(program.constants):
        return program
    return changed(program, constants=constants, equations=tuple(reversed(kept)))


def variables(atoms: Sequence[Atom]) -> set[Var]:
    """The variables among atoms."""
    return {a for a in atoms if isinstance(a, Var)}


def read_by(program: Program, outputs: Mask) -> Mask:
    """Which inputs the chosen outputs depend on."""
    needed = variables(chosen(program.outputs, outputs))
    for equation in reversed(program.equations):
        if not needed.isdisjoint(equation.outputs):
            needed.update(variables(equation.inputs))
    return [v in needed for v in program.inputs]


def chosen(items: Sequence[Any], mask: Mask) -> tuple[Any, ...]:
    """The items that the mask chooses."""
    return tuple(x for x, use in zip(items, mask, strict=True) if use)


def narrowed(program: Program, inputs: Mask, outputs: Mask) -> Program:
    """A Program with the chosen inputs and outputs only."""
    return dce(changed(program, inputs=chosen(program.inputs, inputs), outputs=chosen(program.outputs, outputs)))


def prune_call(equation: Equation, used: Mask) -> Equation:
    """Unused results of a call are not computed, operands that nothing reads not handed over."""
    body = equation.params["program"]
    read = read_by(body, used)
    if all(used) and all(read):
        return equation
    params = {**equation.params, "program": narrowed(body, read, used)}
    return replace(
        equation, inputs=chosen(equation.inputs, read), outputs=chosen(equation.outputs, used), params=params
    )


def prune_cond(equation: Equation, used: Mask) -> Equation:
    """The same for all branches together."""
    branches = equation.params["branches"]
    read = [any(column) for column in zip(*(read_by(b, used) for b in branches), strict=True)]
    if all(used) and all(read):
        return equation
    params = {**equation.params, "branches": tuple(narrowed(b, read, used) for b in branches)}
    inputs = (equation.inputs[0], *chosen(equation.inputs[1:], read))
    return replace(equation, inputs=inputs, outputs=chosen(equation.outputs, used), params=params)


def prune_scan(equation: Equation, used: Mask) -> Equation:
    """Results that nobody needs, and carries that are read by nothing but themselves."""
    params = equation.params
    body, constants, carry = params["body"], params["constants"], params["carry"]
    needed = list(used)
    while True:
        read = read_by(body, needed)
        more = [n or read[constants + k] if k < carry else n for k, n in enumerate(needed)]
        if more == needed:
            break
        needed = more
    # a carry whose result is needed stays, with its operand, also where no step reads it
    read = [needed[k - constants] if constants <= k < constants + carry else r for k, r in enumerate(read)]
    if all(needed) and all(read):
        return equation
    new = {
        **params,
        "body": narrowed(body, read, needed),
        "constants": sum(read[:constants]),
        "carry": sum(needed[:carry]),
    }
    return replace(equation, inputs=chosen(equation.inputs, read), outputs=chosen(equation.outputs, needed), params=new)


def prune_while(equation: Equation, used: Mask) -> Equation:
    """Carries that neither the test, nor a needed carry, nor the rest of the Program reads."""
    params = equation.params
    test, body = params["test"], params["body"]
    n_test, n_body = params["test_constants"], params["body_constants"]
    tested = read_by(test, [True])
    needed = [u or t for u, t in zip(used, tested[n_test:], strict=True)]
    while True:
        read = read_by(body, needed)
        more = [n or r for n, r in zip(needed, read[n_body:], strict=True)]
        if more == needed:
            break
        needed = more
    masks = tested[:n_test], read[:n_body], needed
    if all(map(all, masks)):
        return equation
    new = {
        **params,
        "test": narrowed(test, [*masks[0], *needed], [True]),
        "body": narrowed(body, [*masks[1], *needed], needed),
        "test_constants": sum(masks[0]),
        "body_constants": sum(masks[1]),
    }
    inputs = chosen(equation.inputs, [*masks[0], *masks[1], *needed])
    return replace(equation, inputs=inputs, outputs=chosen(equation.outputs, needed), params=new)


PRUNE: dict[str, Prune] = {"call": prune_call, "cond": prune_cond, "scan": prune_scan, "while_loop": prune_while}
