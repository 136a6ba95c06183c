r"""How the upstream gradient goes back through operations on whole arrays, in the notation of matrices.

Each row has the pullback as text and in LaTeX. ``{g}`` is the upstream gradient, ``{z}`` the operation's value, ``{x}``
and ``{y}`` its first and second operands; \bar z in LaTeX is the gradient with respect to z. M. Giles, "An extended
collection of matrix derivative results for forward and reverse mode algorithmic differentiation", 2008.
"""

from __future__ import annotations

from typing import Any

from wengert.core.types import ndim_of, shape_of
from wengert.explain.formulas.shaped import index_text, latex_index, latex_shape, plain_shape
from wengert.explain.formulas.spelling import barred
from wengert.explain.graph import Edge, Step, size_of

__all__ = ["pullback"]

Row = tuple[str, str]
_T = "^{{\\top}}"

_TABLE: dict[str, tuple[Row, ...]] = {
    "cast": (("{g}", "{g}"),),
    "checked": (("{g}", "{g}"),),
    "cumsum": (("{g} summed from the end", r"\operatorname{{cumsum}}^{{\top}} {g}"),),
    "fft": (("fft({g})", r"\mathcal{{F}} {g}"),),
    "rfft": (("rfftᵀ({g})", r"\mathcal{{F}}^{{\top}} {g}"),),
    "irfft": (("irfftᵀ({g})", r"(\mathcal{{F}}^{{-1}})^{{\top}} {g}"),),
    "trigonometric": (("Cᵀ {g}", r"\mathcal{{C}}^{{\top}} {g}"),),
    "det": (("{g}·{z}·inv({x})ᵀ", r"{g} \, {z} \, {x}^{{-\top}}"),),
    "cofactor": (("upstream through the cofactors of {x}", r"\left(\partial {z} / \partial {x}\right)^{{\top}} {g}"),),
    "slogdet": (("{g}[1]·inv({x})ᵀ", r"{g}[1] \, {x}^{{-\top}}"),),
    "inv": (("−{z}ᵀ @ {g} @ {z}ᵀ", r"-{z}^{{\top}} \, {g} \, {z}^{{\top}}"),),
    "solve": (
        ("−outer(solve({x}ᵀ, {g}), {z})", r"-{x}^{{-\top}} {g} \, {z}^{{\top}}"),
        ("solve({x}ᵀ, {g})", r"{x}^{{-\top}} {g}"),
    ),
    "eigvalsh": (("V diag({g}) Vᵀ, V the eigenvectors", r"V \operatorname{{diag}}({g}) \, V^{{\top}}"),),
    "svdvals": (("U diag({g}) Vᵀ, of the SVD", r"U \operatorname{{diag}}({g}) \, V^{{\top}}"),),
    "euclidean": (("{g}·{x} / {z}", r"\frac{{{x}}}{{{z}}} \, {g}"),),
    "prod": (("{g}·{z} / {x}", r"{g} \, \frac{{{z}}}{{{x}}}"),),
    "max": (("{g} where {x} = {z}, shared by those that tie", r"{g} \, [{x} = {z}]"),),
    "min": (("{g} where {x} = {z}, shared by those that tie", r"{g} \, [{x} = {z}]"),),
    "cumprod": (("sum from the end of ({g}·{z}), over {x}", r"\operatorname{{cumsum}}^{{\top}}({g} \odot {z}) / {x}"),),
    "running_max": (
        ("{g} added up where the maximum was set", r"\left(\partial {z} / \partial {x}\right)^{{\top}} {g}"),
    ),
    "conv": (
        ("{g} ⋆ {y}, transposed", r"{g} \star^{{\top}} {y}"),
        ("{x} ⋆ {g}, correlated", r"{x} \star {g}"),
    ),
    "convolve": (
        ("{g} correlated with {y}", r"{g} \star {y}"),
        ("{g} correlated with {x}", r"{g} \star {x}"),
    ),
}  # fmt: skip


def pullback(edge: Edge, plain: dict[str, str], tex: dict[str, str]) -> Row:
    """How an edge's contribution follows from the upstream gradient, as text and in LaTeX.

    ``plain`` and ``tex`` have names: of the first two operands ``x`` and ``y``, of the edge's ``own``, of the value
    ``z``.
    """
    step, k, name = edge.target, edge.position, edge.primitive.name
    words, signs = {"g": "upstream", **plain}, {"g": barred(tex["z"]), **tex}
    maker = _MADE.get(name)
    rows = maker(edge) if maker else _TABLE.get(name)
    row = rows[k] if rows and k < len(rows) else _general(step, k)
    return row[0].format(**words), row[1].format(**signs)


def _general(step: Step, _k: int) -> Row:
    name = step.primitive.name if step.primitive else ""
    return (
        f"{{g}} through {name}, transposed",
        rf"\left(\frac{{{{\partial {{z}}}}}}{{{{\partial {{own}}}}}}\right){_T} {{g}}",
    )


# ---- rows that depend on shapes and parameters


def _matmul(edge: Edge) -> tuple[Row, ...]:
    first, second = (ndim_of(x) for x in edge.target.values)
    if first == second == 1:
        return ("{g}·{y}", r"{g} \, {y}"), ("{g}·{x}", r"{g} \, {x}")
    if second == 1:
        return ("outer({g}, {y})", rf"{{g}} \, {{y}}{_T}"), ("{x}ᵀ @ {g}", rf"{{x}}{_T} \, {{g}}")
    if first == 1:
        return ("{y} @ {g}", r"{y} \, {g}"), ("outer({x}, {g})", rf"{{x}} \, {{g}}{_T}")
    return ("{g} @ {y}ᵀ", rf"{{g}} \, {{y}}{_T}"), ("{x}ᵀ @ {g}", rf"{{x}}{_T} \, {{g}}")


def _einsum(edge: Edge) -> tuple[Row, ...]:
    inputs, output = edge.target.params["inputs"], edge.target.params["output"]
    rows: list[Row] = []
    for k, labels in enumerate(inputs):
        others = [i for j, i in enumerate(inputs) if j != k]
        subscripts = f"{','.join([output, *others])}->{labels}"
        below = _braced(rf"\mathrm{{{_arrow(subscripts)}}}")
        rows.append(
            (f"einsum('{subscripts}', {{g}}, …)", rf"\operatorname{{{{einsum}}}}_{{{{{below}}}}} ({{g}}, \ldots)")
        )
    return tuple(rows)


def _arrow(subscripts: str) -> str:
    return subscripts.replace("->", r" \to ")


def _dot(_edge: Edge) -> tuple[Row, ...]:
    return ("{g} contracted with {y}", r"\langle {g}, {y} \rangle"), (
        "{g} contracted with {x}",
        r"\langle {g}, {x} \rangle",
    )


def _spread(edge: Edge) -> tuple[Row, ...]:
    shape = shape_of(edge.source.value)
    return ((f"{{g}}, broadcast to {shape}", rf"{{g}} \cdot \mathbf{{{{1}}}}_{{{{{latex_shape(shape)}}}}}"),)


def _stretched(edge: Edge) -> tuple[Row, ...]:
    if size_of(edge.source.value) == size_of(edge.target.value):
        return _reshape(edge)
    return (("{g}, summed over what was stretched", r"\sum {g}"),)


def _reshape(edge: Edge) -> tuple[Row, ...]:
    shape = shape_of(edge.source.value)
    return (
        (f"{{g}}.reshape({plain_shape(shape)})", rf"\operatorname{{{{reshape}}}}_{{{{{latex_shape(shape)}}}}} {{g}}"),
    )


def _transpose(edge: Edge) -> tuple[Row, ...]:
    axes = edge.target.params["axes"]
    if axes == tuple(reversed(range(len(axes)))):
        return (("{g}ᵀ", rf"{{g}}{_T}"),)
    back = tuple(axes.index(k) for k in range(len(axes)))
    return ((f"{{g}}.transpose{back}", rf"{{g}}^{{{{\top({','.join(map(str, back))})}}}}"),)


def _index_of(step: Step) -> str:
    if step.params.get("chain"):
        return "…"
    return ", ".join(map(index_text, step.params.get("index", ())))


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _getitem(edge: Edge) -> tuple[Row, ...]:
    index = _index_of(edge.target)
    return ((f"scatter {{g}} into [{_braced(index)}], zeros elsewhere",
             rf"\operatorname{{{{scatter}}}}_{{{{[{_braced(latex_index(index))}]}}}} {{g}}"),)  # fmt: skip


def _update(edge: Edge) -> tuple[Row, ...]:
    index = _braced(_index_of(edge.target))
    tex = _braced(latex_index(_index_of(edge.target)))
    return (f"{{g}}, zeros at [{index}]", rf"{{g}} \, \text{{{{with zeros at }}}} [{tex}]"), (
        f"{{g}}[{index}]", rf"{{g}}[{tex}]")  # fmt: skip


def _scatter(_edge: Edge) -> tuple[Row, ...]:
    return (("{g} at the places that were added to", r"{g}[\cdot]"),)


def _concatenate(edge: Edge) -> tuple[Row, ...]:
    axis, k = edge.target.params.get("axis", 0), edge.position
    lengths = [shape_of(x)[axis] if ndim_of(x) else 1 for x in edge.target.values[: k + 1]]
    part = ":, " * axis + f"{sum(lengths[:k])}:{sum(lengths)}"
    return (*[("", "")] * k, (f"{{g}}[{part}]", rf"{{g}}[{part}]"))


def _part(edge: Edge) -> tuple[Row, ...]:
    k = edge.target.params["k"]
    return ((f"{{g}}, as the gradient of output {k}", r"\left(\ldots, {g}, \ldots\right)"),)


_MADE: dict[str, Any] = {
    "matmul": _matmul, "einsum": _einsum, "dot": _dot, "sum": _spread, "broadcast_to": _stretched,
    "reshape": _reshape, "transpose": _transpose, "getitem": _getitem, "update": _update, "scatter_add": _scatter,
    "concatenate": _concatenate, "output": _part,
}  # fmt: skip
