"""Hoisting: what need not be done in each step of a loop is done before it, or after it for all steps at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from wengert.core.program import Atom, Equation, Literal, Program, Var
from wengert.ops.elementwise import add
from wengert.ops.products import dot, remaining
from wengert.ops.reduce import reduce_sum
from wengert.ops.shape import transpose
from wengert.rewrite.edit import Editor, changed
from wengert.rewrite.loops import Loop, closed, opened

# what costs less to do than to keep, where nothing that is hoisted needs it
CHEAP = frozenset(["broadcast_to", "reshape", "transpose", "getitem", "cast"])


def hoist(program: Program) -> Program:
    """Equations of constants alone are moved out of loops, and carries that never change become constants."""
    if not any(e.primitive.name in ("scan", "while_loop") for e in program.equations):
        return program
    editor = Editor(program)
    touched = False
    for equation in program.equations:
        inputs = editor.inputs(equation)
        if equation.primitive.name == "scan":
            loop = opened(equation, inputs)
            if steady_carries(loop, editor) | slices_handed_on(loop, editor) | invariants_of_scan(loop, editor):
                closed(loop, editor)
                touched = True
                continue
        elif equation.primitive.name == "while_loop":
            new = while_invariants(replace(equation, inputs=inputs), editor)
            if new is not None:
                editor.append(new)
                touched = True
                continue
        editor.keep(equation)
    return editor.finish() if touched else program


def batch_products(program: Program) -> Program:
    """Products of what loops run over, and sums of products over all steps, become one product outside the loop."""
    if not any(e.primitive.name == "scan" for e in program.equations):
        return program
    editor = Editor(program)
    touched = False
    for equation in program.equations:
        if equation.primitive.name == "scan":
            loop = opened(equation, editor.inputs(equation))
            before = products_of_slices(loop, editor)
            sums = sums_of_products(loop)
            if before or sums:
                closed(loop, editor)
                for total in sums:
                    emit_total(editor, *total)
                touched = True
                continue
        editor.keep(equation)
    return editor.finish() if touched else program


# ---- what is the same in each step


def steady_carries(loop: Loop, editor: Editor) -> bool:
    """A carry that each step hands on as it is."""
    found = False
    for k in range(len(loop.carry) - 1, -1, -1):
        if loop.carry_out[k] is loop.carry[k]:
            loop.constant(loop.carry_from[k], loop.carry[k])
            outer = loop.carry_from[k]
            editor.replace((loop.drop_carry(k),), (outer,))
            found = True
    return found


def slices_handed_on(loop: Loop, editor: Editor) -> bool:
    """A result that is what the loop runs over."""
    found = False
    for k in range(len(loop.ys_out) - 1, -1, -1):
        if loop.ys_out[k] in loop.xs:
            outer = outside(loop, loop.ys_out.pop(k))
            editor.replace((loop.results.pop(len(loop.carry) + k),), (outer,))
            found = True
    return found


def invariants_of_scan(loop: Loop, editor: Editor) -> bool:
    """Equations of the body that read constants alone."""
    outer = dict(zip(loop.constants, loop.constants_from, strict=True))
    bound: dict[Var, Any] = dict(loop.equation.params["body"].constants)
    moved, left = moved_out(loop.equations, outer, bound, loop.carry_out + loop.ys_out, editor)
    for inner, atom in moved.items():
        loop.constant(atom, inner)
    loop.equations = left
    return bool(moved)


def while_invariants(equation: Equation, editor: Editor) -> Equation | None:
    """The same for the body of a ``while_loop``."""
    params = equation.params
    body: Program = params["body"]
    n_test, n_body = params["test_constants"], params["body_constants"]
    outer = dict(zip(body.inputs[:n_body], equation.inputs[n_test : n_test + n_body], strict=True))
    moved, left = moved_out(list(body.equations), outer, dict(body.constants), list(body.outputs), editor)
    if not moved:
        return None
    inputs = (*body.inputs[:n_body], *moved, *body.inputs[n_body:])
    new = changed(body, inputs=inputs, equations=tuple(left))
    at = n_test + n_body
    operands = (*equation.inputs[:at], *moved.values(), *equation.inputs[at:])
    return replace(equation, inputs=operands, params={**params, "body": new, "body_constants": n_body + len(moved)})


def moved_out(
    equations: list[Equation], outer: dict[Var, Atom], bound: dict[Var, Any], outputs: list[Atom], editor: Editor
) -> tuple[dict[Var, Atom], list[Equation]]:
    """Move equations of constants out: which variables of the body become constants, and what remains in it."""
    fixed: dict[Var, Equation] = {}
    known = outer.keys() | bound.keys()
    for equation in equations:
        if all(isinstance(a, Literal) or a in known or a in fixed for a in equation.inputs):
            fixed.update(dict.fromkeys(equation.outputs, equation))
    costly = {id(e) for e in fixed.values() if e.primitive.name not in CHEAP}
    if not costly:
        return {}, equations
    left = [e for e in equations if id(e) not in costly]
    read = {a for e in left for a in e.inputs} | set(outputs)
    wanted = [v for v, e in fixed.items() if id(e) in costly and v in read]
    atoms = dict(outer)

    def emitted(var: Var) -> Atom:
        if var in bound and var not in atoms:
            atoms[var] = fresh = Var(var.aval)
            editor.constants.append((fresh, bound[var]))
        if var not in atoms:
            equation = fixed[var]
            inputs = [a if isinstance(a, Literal) else emitted(a) for a in equation.inputs]
            new = editor.emit_all(equation.primitive, inputs, equation.params, equation.line)
            atoms.update(zip(equation.outputs, new, strict=True))
        return atoms[var]

    return {v: emitted(v) for v in wanted}, left


# ---- products of slices, before the loop


def products_of_slices(loop: Loop, editor: Editor) -> bool:
    """``dot(x_t, W)`` of a slice and a constant, or of two slices, for all steps at once; the loop runs over it."""
    found = False
    for k in range(len(loop.equations) - 1, -1, -1):
        equation = loop.equations[k]
        if equation.primitive is not dot or not loop.affordable(equation.outputs[0].aval):
            continue
        sliced = [isinstance(a, Var) and a in loop.xs for a in equation.inputs]
        fixed = [isinstance(a, Var) and a in loop.constants for a in equation.inputs]
        if any(sliced) and all(s or f for s, f in zip(sliced, fixed, strict=True)):
            atoms = [outside(loop, a) for a in equation.inputs]
            loop.run_over(batched_dot(editor, equation, atoms, sliced), equation.outputs[0])
            del loop.equations[k]
            found = True
    return found


def outside(loop: Loop, atom: Atom) -> Atom:
    """What an input of the body is outside: a constant, or the array that is run over."""
    for inner, outer in zip((*loop.xs, *loop.constants), (*loop.xs_from, *loop.constants_from), strict=True):
        if inner is atom:
            return outer
    raise KeyError(atom)


def batched_dot(editor: Editor, equation: Equation, atoms: list[Atom], sliced: list[bool]) -> Var:
    """A dot for all steps; the steps are the result's first axis."""
    contract, batch = shifted(equation.params["contract"], sliced), shifted(equation.params["batch"], sliced)
    if all(sliced):
        batch = ((0, *batch[0]), (0, *batch[1]))
    out = editor.emit(dot, *atoms, line=equation.line, contract=contract, batch=batch)
    n = len(batch[0])
    at = 0 if all(sliced) else n if sliced[0] else n + len(remaining(atoms[0].aval.ndim, contract[0], batch[0]))
    if not at:
        return out
    return editor.emit(transpose, out, axes=(at, *(k for k in range(out.aval.ndim) if k != at)))


def shifted(pair: Any, sliced: Iterable[bool]) -> Any:
    """Axes of operands that have an axis more in front."""
    return tuple(tuple(axis + s for axis in axes) for axes, s in zip(pair, sliced, strict=True))


# ---- sums of products, after the loop

Total = tuple[Var, Atom, Equation, list[Atom]]


def sums_of_products(loop: Loop) -> list[Total]:
    """Carries that each step adds a product to, as the gradients of weights are.

    What is multiplied is kept for all steps; sums of what is kept go the same way.
    """
    totals: list[Total] = []
    for primitive in (dot, reduce_sum):
        for k in range(len(loop.carry) - 1, -1, -1):
            term = added(loop, k, primitive)
            if term is None:
                continue
            stacked = [stack(loop, a, primitive is dot) for a in term.inputs]
            if any(a is None for a in stacked):
                continue
            first = loop.carry_from[k]
            totals.append((loop.drop_carry(k), first, term, [a for a in stacked if a is not None]))
    if totals:
        read = {a for e in loop.equations for a in e.inputs} | set(loop.carry_out) | set(loop.ys_out)
        gone = {id(e) for e in loop.equations if e.primitive is add and e.outputs[0] not in read}
        loop.equations = [e for e in loop.equations if id(e) not in gone]
    return totals


def added(loop: Loop, k: int, primitive: Any) -> Equation | None:
    """The equation of this primitive whose result is all that a step does to a carry; None if there is none."""
    out, carry = loop.carry_out[k], loop.carry[k]
    made = {v: e for e in loop.equations for v in e.outputs}
    total = made.get(out) if isinstance(out, Var) else None
    if total is None or total.primitive is not add or carry not in total.inputs or carry.aval.dtype.kind not in "fc":
        return None
    other = total.inputs[1] if total.inputs[0] is carry else total.inputs[0]
    term = made.get(other) if isinstance(other, Var) else None
    readers = sum(a is carry or a is out for e in loop.equations for a in e.inputs)
    outputs = sum(a is out or a is carry for a in (*loop.carry_out, *loop.ys_out))
    if (
        term is None
        or term.primitive is not primitive
        or term.params.get("keepdims")
        or readers != 1
        or outputs != 1
        or other.aval != carry.aval
    ):
        return None
    return term


def stack(loop: Loop, atom: Atom, new: bool) -> Atom | None:
    """The values of an operand in all steps: what is run over, or what the loop keeps, or, if ``new``, could keep."""
    if isinstance(atom, Literal) or atom in loop.constants:
        return None
    if atom in loop.xs:
        return outside(loop, atom)
    if new or any(y is atom for y in loop.ys_out):
        return loop.keep(atom) if loop.affordable(atom.aval) and atom.aval.kind == "array" else None
    return None


def emit_total(editor: Editor, result: Var, first: Atom, term: Equation, stacked: list[Atom]) -> None:
    """The sum over all steps, as one product or one sum, added to what the carry started from."""
    params = term.params
    if term.primitive is dot:
        contract, batch = (shifted(params[key], (True, True)) for key in ("contract", "batch"))
        contract = ((0, *contract[0]), (0, *contract[1]))
        total = editor.emit(dot, *stacked, line=term.line, contract=contract, batch=batch)
    else:
        axes = (0, *(axis + 1 for axis in params["axes"]))
        total = editor.emit(reduce_sum, *stacked, line=term.line, axes=axes, keepdims=False)
    editor.replace((result,), (editor.emit(add, first, total, line=term.line),))


# ---- operands as products want them


def arrange(program: Program) -> Program:
    """A matrix that every step of a loop multiplies by its transpose is transposed once, before the loop."""
    if not any(e.primitive.name == "scan" for e in program.equations):
        return program
    editor = Editor(program)
    touched = False
    for equation in program.equations:
        if equation.primitive.name == "scan" and equation.params["length"] > FEW:
            loop = opened(equation, editor.inputs(equation))
            if transposed_constants(loop, editor):
                closed(loop, editor)
                touched = True
                continue
        editor.keep(equation)
    return editor.finish() if touched else program


FEW = 4  # steps for which nothing is arranged


def transposed_constants(loop: Loop, editor: Editor) -> bool:
    """Products whose second operand is a constant that lies the other way round."""
    turned: dict[Var, Var] = {}
    for k, equation in enumerate(loop.equations):
        if equation.primitive is not dot or equation.params["contract"][1] != (1,) or equation.params["batch"][1]:
            continue
        a, b = equation.inputs
        if not isinstance(b, Var) or b not in loop.constants or b.aval.ndim != 2:
            continue
        if b not in turned:
            outer = loop.constants_from[loop.constants.index(b)]
            turned[b] = Var(replace(b.aval, shape=b.aval.shape[::-1]))
            loop.constant(editor.emit(transpose, outer, axes=(1, 0)), turned[b])
        contract = (equation.params["contract"][0], (0,))
        loop.equations[k] = replace(
            equation, inputs=(a, turned[b]), params={**equation.params, "contract": contract}
        )  # fmt: skip
    return bool(turned)
