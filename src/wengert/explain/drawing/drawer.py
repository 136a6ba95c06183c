"""draw: a picture of what can be drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from wengert.core.program import Program
from wengert.errors import UnsupportedError, at_line
from wengert.explain.charts.numbers import count
from wengert.explain.drawing.computation import computation
from wengert.explain.drawing.drawing import Drawing
from wengert.explain.drawing.networks import is_model, network
from wengert.explain.drawing.placing import suitable
from wengert.explain.drawing.programs import passes_of, program_diagrams
from wengert.explain.drawing.running import running
from wengert.explain.explaining import explain
from wengert.explain.explanation import Explanation
from wengert.lowered import Lowered, Passes

__all__ = ["draw"]

MOST = 5000  # blocks in one picture
_KNOWN = """\
  what can be drawn:
    draw(f, *args)                            a function of numbers and arrays: its computation, gradients=True,
                                              derivatives=True
    draw(wengert.explain(f)(*args))           what explain found
    draw(model), draw(model, x)               a model: units and weights, or layers; how data goes through it
    draw(wengert.make_program(f)(*args))      a Program
    draw(wengert.lower(f)(*args))             a Program before and after each pass of rewriting"""


def draw(
    what: Any,
    *args: Any,
    gradients: bool = False,
    derivatives: bool = False,
    argnums: int | tuple[int, ...] | None = None,
    most: int = 40,
    direction: Literal["right", "down"] | None = None,
) -> Drawing:
    """A picture of a function's computation, a model, or a Program: SVG, HTML, PNG or DOT.

    ``draw(f, *args)`` shows the values of a computation on its graph; what is longer than ``most`` blocks is folded
    by layers, functions and turns of loops, and says so. With ``gradients`` each block has its gradient, and each
    link upstream × local = contribution; with ``derivatives`` each link has its local derivative alone, and the
    gradient is the sum over paths of products. ``draw(model)`` shows units and weights where no layer has more than
    12 units, else a block for each layer; ``draw(model, x)`` runs it and shows how its layers are joined, and their
    shapes. ``draw(wengert.lower(f)(*args))`` shows what each pass of rewriting leaves of a Program.

    Args:
        what: a function, an :class:`~wengert.explain.Explanation`, a model or tree of parameters, a Program, or what
            ``wengert.lower`` gives.
        *args: arguments of the function, or data for the model.
        gradients: whether gradients are shown.
        derivatives: whether local derivatives are shown.
        argnums: the arguments that are differentiated, as for ``explain``.
        most: how many blocks a picture has at most, up to 5000.
        direction: "right" or "down"; by default what suits.

    Returns:
        A :class:`~wengert.explain.drawing.Drawing`: ``.svg()``, ``.html()``, ``.png()``, ``.to_dot()``,
        ``.save(path)``.

    Raises:
        UnsupportedError: if it cannot be drawn; the message lists what can.

    Example:
        >>> import wengert
        >>> def f(x, y, z):
        ...     q = x + y
        ...     return q * z
        >>> drawing = wengert.draw(f, -2.0, 5.0, -4.0, gradients=True)
        >>> drawing
        <drawing: 5 blocks, 4 links>
        >>> "−4 × 1 = −4" in drawing.svg()
        True
    """
    if direction not in (None, "right", "down"):
        raise UnsupportedError(
            f'draw(…, direction={direction!r}): a picture goes "right" or "down"{at_line()}\n'
            "  write: nothing, and what suits is chosen"
        )
    if not isinstance(most, int) or not 1 <= most <= MOST:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UnsupportedError(
            f"draw(…, most={most!r}): a picture has from 1 to {MOST} blocks{at_line()}\n"
            "  write: most=40, and the rest is folded"
        )
    return _drawing(what, args, gradients, derivatives, argnums, most, direction)


def _drawing(
    what: Any, args: tuple[Any, ...], gradients: bool, derivatives: bool, argnums: Any, most: int,
    direction: Literal["right", "down"] | None,
) -> Drawing:  # fmt: skip
    shown = gradients or derivatives
    match what:
        case Explanation():
            return _of_explanation(what, gradients, derivatives, most, direction)
        case Program():
            _refuse_gradients(shown, "a Program")
            parts = program_diagrams(what, most, direction or "down")
            return Drawing(parts, parts[0][1].title)
        case Passes() | Lowered():
            _refuse_gradients(shown, "a Program")
            passes = what.passes() if isinstance(what, Lowered) else what
            note = "filled: new after this pass; dashed: gone after the next one"
            return Drawing(
                passes_of(passes, most, direction or "right"),
                f"{passes.start.name}: the Program after each of {count(len(passes), 'pass', 'passes')}",
                note,
            )
        case _ if is_model(what):
            _refuse_gradients(shown, "a model")
            diagram = running(what, args, direction) if args else network(what, direction)
            return Drawing([("", diagram)], diagram.title)
        case _ if callable(what) and args:
            return _of_explanation(explain(what, argnums)(*args), gradients, derivatives, most, direction)
        case _:
            raise UnsupportedError(_refusal(what) + at_line() + "\n" + _KNOWN)


def _of_explanation(
    e: Explanation, gradients: bool, derivatives: bool, most: int, direction: Literal["right", "down"] | None
) -> Drawing:
    diagram = computation(e, gradients=gradients, derivatives=derivatives, most=most)
    chosen = replace(diagram, direction=direction or suitable(diagram))
    return Drawing([("", chosen)], chosen.title)


def _refuse_gradients(shown: bool, kind: str) -> None:
    if shown:
        raise UnsupportedError(
            f"draw: {kind} has no gradients by itself{at_line()}\n"
            "  write: draw(lambda model: loss(model(x), y), model, gradients=True)"
        )


def _refusal(what: Any) -> str:
    if callable(what):
        name = getattr(what, "__name__", type(what).__name__)
        return f"draw({name}) runs the function, and needs its arguments: draw({name}, x)"
    return f"draw: a {type(what).__name__} cannot be drawn"
