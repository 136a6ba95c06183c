"""Convolutions of each channel by itself: lanes run along the channels, and no matrix is made."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from wengert.compile.cumulative import widths
from wengert.compile.emit import I8, I64, Emitter, Value, type_of
from wengert.compile.panels import Panels
from wengert.compile.routine import Routine, clear_bytes, routine
from wengert.compile.views import View, grouped
from wengert.core.program import Equation
from wengert.core.types import Aval

__all__ = ["by_channels", "sums_by_channels"]

HELD = 32  # elements of a window that are written out
LINE = 64
Ends = Sequence[tuple[Value, int]]
Pair = tuple[View, View]


def by_channels(
    frame: Any, equation: Equation, views: Pair, avals: Sequence[Aval], reads: Ends, writes: Ends
) -> bool:  # fmt: skip
    """``out[b, p, c] = Σ over w of x̃[b, p·s + w·d, c] · kernel[w, c]``, where that is what is meant."""
    (x, kernel), params = views, equation.params
    (batch, *_, c), (*window, inputs, outputs), (_, *places, _) = (a.shape for a in avals)
    if inputs != 1 or outputs != c or prod(window) > HELD or c < 2 or x.strides[-2] != 1 or kernel.strides[-1] != 1:
        return False
    t = type_of(avals[0].dtype)
    panels = _panels(avals, x, params, (params["strides"], params["kernel_dilation"]), tuple(places), tuple(window), c)

    def write(r: Routine) -> None:
        e = r.e
        source, weights = e.offset(r.operands[0], x.offset, t), e.offset(r.operands[1], kernel.offset, t)
        if panels.padded:
            clear_bytes(e, r.space, panels.padded)

        def sample(b: Value) -> None:
            padded = panels.fill(e, e.offset(source, b * x.strides[0], t), r.space)
            to = e.offset(r.results[0], b * (prod(places) * c), t)

            def columns(j: Value, wide: int) -> None:
                elements = list(itertools.product(*map(range, window)))
                held = [
                    e.load(weights, t.wide(wide), j + sum(i * s for i, s in zip(at, kernel.strides, strict=False)))
                    for at in elements
                ]

                def place(at: Value, row: Value) -> None:
                    total: Value | None = None
                    for k, value in zip(_moves(panels), held, strict=True):
                        new = e.load(padded, t.wide(wide), at + j + k)
                        total = new * value if total is None else e.fma(new, value, total)
                    assert total is not None
                    e.store(total, to, row * c + j)

                _places(e, panels, place)

            _columns(e, c, e.target.lanes(t.size), columns)

        r.each(sample)

    return routine(frame, equation, write, rounds=batch, scratch=panels.padded, reads=reads, writes=writes)


def sums_by_channels(
    frame: Any, equation: Equation, views: Pair, avals: Sequence[Aval], reads: Ends, writes: Ends
) -> bool:  # fmt: skip
    """The gradient of such a kernel: ``out[w, c] = Σ over b and p of x̃[b, p·s + w·d, c] · g[p, b, c]``."""
    (x, kernel), params = views, equation.params
    (one, *_), (*window, samples, c), (_, *places, _) = (a.shape for a in avals)
    size = prod(places)
    if one != 1 or c != params["groups"] or size > HELD or c < 2 or x.strides[-2] != 1 or kernel.strides[-1] != 1:
        return False
    t, threads = type_of(avals[0].dtype), frame.core.threads
    panels = _panels(avals, x, params, (params["kernel_dilation"], params["strides"]), tuple(window), tuple(places), c)
    along = grouped(list(window), list(kernel.strides[: len(window)]))
    assert along is not None
    whole = size * c * t.size
    total = -(-whole // LINE) * LINE
    at = frame.arena.take(total * threads)
    sums = frame.at(at)

    def write(r: Routine) -> None:
        e = r.e
        source, weights = e.offset(r.operands[0], x.offset, t), e.offset(r.operands[1], kernel.offset, t)
        own = e.offset(r.results[0], r.thread * total, I8)
        clear_bytes(e, own, whole)
        if panels.padded:
            clear_bytes(e, r.space, panels.padded)

        def sample(b: Value) -> None:
            padded = panels.fill(e, e.offset(source, b * x.strides[-1], t), r.space)
            factors = e.offset(weights, b * kernel.strides[-2], t)

            def columns(j: Value, wide: int) -> None:
                def place(at: Value, number: Value, *sums: Value) -> list[Value]:
                    factor = e.load(factors, t.wide(wide), number * along[1] + j)
                    return [
                        e.fma(e.load(padded, t.wide(wide), at + j + k), factor, s)
                        for k, s in zip(_moves(panels), sums, strict=True)
                    ]

                before = [e.load(own, t.wide(wide), j + k * c) for k in range(size)]
                for k, s in enumerate(_places(e, panels, place, before)):
                    e.store(s, own, j + k * c)

            _columns(e, c, e.target.lanes(t.size), columns)

        r.each(sample)

    def finish(r: Routine) -> None:
        e = r.e

        def number(i: Value) -> None:
            value = e.load(r.operands[0], t, i)
            for k in range(1, threads if samples >= threads else 1):
                value = value + e.load(r.operands[0], t, i + k * (total // t.size))
            e.store(value, r.results[0], i)

        r.each(number)

    middle = [(sums, total * threads)]
    routine(frame, equation, write, rounds=samples, scratch=panels.padded, reads=reads, writes=middle)
    routine(frame, equation, finish, rounds=size * c, reads=middle, writes=writes)
    frame.arena.give(at, total * threads)
    return True


def _panels(
    avals: Sequence[Aval], x: View, params: dict[str, Any], steps: tuple[Any, Any], places: tuple[int, ...],
    window: tuple[int, ...], c: int,
) -> Panels:  # fmt: skip
    """How a sample of all channels is padded."""
    moves, spreads = steps
    return Panels(
        type_of(avals[0].dtype), avals[0].shape[1:-1], (*x.strides[1:-2], 1), c, c, places, moves, window, spreads,
        tuple(before for before, _ in params["padding"]), params["input_dilation"],
    )  # fmt: skip


def _moves(panels: Panels) -> list[int]:
    """How far from a place's first element those of the window are, in memory."""
    steps = [s * f for s, f in zip(panels.padded_strides, panels.spreads, strict=True)]
    return [sum(i * s for i, s in zip(at, steps, strict=True)) for at in itertools.product(*map(range, panels.window))]


def _places(e: Emitter, panels: Panels, body: Callable[..., Any], carry: Sequence[Value] = ()) -> list[Value]:
    """``body(position of the first element, number of the place, *carry)`` for all places."""
    steps = [s * f for s, f in zip(panels.padded_strides, panels.moves, strict=True)]

    def over(axis: int, at: Value, number: Value, *state: Value) -> list[Value]:
        if axis == len(steps):
            return list(body(at, number, *state) or ())
        size = prod(panels.places[axis + 1 :])
        return e.loop(
            panels.places[axis], lambda i, *s: over(axis + 1, at + i * steps[axis], number + i * size, *s), list(state)
        )  # fmt: skip

    return over(0, e.const(I64, 0), e.const(I64, 0), *carry)


def _columns(e: Emitter, c: int, lanes: int, body: Callable[[Value, int], None]) -> None:
    """``body(first channel, lanes)`` for all channels."""
    for wide, low, high in widths(c, lanes):
        e.loop(high, lambda j, wide=wide: body(j, wide), start=low, step=max(wide, 1))
