"""Layout: transposes pushed through elementwise operations to the products that take them into their axes."""

from __future__ import annotations

from dataclasses import replace

from wengert.core.program import Atom, Equation, Literal, Program, Var
from wengert.ops.shape import transpose
from wengert.rewrite.edit import Editor, uses

TAKES = frozenset(["dot", "transpose"])


def layout(program: Program) -> Program:
    """Where only products read what is made of transposed arrays, it is made first and transposed then."""
    if not any(e.primitive is transpose for e in program.equations):
        return program
    editor = Editor(program)
    count = uses(program)
    late = only_read_by_products(program)
    for equation in program.equations:
        inputs = editor.inputs(equation)
        now = equation if inputs is equation.inputs else replace(equation, inputs=inputs)
        out = pushed(editor, now, count) if equation.outputs[0] in late else None
        if out is None:
            editor.append(now)
        else:
            editor.replace(equation.outputs, (out,))
    return editor.finish() if editor.replaced else program


def only_read_by_products(program: Program) -> set[Var]:
    """The results of elementwise equations that go into products and transposes, by way of more such equations."""
    outside = {a for a in program.outputs if isinstance(a, Var)}
    for equation in reversed(program.equations):
        name, family = equation.primitive.name, equation.primitive.family
        if name in TAKES or (family == "elementwise" and outside.isdisjoint(equation.outputs)):
            continue
        outside.update(a for a in equation.inputs if isinstance(a, Var))
    return {
        e.outputs[0] for e in program.equations if e.primitive.family == "elementwise" and e.outputs[0] not in outside
    }


def pushed(editor: Editor, equation: Equation, count: dict[Var, int]) -> Atom | None:
    """An elementwise equation on what its operands were before a transpose that they share, transposed after."""
    axes = None
    inputs: list[Atom] = []
    for atom in equation.inputs:
        if not atom.aval.ndim:
            inputs.append(atom)
            continue
        made = None if isinstance(atom, Literal) else editor.made.get(atom)
        if made is None or made.primitive is not transpose or count.get(made.outputs[0], 1) > 1:
            return None
        if axes is not None and made.params["axes"] != axes:
            return None
        axes = made.params["axes"]
        inputs.append(made.inputs[0])
    if axes is None or len(axes) != equation.outputs[0].aval.ndim:
        return None
    return editor.emit(
        transpose, editor.emit_all(equation.primitive, inputs, equation.params, equation.line)[0], axes=axes
    )
