"""Pictures of a comparison: the error against the step size, the growth of expressions, and a page with both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wengert.explain import page
from wengert.explain.charts.elements import Frame, color, escape, label, path, picture, place, tag, text_width
from wengert.explain.charts.numbers import Scale, number
from wengert.explain.comparing.numerical import STEPS, Curve

if TYPE_CHECKING:
    from wengert.explain.comparing.comparison import Comparison

__all__ = ["as_fragment", "as_page", "error_chart", "growth_chart"]

WIDTH, HEIGHT = 720, 420
FLOOR = 2e-17  # where an error of 0 is drawn
_COLORS = {"forward differences": "line1", "central differences": "line0", "complex step": "line2"}
_AUTOMATIC = "line3"


def error_chart(c: Comparison) -> str:
    """Errors of the numerical ways, both axes logarithmic, with the parts that theory knows and the best steps."""
    reverse = c["reverse mode"].error
    legend, top = _legend([(curve.name, _COLORS[curve.name], "") for curve in c.curves]
                          + ([("reverse mode", _AUTOMATIC, "7 4")] if reverse is not None else []))  # fmt: skip
    drawn = [max(e, FLOOR) for curve in c.curves for e in curve.errors if not math.isnan(e)]
    drawn += [max(reverse, FLOOR)] if reverse is not None else []
    low, high = min(drawn, default=1e-16), min(max(drawn, default=1.0), 1e3)
    y = Scale.fit([low / 3, high * 2], HEIGHT - 50, top + 20, log=True, room=0.0, marks=8)
    x = Scale(STEPS[-1], STEPS[0], 66, WIDTH - 14, tuple(10.0**k for k in range(-15, 0, 2)), log=True)
    frame = Frame(x, y, "step size h", "relative error")
    parts = [frame.axes(x_grid=False)]
    parts += [_theory(frame, curve) for curve in c.curves]
    if reverse is not None:
        at = place(y(max(reverse, y.low)))
        parts.append(tag("path", None, d=f"M{place(x.start)} {at}H{place(x.stop)}", stroke=color(_AUTOMATIC),
                         stroke_width=1.6, stroke_dasharray="7 4"))  # fmt: skip
    # where h is large the complex step errs as central differences do: it lies beneath, and is wider
    parts += [_curve(frame, curve) for curve in reversed(c.curves)]
    parts += _best(frame, [curve for curve in c.curves if curve.name != "complex step"])
    parts.append(_columns(frame, c.curves))
    return picture("errors", f"Error against step size: {c.name}", _error_words(c), WIDTH, HEIGHT,
                   "".join(parts) + legend)  # fmt: skip


def _curve(frame: Frame, curve: Curve) -> str:
    errors = [max(e, frame.y.low) if not math.isnan(e) else e for e in curve.errors]
    return path(frame.points(STEPS, errors), stroke=color(_COLORS[curve.name]),
                stroke_width=4 if curve.name == "complex step" else 2)  # fmt: skip


def _theory(frame: Frame, curve: Curve) -> str:
    """Thin dashed lines of slope 1, 2 and −1, each drawn only where its part is the larger one."""
    if curve.truncation is None or curve.rounding is None:
        return ""
    parts: list[str] = []
    for mine, other in ((curve.truncation, curve.rounding), (curve.rounding, curve.truncation)):
        shown = [m if m >= o else math.nan for m, o in zip(mine, other, strict=True)]
        parts.append(path(frame.points(STEPS, shown), stroke=color(_COLORS[curve.name]), stroke_width=1.2,
                          stroke_dasharray="2 4", opacity=0.9))  # fmt: skip
    parts.append(_regime(frame, curve, curve.truncation, curve.rounding, truncation=True))
    parts.append(_regime(frame, curve, curve.rounding, curve.truncation, truncation=False))
    return "".join(parts)


def _regime(frame: Frame, curve: Curve, mine: Sequence[float], other: Sequence[float], *, truncation: bool) -> str:
    """The formula of a regime beside its line, where that is well inside the picture."""
    central = curve.name.startswith("central")
    inside = [k for k, (m, o) in enumerate(zip(mine, other, strict=True)) if m > o and frame.y.low < m < frame.y.high]
    if not inside or (central and not truncation):  # the lines of rounding are a factor of 2 apart: one name is enough
        return ""
    k = inside[(4 if central else 3) * len(inside) // 6 if truncation else len(inside) // 2]
    text = ("⅙|f‴|h²" if central else "½|f″|h") if truncation else "ε|f|/h"
    x, y = frame.x(STEPS[k]), frame.y(mine[k])
    kind = "truncation" if truncation else "rounding"
    right = central or not truncation
    return label(x + (14 if right else -10), y + (14 if central else -6), f"{kind} {text}",
                 "start" if right else "end", haloed=True)  # fmt: skip


def _best(frame: Frame, curves: Sequence[Curve]) -> list[str]:
    """A dot at each best step, and a thread up to its size: above the bottom of its own valley nothing is drawn."""
    parts: list[str] = []
    for row, curve in enumerate(curve for curve in curves if not math.isnan(curve.best_error)):
        x, y = frame.x(curve.best_step), frame.y(max(curve.best_error, frame.y.low))
        top, style = frame.y.stop + 4 + 17 * row, color(_COLORS[curve.name])
        words = f"best h = {number(curve.best_step, 2)}"
        side = "end" if x + text_width(words) > frame.x.stop else "start"
        parts.append(
            tag("path", None, d=f"M{place(x)} {place(y)}V{place(top - 10)}", stroke=style, stroke_dasharray="1 4")
        )
        parts.append(tag("circle", None, cx=x, cy=y, r=4.5, fill=style, stroke=color("paper"), stroke_width=1.5))
        parts.append(label(x + (6 if side == "start" else -6), top, words, side, haloed=True, fill=style))
    return parts


def _columns(frame: Frame, curves: Sequence[Curve]) -> str:
    """Invisible columns that tell the values at their step when the pointer rests on them."""
    width = (frame.x.stop - frame.x.start) / (len(STEPS) - 1)
    parts: list[str] = []
    for k, h in enumerate(STEPS):
        told = [f"h = {number(h, 2)}", *(f"{c.name}: {number(c.errors[k], 2)}" for c in curves)]
        left = max(frame.x(h) - width / 2, frame.x.start)
        parts.append(tag("rect", tag("title", escape("\n".join(told))), x=left, y=frame.y.stop, width=width,
                         height=frame.y.start - frame.y.stop))  # fmt: skip
    return tag("g", "".join(parts), fill=color("ink"), fill_opacity=0)


def _legend(entries: Sequence[tuple[str, str, str]]) -> tuple[str, float]:
    """Names with their colours, in as many rows as they need, and where the chart may begin."""
    parts: list[str] = []
    x, y = 2.0, 12.0
    for name, style, dashes in entries:
        width = 22 + text_width(name) + 16
        if x + width > WIDTH and x > 2:
            x, y = 2.0, y + 18
        parts.append(tag("path", None, d=f"M{place(x)} {place(y - 4)}h16", stroke=color(style), stroke_width=2.5,
                         stroke_dasharray=dashes or None))  # fmt: skip
        parts.append(label(x + 22, y, name, fill=color("ink")))
        x += width
    return "".join(parts), y + 18


def _error_words(c: Comparison) -> str:
    words = [f"{v.name}: least error {number(v.best_error, 2)} at h = {number(v.best_step, 2)}" for v in c.curves]
    return "; ".join(words) + "."


# ---- growth


def growth_chart(c: Comparison) -> str:
    """Sizes of expressions against how far the function has grown, beside the work of reverse mode."""
    g = c.growth
    if g is None:
        body = label(WIDTH / 2, 60, "no symbolic derivative, so no growth to draw", "middle")
        return picture("growth", f"Growth of expressions: {c.name}", "Nothing is drawn.", WIDTH, 120, body)
    shared = [math.nan if n is None else float(n) for n in g.shared]
    lines: list[tuple[str, str, str, list[float]]] = [
        ("symbolic derivative, nodes", "line1", "", [float(n) for n in g.derivatives]),
        ("the same, what is equal shared, operations", "line4", "", shared),
        ("f itself as an expression, nodes", "line0", "2 4", [float(n) for n in g.values]),
        ("reverse mode, operations", _AUTOMATIC, "", [float(n) for n in g.reverse]),
    ]
    legend, top = _legend([(name, style, dashes) for name, style, dashes, _ in lines])
    sizes = [v for *_, values in lines for v in values if v > 0]
    y = Scale.fit(sizes, HEIGHT - 50, top + 20, log=True, marks=6)
    x = Scale.fit(g.places, 14 + max(text_width(y.label(m)) for m in y.marks), WIDTH - 14, room=0.02, whole=True,
                  marks=10)  # fmt: skip
    frame = Frame(x, y, g.of, "size, logarithmic")
    parts = [frame.axes()]
    for name, style, dashes, values in lines:
        points = frame.points(g.places, [v if v > 0 else math.nan for v in values])
        parts.append(path(points, stroke=color(style), stroke_width=2, stroke_dasharray=dashes or None))
        parts += [
            tag("circle", tag("title", escape(f"{name}: {v:,.0f} at {k} {g.of}")), cx=p[0], cy=p[1], r=3.5,
                fill=color(style), stroke=color("paper"))
            for k, v, p in zip(g.places, values, points, strict=True) if p is not None
        ]  # fmt: skip
    sizes_at = [f"{g.derivatives[k]:,} nodes against {g.reverse[k]:,} operations" for k in (0, -1)]
    words = (
        f"At {g.places[0]} {g.of} the derivative has {sizes_at[0]} of reverse mode, at {g.places[-1]} {sizes_at[1]}."
    )
    return picture("growth", f"Growth of expressions: {c.name}", words, WIDTH, HEIGHT, "".join(parts) + legend)


# ---- pages


def _table(c: Comparison) -> str:
    rows = [[escape(cell) for cell in method.cells()] for method in c.methods]
    heads = ("method", "error", "operations", "times f", "time", "remarks")
    head = tag("tr", "".join(tag("th", h, scope="col", class_="n" if 0 < k < 5 else None) for k, h in enumerate(heads)))
    body = "".join(
        tag("tr", "".join(tag("td", cell, class_="n" if 0 < k < 5 else None) for k, cell in enumerate(row)))
        for row in rows
    )
    return page.scrolling("Methods", tag("table", tag("thead", head) + tag("tbody", body), style="min-width:760px"))


def as_page(c: Comparison) -> str:
    """The whole page."""
    header = tag("p", "Automatic, numerical, symbolic", class_="kind") + tag("h1", escape(c.title))
    if c.expression:
        header += tag("p", f"f′ = {escape(c.expression)}", class_="lead")
    said = c.sentences()
    methods = page.section("methods", "One derivative, six ways", said[0], page.card("", _table(c), wide=True))
    errors = page.section(
        "errors", "Steps too large, steps too small", "",
        page.card("Error against step size", page.scrolling("Error against step size", error_chart(c)),
                  " ".join(said[1:3]), wide=True),
    )  # fmt: skip
    growth = page.section(
        "growth", "Expression swell", "",
        page.card("Size of the derivative", page.scrolling("Growth", growth_chart(c)), " ".join(said[3:]), wide=True),
    )  # fmt: skip
    sections = [("methods", "Methods", methods), ("errors", "Errors", errors), ("growth", "Growth", growth)]
    return page.document(c.title, header, sections, tag("p", "Times are of this machine, the best of several runs."))


def as_fragment(c: Comparison) -> str:
    """Table and charts for a notebook."""
    said = "".join(tag("p", escape(s)) for s in c.sentences())
    charts = error_chart(c) + (growth_chart(c) if c.growth else "")
    return tag("div", tag("p", tag("b", escape(c.title))) + _table(c) + said + charts, style=f"max-width:{WIDTH}px")
