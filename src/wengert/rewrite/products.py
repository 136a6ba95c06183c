"""Products: matmul and einsum become ``dot``, which the compiler knows, and transposes go into its axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from wengert.core.program import Atom, Equation, Literal, Program, Var
from wengert.ops.elementwise import multiply
from wengert.ops.products import dot, remaining
from wengert.ops.reduce import reduce_sum
from wengert.ops.shape import inverse, reshape, transpose
from wengert.rewrite.edit import Editor, uses

Labels = tuple[int, ...]


def products(program: Program) -> Program:
    """Every product of two arrays as ``dot``, and of more of them as several."""
    editor = Editor(program)
    count = uses(program)
    for equation in program.equations:
        inputs = editor.inputs(equation)
        now = equation if inputs is equation.inputs else replace(equation, inputs=inputs)
        out = product(editor, now, count)
        if out is None:
            editor.append(now)
        else:
            editor.replace(equation.outputs, (out,))
    return editor.finish() if editor.replaced else program


def broadcast_products(program: Program) -> Program:
    """Sums of broadcast products, ``sum(a[:, :, None] * b, axis=1)``, as ``dot``: only under ``fast_math``."""
    editor = Editor(program)
    count = uses(program)
    for equation in program.equations:
        out = summed_product(editor, equation, count) if equation.primitive is reduce_sum else None
        if out is None:
            editor.keep(equation)
        else:
            editor.replace(equation.outputs, (out,))
    return editor.finish() if editor.replaced else program


def product(editor: Editor, equation: Equation, count: dict[Var, int]) -> Atom | None:
    """What takes the place of one equation; None if it stays."""
    name = equation.primitive.name
    if name == "matmul":
        return of_labels(editor, equation, *labels_of_matmul(equation))
    if name == "einsum":
        inputs, output = equation.params["inputs"], equation.params["output"]
        return of_labels(editor, equation, [tuple(map(ord, s)) for s in inputs], tuple(map(ord, output)))
    if name == "dot":
        return absorbed(editor, equation)
    if name == "transpose":
        return turned(editor, equation, count)
    return None


def labels_of_matmul(equation: Equation) -> tuple[list[Labels], Labels]:
    """A matmul as an einsum: labels 0 for rows, 1 for what is summed, 2 for columns, higher ones for the batch."""
    left, right = (a.aval.ndim for a in equation.inputs)
    batch = tuple(range(max(left, right), 2, -1))
    first: Labels = (*batch[len(batch) - left + 2 :], 0, 1) if left > 1 else (1,)
    second: Labels = (*batch[len(batch) - right + 2 :], 1, 2) if right > 1 else (1,)
    return [first, second], (*batch, *(c for c in (0, 2) if c in first + second))


def of_labels(editor: Editor, equation: Equation, inputs: list[Labels], output: Labels) -> Atom | None:
    """An einsum by sums, transposes and dots; None where an operand has a label twice, or sums would widen."""
    kinds = {a.aval.dtype for a in equation.inputs} | {equation.outputs[0].aval.dtype}
    if any(len(set(labels)) < len(labels) for labels in inputs) or any(
        d.kind not in "fc" and d.char != "l" for d in kinds
    ):
        return None
    if not all(a.aval.kind == "array" for a in equation.inputs):
        return None
    sizes: dict[int, int] = {}
    for atom, labels in zip(equation.inputs, inputs, strict=True):
        for label, n in zip(labels, atom.aval.shape, strict=True):
            sizes[label] = n if sizes.get(label, 1) == 1 else sizes[label]
    terms = [squeezed(editor, *term, sizes) for term in zip(equation.inputs, inputs, strict=True)]
    for i, j in path(terms, output, sizes):
        a, b = terms[i], terms[j]
        rest = [t for k, t in enumerate(terms) if k not in (i, j)]
        wanted = set(output).union(*(labels for _, labels in rest))
        terms = [*rest, pair(editor, a, b, wanted, output)]
    atom, labels = summed(editor, *terms[0], set(output))
    if atom.aval.dtype != equation.outputs[0].aval.dtype or len(labels) < len(output):
        return None  # a broadcast axis that no operand has at full length, or a type that promotion would not give
    return transposed(editor, atom, tuple(labels.index(c) for c in output))


def path(terms: Sequence[tuple[Atom, Labels]], output: Labels, sizes: dict[int, int]) -> list[tuple[int, int]]:
    """In which order to multiply more than two operands: NumPy's greedy choice."""
    if len(terms) < 3:
        return [(0, 1)] * (len(terms) - 1)
    letters = {label: k for k, label in enumerate(sizes)}
    operands = [
        x for _, labels in terms
        for x in (np.broadcast_to(0.0, tuple(sizes[c] for c in labels)), [letters[c] for c in labels])
    ]  # fmt: skip
    found, _ = np.einsum_path(*operands, [letters[c] for c in output], optimize="greedy")
    if any(len(step) != 2 for step in found[1:]):  # several at once: one after the other then
        return [(0, 1)] * (len(terms) - 1)
    return found[1:]  # type: ignore[return-value]


def squeezed(editor: Editor, atom: Atom, labels: Labels, sizes: dict[int, int]) -> tuple[Atom, Labels]:
    """An operand without the axes of length one that stretch, as it was before it was transposed."""
    made = editor.made.get(atom) if isinstance(atom, Var) else None
    if made is not None and made.primitive is transpose:
        atom, labels = made.inputs[0], tuple(labels[k] for k in inverse(made.params["axes"]))
    kept = [(c, n) for c, n in zip(labels, atom.aval.shape, strict=True) if n == sizes[c]]
    if len(kept) == len(labels):
        return atom, labels
    return editor.emit(reshape, atom, shape=tuple(n for _, n in kept)), tuple(c for c, _ in kept)


def summed(editor: Editor, atom: Atom, labels: Labels, wanted: set[int]) -> tuple[Atom, Labels]:
    """An operand summed over the axes that nothing else has."""
    axes = tuple(k for k, c in enumerate(labels) if c not in wanted)
    if not axes:
        return atom, labels
    return editor.emit(reduce_sum, atom, axes=axes, keepdims=False), tuple(c for c in labels if c in wanted)


def transposed(editor: Editor, atom: Atom, axes: tuple[int, ...]) -> Atom:
    """An array with its axes in this order."""
    return atom if axes == tuple(range(len(axes))) else editor.emit(transpose, atom, axes=axes)


def pair(
    editor: Editor, a: tuple[Atom, Labels], b: tuple[Atom, Labels], wanted: set[int], output: Labels
) -> tuple[Atom, Labels]:
    """The product of two operands, in the order that suits the result, and the labels of its axes."""
    x, first = summed(editor, *a, wanted | set(b[1]))
    y, second = summed(editor, *b, wanted | set(first))
    both = [c for c in first if c in second]
    inner = tuple(c for c in both if c not in wanted)
    order = {c: k for k, c in enumerate(output)}
    shared = tuple(sorted((c for c in both if c in wanted), key=lambda c: order.get(c, -1)))
    if not inner:
        return spread_product(editor, (x, first), (y, second), output)
    free = [tuple(c for c in labels if c not in both) for labels in (first, second)]
    if (*shared, *free[0], *free[1]) != output and (*shared, *free[1], *free[0]) == output:
        x, first, y, second, free = y, second, x, first, free[::-1]
    contract = (tuple(map(first.index, inner)), tuple(map(second.index, inner)))
    batch = (tuple(map(first.index, shared)), tuple(map(second.index, shared)))
    return editor.emit(dot, x, y, contract=contract, batch=batch), (*shared, *free[0], *free[1])


def spread_product(
    editor: Editor, a: tuple[Atom, Labels], b: tuple[Atom, Labels], output: Labels
) -> tuple[Atom, Labels]:
    """A product with nothing to sum: multiplied where both are stretched to the axes of the result."""
    labels = tuple(dict.fromkeys((*(c for c in output if c in a[1] + b[1]), *a[1], *b[1])))
    stretched: list[Atom] = []
    for atom, own in (a, b):
        turned = transposed(editor, atom, tuple(own.index(c) for c in labels if c in own))
        sizes = iter(turned.aval.shape)
        shape = tuple(next(sizes) if c in own else 1 for c in labels)
        stretched.append(turned if shape == turned.aval.shape else editor.emit(reshape, turned, shape=shape))
    return editor.emit(multiply, *stretched), labels


# ---- transposes


def absorbed(editor: Editor, equation: Equation) -> Atom | None:
    """A dot of what its operands were before they were transposed, where the result's axes stay in order."""
    contract, batch = list(equation.params["contract"]), list(equation.params["batch"])
    inputs = list(equation.inputs)
    for k, atom in enumerate(inputs):
        made = editor.made.get(atom) if isinstance(atom, Var) else None
        if made is None or made.primitive is not transpose:
            continue
        axes = made.params["axes"]
        free = tuple(axes[i] for i in remaining(len(axes), contract[k], batch[k]))
        if free == tuple(sorted(free)):
            inputs[k] = made.inputs[0]
            contract[k], batch[k] = (tuple(axes[i] for i in group[k]) for group in (contract, batch))
    if inputs == list(equation.inputs):
        return None
    return editor.emit(dot, *inputs, line=equation.line, contract=tuple(contract), batch=tuple(batch))


def turned(editor: Editor, equation: Equation, count: dict[Var, int]) -> Atom | None:
    """The transpose of a dot as the dot of its operands in the other order, where nothing else reads the dot."""
    (atom,) = equation.inputs
    made = editor.made.get(atom) if isinstance(atom, Var) else None
    if made is None or made.primitive is not dot or count.get(atom, 1) > 1:  # type: ignore[arg-type]
        return None
    contract, batch = made.params["contract"], made.params["batch"]
    n = len(batch[0])
    free = [a.aval.ndim - len(contract[k]) - n for k, a in enumerate(made.inputs)]
    swapped = (*range(n), *range(n + free[0], n + sum(free)), *range(n, n + free[0]))
    if equation.params["axes"] != swapped:
        return None
    return editor.emit(dot, *made.inputs[::-1], line=made.line, contract=contract[::-1], batch=batch[::-1])


# ---- sums of products, under fast_math


def summed_product(editor: Editor, equation: Equation, count: dict[Var, int]) -> Atom | None:
    """``sum(a * b)`` as a dot where each operand is stretched along axes of the result: else a loop is as good."""
    (atom,) = editor.inputs(equation)
    made = editor.made.get(atom) if isinstance(atom, Var) else None
    if made is None or made.primitive is not multiply or count.get(atom, 1) > 1 or equation.params["keepdims"]:  # type: ignore[arg-type]
        return None
    if any(isinstance(a, Literal) or a.aval.kind != "array" for a in made.inputs):
        return None
    n = atom.aval.ndim
    axes = equation.params["axes"]
    labels = [tuple(range(n - a.aval.ndim, n)) for a in made.inputs]
    long = [
        {c for c, size in zip(own, a.aval.shape, strict=True) if size > 1}
        for own, a in zip(labels, made.inputs, strict=True)
    ]
    if (
        not (long[0] & long[1] & set(axes))
        or not (long[0] - long[1] - set(axes))
        or not (long[1] - long[0] - set(axes))
    ):
        return None
    joint = replace(made, outputs=equation.outputs)
    return of_labels(editor, joint, labels, tuple(k for k in range(n) if k not in axes))
