"""Control flow of random functions: loops and branches whose bodies are drawn like functions."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from tests.compile._generator import Drawing
from tests.compile._statements import TABLE as STATEMENTS
from tests.compile._statements import Made, Maker


def body(d: Drawing, params: dict[str, tuple[Any, bool]], count: int) -> Drawing:
    """Statements inside a function of these parameters, which see what lies outside."""
    inner = Drawing(d.rng.randrange(1 << 30), special=d.special)
    inner.values, inner.exact, inner.coarse = dict(d.values), dict(d.exact), dict(d.coarse)
    inner.axes, inner.long, inner.largest = d.axes, d.long, d.largest
    inner.space, inner.constants, inner.depth = d.space, d.constants, d.depth + 1
    inner.fresh = d.fresh + 1000 * (d.depth + 1)
    for name, (value, exact) in params.items():
        inner.values[name], inner.exact[name] = value, exact
    table = [*STATEMENTS, *FLOWS] if d.depth < 1 else STATEMENTS
    for _ in range(count * 10):
        if len(inner.lines) >= count:
            break
        inner.statement(table)
    d.fresh = inner.fresh
    return inner


def settled(inner: Drawing, like: Any, name: str) -> str:
    """An expression for the next value of a carry: of the same type, and bounded."""
    v = np.asarray(like)

    def same(x: Any) -> bool:
        return np.shape(x) == v.shape and np.asarray(x).dtype == v.dtype and type(x) is not float

    own = [n for n in inner.values if n.startswith("v") and same(inner.values[n])][-3:]
    others = [n for n in inner.values if n.startswith("p") and same(inner.values[n])]
    r = inner.rng.random()
    if r < 0.15 and others:
        return inner.rng.choice(others)  # stays, or swaps
    if v.dtype.kind != "f":
        return f"{name} + {name}.dtype.type(1)" if v.dtype.kind in "iu" else f"np.logical_not({name})"
    if own and r < 0.25:
        return inner.rng.choice(own)  # what is written in a copy of the carry, say
    if own and r < 0.6:
        return f"np.tanh({inner.rng.choice(own)})"
    scale = "np.float32(0.5)" if v.dtype == np.float32 else "0.5"
    parts = [n for n in inner.values if n.startswith(("v", "p")) and np.asarray(inner.values[n]).dtype == v.dtype]
    parts = [n for n in parts if np.size(inner.values[n])]
    terms = [f"{name} * {scale}"]
    if parts:
        other = inner.rng.choice(parts)
        first = f"[{', '.join(str(inner.rng.choice((0, -1))) for _ in range(np.ndim(inner.values[other])))}]"
        terms.append(
            inner.rng.choice((f"np.tanh(np.sum({other}))", f"np.tanh({other}{first if first != '[]' else ''})"))
        )
    return f"({' + '.join(terms)}) * {scale}"


def loop(d: Drawing) -> Made:
    """A scan, a fori_loop, a while_loop or a map, with carries of several kinds."""
    carried = [d.floats() for _ in range(d.rng.randrange(1, 4))]
    if d.rng.random() < 0.3:
        carried.append(d.pick(lambda v: isinstance(v, np.ndarray) and v.dtype.kind in "ib", exact=True))
    if d.rng.random() < 0.3:
        carried.append(d.rng.choice(carried))
    names = [f"p{d.fresh}_{k}" for k in range(len(carried))]
    starts = [np.asarray(d.values[n]) for n in carried]
    kind = d.rng.choice(("scan", "scan", "scan", "fori", "while", "map"))
    n = d.rng.choice((0, 1, 2, 3, 5, 8)) if kind != "while" else d.rng.choice((0, 1, 4))
    params: dict[str, tuple[Any, bool]] = {m: (s, False) for m, s in zip(names, starts, strict=True)}
    slices: list[str] = []
    if kind in ("scan", "map"):
        slices = [d.pick(lambda v: np.ndim(v) > 0 and 0 < len(v) < 20)]
        n = len(d.values[slices[0]])
        slices += [d.pick(lambda v: np.ndim(v) > 0 and len(v) == n) for _ in range(d.rng.randrange(2))]
        if d.rng.random() < 0.15 and kind == "scan":
            slices = []
    inputs = [f"q{d.fresh}_{k}" for k in range(len(slices))]
    for q, s in zip(inputs, slices, strict=True):
        params[q] = (d.values[s][0], d.exact[s])
    f, out, counter = d.name("body"), d.name("out"), f"i{d.fresh}"
    if kind in ("fori", "while"):
        params[counter] = (0, True) if kind == "fori" else (np.int64(0), True)
    if kind == "map":
        for m in names:
            del params[m]
    inner = body(d, params, d.rng.randrange(1, 5))
    text = "\n".join(inner.lines)
    after = [settled(inner, s, m) for s, m in zip(starts, names, strict=True)]
    results = [n for n in inner.values if n.startswith(("v", "q"))][-3:] or names[:1]
    starting = ", ".join(f"np.asarray({c})" for c in carried)
    tie = ", ".join(names) + ","
    if kind == "map":
        given = f"({', '.join(inputs)},)"
        text = f"{given} = xs\n{text}\nreturn [{', '.join(results if results != names[:1] else inputs)}]"
        call = f"control.map({f}, ({', '.join(slices)},))"
        final = f"{out}[{d.rng.randrange(len(results) if results != names[:1] else len(inputs))}]"
        head = f"def {f}(xs):"
    elif kind == "scan":
        opening = f"({', '.join(inputs)},) = xs\n" if inputs else ""
        text = f"({tie}) = carry\n{opening}{text}\nreturn ({', '.join(after)},), {{'y': [{', '.join(results)}]}}"
        more = f"({', '.join(slices)},)" if slices else f"None, {max(n, 1)}"
        reverse = ", reverse=True" if d.rng.random() < 0.3 else ""
        call = f"control.scan({f}, ({starting},), {more}{reverse})"
        head = f"def {f}(carry, xs):"
        final = d.rng.choice(
            (f"{out}[1]['y'][{d.rng.randrange(len(results))}]", f"{out}[0][{d.rng.randrange(len(names))}]")
        )
    elif kind == "fori":
        text = f"({tie}) = carry\n{text}\nreturn ({', '.join(after)},)"
        call = f"control.fori_loop(0, {n}, {f}, ({starting},))"
        head = f"def {f}({counter}, carry):"
        final = f"{out}[{d.rng.randrange(len(names))}]"
    else:
        text = f"({counter}, {tie}) = carry\n{text}\nreturn ({counter} + 1, {', '.join(after)})"
        call = f"control.while_loop(lambda carry: carry[0] < {n}, {f}, (np.int64(0), {starting}))"
        head = f"def {f}(carry):"
        final = f"{out}[{1 + d.rng.randrange(len(names))}]"
    return f"{head}\n{textwrap.indent(text, '    ')}\n{out} = {call}\n{final} * 1", False


def branch(d: Drawing) -> Made:
    """A cond or a switch."""
    given = [d.pick(lambda v: isinstance(v, np.ndarray)) for _ in range(d.rng.randrange(1, 3))]
    names = [f"p{d.fresh}_{k}" for k in range(len(given))]
    like = np.asarray(d.values[given[0]])
    fs, out = [d.name("branch") for _ in range(d.rng.choice((2, 2, 3)))], d.name("out")
    parts: list[str] = []
    for f in fs:
        params = {m: (d.values[g], d.exact[g]) for m, g in zip(names, given, strict=True)}
        inner = body(d, params, d.rng.randrange(1, 4))
        last = settled(inner, like, names[0])
        parts.append(
            f"def {f}({', '.join(names)}):\n" + textwrap.indent("\n".join([*inner.lines, f"return {last}"]), "    ")
        )
    if len(fs) == 2:
        test = d.pick(lambda v: np.size(v) > 0, exact=True)
        call = f"control.cond(np.sum({test}) > {d.rng.choice((0, 2))}, {', '.join(fs)}, {', '.join(given)})"
    else:
        test = d.pick(lambda v: np.asarray(v).dtype.kind == "i" and np.size(v) > 0, exact=True)
        call = f"control.switch(np.max({test}), [{', '.join(fs)}], {', '.join(given)})"
    return "\n".join([*parts, f"{out} = {call}", f"{out} * 1"]), False


FLOWS: list[tuple[int, Maker]] = [(6, loop), (3, branch)]
TABLE = [*STATEMENTS, *FLOWS]
