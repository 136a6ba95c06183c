"""Random functions on plain NumPy, made to be hard on the compiler: source text, so that what fails can be read.

A function is a list of statements. Each is run by NumPy when it is drawn, with loops and branches in plain Python, so
shapes and dtypes are known and what NumPy refuses is no statement. A value is *exact* if every correct implementation
gives the same bits: moves, integers, the operations that IEEE 754 rounds correctly. Only exact values are compared,
rounded, or used as indices, for there the smallest error is a large one.
"""

from __future__ import annotations

import random
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

AXES = (1, 1, 2, 3, 5, 7, 8, 16, 17, 33)
LONG = (1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 63, 64, 65, 70)
DTYPES = ("f8", "f8", "f8", "f4", "f4", "i8", "i4", "u1", "b1")
LONGER = (100, 127, 128, 129, 200, 513, 1000, 2100)  # of some functions: many vectors, long sums, products in blocks
LARGEST = 4000  # elements of a value; ten times as many of these functions
TAME = 100.0  # the largest finite element of a float that is not exact


# ---- control flow in plain Python, an oracle that shares nothing with the library


def _tree(f: Callable[..., Any], *trees: Any) -> Any:
    first = trees[0]
    if isinstance(first, dict):
        return {k: _tree(f, *(t[k] for t in trees)) for k in first}
    if isinstance(first, tuple | list):
        return type(first)(_tree(f, *parts) for parts in zip(*trees, strict=True))
    return None if first is None else f(*trees)


def _leaf(tree: Any) -> Any:
    if isinstance(tree, dict):
        return next((_leaf(v) for v in tree.values()), None)
    if isinstance(tree, tuple | list):
        return next((_leaf(v) for v in tree), None)
    return tree


def _scan(f: Any, init: Any, xs: Any = None, length: int | None = None, reverse: bool = False) -> Any:
    n = length if xs is None else len(_leaf(xs))
    carry, ys = init, [None] * n
    for k in range(n)[:: -1 if reverse else 1]:
        carry, ys[k] = f(carry, None if xs is None else _tree(lambda x, k=k: x[k], xs))
    return carry, _tree(lambda *parts: np.stack(parts), *ys)


def _fori(lower: int, upper: int, body: Any, init: Any) -> Any:
    for k in range(lower, upper):
        init = body(k, init)
    return init


def _while(test: Any, body: Any, init: Any) -> Any:
    while test(init):
        init = body(init)
    return init


PLAIN = SimpleNamespace(
    scan=_scan,
    fori_loop=_fori,
    while_loop=_while,
    cond=lambda p, a, b, *xs: a(*xs) if p else b(*xs),
    switch=lambda k, fs, *xs: fs[min(max(int(k), 0), len(fs) - 1)](*xs),
    map=lambda f, xs: _scan(lambda c, x: (c, f(x)), 0, xs)[1],
)


# ---- functions


@dataclass
class Function:
    """Source text of ``f(x0, x1, …)``, its arguments, and arrays that it closes over."""

    seed: int
    args: list[Any]
    constants: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    exact: list[bool] = field(default_factory=list)
    coarse: list[bool] = field(default_factory=list)  # of single precision somewhere on the way

    def source(self) -> str:
        """The definition."""
        names = ", ".join(f"x{k}" for k in range(len(self.args)))
        body = [*self.lines, f"return [{', '.join(self.results)}]"]
        return f"def f({names}):\n" + textwrap.indent("\n".join(body), "    ")

    def callable(self, control: Any = PLAIN) -> Callable[..., list[Any]]:
        """The function, with plain Python's control flow or another."""
        space: dict[str, Any] = {"np": np, "control": control, **self.constants}
        exec(self.source(), space)  # noqa: S102 - text that was made here
        return space["f"]


def _single(value: Any) -> bool:
    return getattr(value, "dtype", None) == np.float32


def array(draw: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Any:
    """Values of which many are special or equal."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        out = draw.normal(size=shape).round(int(draw.integers(1, 6)))
        return np.asarray(out, kind)
    if kind.kind == "b":
        return np.asarray(draw.random(shape) < 0.5)
    low = 0 if kind.kind == "u" else -9
    return np.asarray(draw.integers(low, 10, shape), kind)


class Drawing:
    """A function while it is drawn: statements, and the values that names have."""

    def __init__(self, seed: int, *, special: bool = False) -> None:
        self.rng, self.draw = random.Random(seed), np.random.default_rng(seed)
        self.values: dict[str, Any] = {}
        self.exact: dict[str, bool] = {}
        self.coarse: dict[str, bool] = {}
        self.lines: list[str] = []
        self.space: dict[str, Any] = {"np": np, "control": PLAIN}
        self.constants: dict[str, Any] = {}
        self.fresh, self.special = 0, special
        self.axes, self.long, self.largest = AXES, LONG, LARGEST
        self.depth = 0

    # ---- what statements are made of

    def name(self, stem: str = "v") -> str:
        self.fresh += 1
        return f"{stem}{self.fresh}"

    def shape(self) -> tuple[int, ...]:
        """A shape, often one like that of a value there is."""
        if self.values and self.rng.random() < 0.5:
            like = np.shape(self.values[self.rng.choice(list(self.values))])
            return tuple(1 if self.rng.random() < 0.1 else n for n in like)
        ndim = self.rng.choice((0, 1, 1, 1, 2, 2, 2, 3, 3, 4))
        if ndim == 1:
            return (self.rng.choice(self.long),)
        shape = tuple(self.rng.choice(self.axes) for _ in range(ndim))
        if self.rng.random() < 0.02:
            shape = tuple(0 if self.rng.random() < 0.3 else n for n in shape)
        return shape if np.prod(shape) <= self.largest else shape[:2]

    def pick(self, want: Callable[[Any], bool] = lambda _: True, *, exact: bool = False) -> str:
        """The name of a value, of late ones rather than early ones."""
        names = [n for n, v in self.values.items() if want(v) and (self.exact[n] or not exact)]
        if not names:
            raise LookupError
        return names[max(self.rng.randrange(len(names)), self.rng.randrange(len(names)))]

    def numbers(self, **options: Any) -> str:
        return self.pick(lambda v: np.asarray(v).dtype.kind in "fiu", **options)

    def floats(self, **options: Any) -> str:
        return self.pick(lambda v: np.asarray(v).dtype.kind == "f", **options)

    def like(self, name: str, **options: Any) -> str:
        """The name of a value that broadcasts with another."""
        shape = np.shape(self.values[name])

        def fits(v: Any) -> bool:
            try:
                return np.prod(np.broadcast_shapes(shape, np.shape(v))) <= self.largest
            except ValueError:
                return False

        return self.pick(lambda v: np.asarray(v).dtype.kind in "fiu" and fits(v), **options)

    def new(self, shape: tuple[int, ...], dtype: str | None = None) -> str:
        """A constant that is closed over."""
        name = self.name("c")
        value = array(self.draw, shape, dtype or self.rng.choice(DTYPES))
        self.constants[name] = self.space[name] = value
        return name

    def index(self, n: int, size: tuple[int, ...]) -> str:
        """An array of indices into an axis, a constant or a value there is."""
        if self.rng.random() < 0.4:
            try:
                got = self.pick(lambda v: np.asarray(v).dtype.kind in "iu" and 0 < np.size(v) < 200, exact=True)
                return f"({got} % {n})" if self.rng.random() < 0.7 else f"({got} % {n} - {n})"
            except LookupError:
                pass
        name = self.name("c")
        self.constants[name] = self.space[name] = self.draw.integers(-n, n, size)
        return name

    def scalar(self) -> str:
        """A number as it stands in a program."""
        return self.rng.choice(("2", "0.5", "-3", "1.25", "np.float32(0.75)", "np.float64(1.5)", "np.int32(3)", "True"))

    # ---- statements

    def run(self, line: str, name: str, *, exact: bool, check: bool = True) -> bool:
        """Keep a statement if NumPy runs it and its value is fit to go on with."""
        space = {**self.space, **self.values}
        try:
            with np.errstate(all="ignore"):
                exec(line, space)  # noqa: S102 - text that was made here
        except Exception:  # noqa: BLE001 - whatever NumPy refuses is no statement
            return False
        value = space[name]
        if check and not self.fit(value, exact):
            return False
        self.lines.append(line)
        self.values[name], self.exact[name] = value, exact
        words = re.findall(r"\w+", line)
        self.coarse[name] = any(self.coarse.get(w, w == "float32") or _single(space.get(w)) for w in words)
        return True

    def fit(self, value: Any, exact: bool) -> bool:
        """Whether a value is small enough in every sense."""
        v = np.asarray(value)
        if v.size > self.largest or v.ndim > 5 or v.dtype.kind not in "fiub" or v.dtype.itemsize > 8:
            return False
        if v.dtype == np.float16:
            return False
        if v.dtype.kind == "f" and v.size:
            finite = v[np.isfinite(v)]
            largest = np.abs(finite).max() if finite.size else 0.0
            if not self.special and finite.size != v.size:
                return False
            return bool(largest <= (1e6 if exact else TAME))
        return True

    def statement(self, table: list[tuple[int, Callable[[Drawing], tuple[str, bool]]]]) -> bool:
        """Try to draw one."""
        weights, makers = zip(*table, strict=True)
        try:
            text, exact = self.rng.choices(makers, weights)[0](self)
        except (LookupError, ValueError, IndexError, TypeError, ZeroDivisionError):
            return False
        name = self.name()
        if "\n" in text:  # a definition that comes first; the value is on its last line
            before, _, last = text.rpartition("\n")
            return self.run(f"{before}\n{name} = {last}", name, exact=exact)
        return self.run(f"{name} = {text}", name, exact=exact)

    def all_exact(self, *names: str) -> bool:
        return all(self.exact.get(n, True) for n in names)


def generate(seed: int, length: int | None = None) -> Function:
    """The function of a seed."""
    from tests.compile._flows import TABLE

    d = Drawing(seed, special=seed % 5 == 0)
    if seed % 10 == 3:
        d.axes, d.long, d.largest = (*AXES, *LONGER[:5]), LONGER, 10 * LARGEST
    length = length or d.rng.randrange(2, 16)
    args: list[Any] = []
    for k in range(d.rng.randrange(1, 5)):
        value = array(d.draw, d.shape(), d.rng.choice(DTYPES) if k else d.rng.choice(("f8", "f8", "f4")))
        if d.special and value.dtype.kind == "f" and value.size:
            flat = value.reshape(-1)
            flat[d.draw.integers(0, value.size)] = d.rng.choice((np.nan, np.inf, -np.inf, -0.0, 0.0))
        if value.ndim == 0 and d.rng.random() < 0.3:
            value = value.item()
        args.append(value)
        d.values[f"x{k}"], d.exact[f"x{k}"] = value, True
    for _ in range(length * 20):
        if len(d.lines) >= length:
            break
        d.statement(TABLE)
    names = list(d.values)
    results = [n for n in names if n.startswith("v") and d.rng.random() < 0.6] or names[-1:]
    extra = d.rng.random()
    if extra < 0.1:
        results.append(d.rng.choice(names))  # an input, or the same value twice
    elif extra < 0.15 and d.constants:
        results.append(d.rng.choice(list(d.constants)))
        d.exact[results[-1]] = True
    elif extra < 0.2:
        results.append("2.5")
        d.exact["2.5"] = True
    elif extra < 0.25:
        results.append(results[0])
    d.rng.shuffle(results)
    coarse = [d.coarse.get(n, _single(d.values.get(n, d.space.get(n)))) for n in results]
    return Function(seed, args, d.constants, d.lines, results, [d.exact[n] for n in results], coarse)
