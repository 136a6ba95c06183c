"""Random programs, as Python source, of reads, views and writes: NumPy itself runs them on plain arrays.

Each line is drawn for the shapes that NumPy has found so far, and kept if NumPy runs it without a word. ``DT`` is the
dtype of what a program makes: float, or complex for the complex step, so all that a program computes is analytic.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

Shape = tuple[int, ...]
SHAPES: list[Shape] = [(3,), (4,), (2, 3), (3, 2), (3, 3), (2, 2, 2), (1, 3), (2, 1, 2)]


def K(shape: Any) -> Any:
    """Numbers of a shape, all different."""
    return np.cos(1.3 + np.arange(prod(shape))).reshape(shape)


def both(a: Any, b: Any) -> None:
    """A function that is given the same array twice."""
    a[...] = a * 0.5
    b[...] = b + 0.25


def held(*arrays: Any) -> Any:
    """Arrays that pass through a container."""
    box = {"rows": [a for a in arrays if a is not None]}
    for a in box["rows"]:
        a += 0.125
    return box["rows"][0]


@dataclass(frozen=True)
class Program:
    """Lines of source; ``x`` and ``n`` are its arguments, a double array and the integer 0 or 1."""

    lines: tuple[str, ...]
    shape: Shape
    refused: str = ""  # a line that NumPy refuses after these

    @property
    def source(self) -> str:
        return "\n".join(self.lines)

    def compiled(self, watch: bool, refused: bool = False) -> Callable[..., list[Any]]:
        """A function ``(x, n, DT)`` that gives all arrays of the program, with ``watch`` after each line too."""
        body: list[str] = []
        for k, line in enumerate(lines := (*self.lines, *([self.refused] if refused else []))):
            names = ", ".join(names_of(lines[: k + 1]))
            body.append(line)
            if watch:
                body.append(f"out.append([np.copy(a) for a in ({names},)])")
        body.append(f"out.append([{names}])")
        text = "def program(x, n, DT):\n    out = []\n    " + "\n    ".join(body) + "\n    return out\n"
        scope: dict[str, Any] = {"np": np, "K": K, "both": both, "held": held}
        exec(compile(text, "<program>", "exec"), scope)  # noqa: S102 - our own text
        return scope["program"]

    def argument(self, seed: int = 0) -> Any:
        n = prod(self.shape)
        return (np.sin(2.1 * np.arange(1, n + 1) + seed) * 0.8 + 0.05 * np.arange(n)).reshape(self.shape)


class Writer:
    """Draws lines for the arrays that the program has so far."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.arrays: dict[str, Any] = {}
        self.count = 0

    # ---- parts of lines

    def name(self, floats: bool = True, low: int = 0, high: int = 9) -> str:
        """A name of an array, rather one of the last."""
        kind = "fc" if floats else "i"
        names = [k for k, a in self.arrays.items() if a.dtype.kind in kind and low <= a.ndim <= high]
        if not names:
            raise LookupError
        return self.rng.choice(names[-6:] if self.rng.random() < 0.7 else names)

    def new(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def slice(self, n: int) -> str:
        r = self.rng
        return r.choice(
            [
                ":",
                ":",
                "::-1",
                "1:",
                ":-1",
                "::2",
                f"{r.randrange(n + 1)}:",
                f":{r.randrange(n + 1)}",
                "-2:",
                f"{n}::-1",
            ]
        )

    def basic(self, shape: Shape) -> str:
        """A basic index."""
        r = self.rng
        entries: list[str] = []
        for n in shape[: r.choice([len(shape), len(shape), r.randrange(len(shape) + 1)])]:
            if r.random() < 0.4 and n:
                entries.append("n" if n > 1 and r.random() < 0.3 else str(r.randrange(-n, n)))
            else:
                entries.append(self.slice(n))
        if r.random() < 0.15:
            entries.insert(r.randrange(len(entries) + 1), "None")
        if r.random() < 0.15 or not entries:
            entries.insert(r.randrange(len(entries) + 1), "...")
        return ", ".join(entries)

    def numbers(self, n: int) -> str:
        r = self.rng
        if r.random() < 0.25:
            ints = [k for k, a in self.arrays.items() if a.dtype.kind == "i" and a.size and abs(a).max() < n]
            if ints:
                return r.choice(ints)
        found = [r.randrange(-n, n) for _ in range(r.choice([1, 2, 3, 3, 4]))]
        if r.random() < 0.2:
            found = [found, found[::-1]]  # type: ignore[list-item]
        return str(found) if r.random() < 0.5 else f"np.array({found})"

    def fancy(self, shape: Shape) -> str:
        """An index with arrays or masks."""
        r = self.rng
        if r.random() < 0.2:
            mask = [r.random() < 0.5 for _ in range(prod(shape))]
            return f"np.array({mask}).reshape({shape})"
        entries = [self.slice(n) if r.random() < 0.4 else self.numbers(n) if r.random() < 0.8 else str(r.randrange(n))
                   for n in shape[: r.randrange(1, len(shape) + 1)]]  # fmt: skip
        at = r.randrange(len(entries))
        entries[at] = self.numbers(shape[at])
        if r.random() < 0.1:
            entries[at] = str([r.random() < 0.5 for _ in range(shape[at])])
        return ", ".join(entries)

    def index(self, shape: Shape) -> str:
        if not shape:
            return self.rng.choice(["...", "()"])
        if self.rng.random() < 0.6 or 0 in shape:
            return self.basic(shape)
        return self.fancy(shape)

    def mask(self, a: str) -> str:
        shape = self.arrays[a].shape
        if self.rng.random() < 0.5:
            return f"{a} > {self.rng.choice([-0.2, 0.1, 0.4])}"
        return f"np.array({[self.rng.random() < 0.5 for _ in range(prod(shape))]}).reshape({shape})"

    def value(self, shape: Shape) -> str:
        """Something that can be written to an array of this shape."""
        r = self.rng
        b = self.name()
        fits = [k for k, a in self.arrays.items() if a.dtype.kind in "fc" and _fits(a.shape, shape)]
        way = r.random()
        if fits and way < 0.5:
            b = r.choice(fits)
            return r.choice(
                [b, b, f"np.sin({b})", f"{b} * 0.5", f"{b}[::-1]" if self.arrays[b].ndim else b, f"{b}.copy()"]
            )
        if way < 0.6:
            return r.choice(["0.5", "2", "0", "np.float64(0.75)", "1.5"])
        if way < 0.7:
            return f"np.sum({b}) * 0.25"
        if way < 0.8 and self.arrays[b].ndim:
            return (
                f"{b}[{', '.join(str(r.randrange(m)) for m in self.arrays[b].shape)}]" if self.arrays[b].size else "1.0"
            )
        if way < 0.9 and len(shape) == 1 and 0 < shape[0] < 5:
            return f"[{', '.join(r.choice(['0.5', '2', f'np.sum({b})']) for _ in range(shape[0]))}]"
        own = tuple(n if r.random() < 0.8 else 1 for n in shape)
        own = own[r.randrange(len(own)) :] if own and r.random() < 0.3 else own
        return f"K({own}) * np.cos(np.sum({b}))"

    def shaped(self, size: int) -> Shape:
        options = {(size,), (1, size), (size, 1), (-1,)}
        options |= {(k, size // k) for k in range(2, size) if size % k == 0}
        options |= {(2, 2, size // 4)} if size % 4 == 0 and size else set()
        return self.rng.choice(sorted(options))

    # ---- lines

    def make(self) -> str:
        r, v = self.rng, self.new()
        shape = r.choice(SHAPES)
        b = self.name()
        ways = [
            f"np.zeros({shape}, DT)", f"np.ones({shape}, DT)", f"np.full({shape}, 0.5, DT)", f"K({shape}).astype(DT)",
            f"np.arange({prod(shape)}).reshape({shape}).astype(DT) * 0.1", "np.eye(3, dtype=DT)", f"np.zeros_like({b})",
            f"np.zeros({shape}, DT, order='F')", f"np.zeros({shape}, DT).T", f"np.array({b})",
            f"np.array([np.sum({b}), 0.5, {self.value(())}], DT)", f"np.full_like({b}, 0.5)",
        ]  # fmt: skip
        if r.random() < 0.15:
            ways = ["np.arange(3)", "np.array([1, 0, 1])", "np.zeros(3, int)", "np.array([[0, 1], [1, 0]])"]
        return f"{v} = {r.choice(ways)}"

    def view(self) -> str:
        r, v = self.rng, self.new()
        a = self.name()
        shape = self.arrays[a].shape
        nd = len(shape)
        axes = list(range(nd))
        r.shuffle(axes)
        ways = [f"{a}[{self.basic(shape)}]" if nd else f"{a}[...]"] * 6
        ways += [f"{a}.T", f"{a}.reshape({self.shaped(prod(shape))})", f"{a}.reshape(-1)", f"np.ravel({a})", f"{a}.ravel('F')",
                 f"{a}[None]", f"{a}[...]", f"np.asarray({a})", f"np.atleast_2d({a})", f"np.squeeze({a})", f"np.flip({a})",
                 f"{a}.reshape({self.shaped(prod(shape))}, order='F')", f"{a}[:]" if nd else a,
                 f"np.expand_dims({a}, -1)", a, f"np.ascontiguousarray({a})", f"np.broadcast_to({a}, (2, *{shape}))",
                 f"np.broadcast_to({a}, {shape})", f"np.array({a}, copy=None)"]  # fmt: skip
        if nd > 1:
            ways += [f"{a}.transpose({axes})", f"{a}.swapaxes(0, -1)", f"np.moveaxis({a}, 0, -1)", f"np.rot90({a})", f"{a}.T.reshape(-1)",
                     f"np.diagonal({a})", f"np.diag({a})", f"{a}.diagonal({r.choice([-1, 0, 1])})", f"np.split({a}, [1], axis=1)[0]",
                     f"np.einsum('i...->...i', {a})", f"{a}.T.ravel()", f"np.matrix_transpose({a})",
                     f"np.linalg.diagonal({a})", f"{a}.mT", *([f"np.einsum('ii->i', {a})"] if len(set(shape)) == 1 == nd - 1 else [])]  # fmt: skip
        if nd:
            ways += [
                f"list({a})[0]",
                f"np.split({a}, [1])[0]",
                f"next(iter({a}))",
                f"{a}[n]",
                f"{a}[..., n]",
                f"{a}[n:]",
            ]
        return f"{v} = {r.choice(ways)}"

    def read(self) -> str:
        r, v = self.rng, self.new()
        a = self.name()
        shape = self.arrays[a].shape
        b = r.choice([k for k, x in self.arrays.items() if _fits(x.shape, shape) and x.dtype.kind in "fc"])
        ways = [f"np.sin({a})", f"{a} * {b}", f"{a} + {b}", f"{a} - 0.5", f"{a}.copy()", f"+{a}", f"{a}.flatten()", f"np.copy({a})",
                f"np.exp(-{a} * {a})", f"np.sum({a}, axis=0)" if shape else f"{a} * 2.0", f"{a}.copy('F')", f"{a}.copy('K')",
                f"np.where({self.mask(a)}, {a}, {b})", f"np.stack([{a}, {a}])", f"held({a}, {b} * 1.0)" if shape else f"{a} * 2.0",
                f"np.array({a}.flat) + 0.0", f"{a}.flat[{r.choice([0, '::2', '[0, -1]', '...', 'n'])}]", f"np.multiply({a}, {b}, out=None)"]  # fmt: skip
        if shape:
            ways += [f"{a}[{self.index(shape)}]", f"{a}[{self.index(shape)}]", f"np.sort({a}, axis=0)", f"np.concatenate([{a}, {a}])",
                     f"np.cumsum({a}, axis=-1)", f"{a}.take([0, -1], axis=0)", f"{a}[{self.mask(a)}]", f"np.roll({a}, 1)",
                     f"np.array([t * 2 for t in {a}.ravel()])", f"np.array(list({a}.flat))"]  # fmt: skip
        if len(shape) > 1:
            ways += [f"np.tril({a})", f"{a} @ {a}.T" if len(shape) == 2 else f"{a} * 1.5"]
        return f"{v} = {r.choice(ways)}"

    def write(self) -> str:
        r = self.rng
        a = self.name()
        shape = self.arrays[a].shape
        where = self.index(shape)
        part = np.shape(self.arrays[a][_eval(where, self.arrays)])
        op = r.choice(["+=", "-=", "*=", "*=", "/="])
        value = self.value(part)
        if op == "/=":
            value = f"(2.0 + np.cos({f'np.array({value})' if value.startswith('[') else value}))"

        def own(shape: Shape) -> str:  # neither .flat, nor a mask, nor place looks after values that share its memory
            value = self.value(shape)
            return value if value.startswith("[") else f"({value}) + 0.0"

        masked = "True" in where or "False" in where
        ways = [f"{a}[{where}] = {own(part) if masked else self.value(part)}"] * 5
        ways += [f"{a}[{where}] {op} {value}"] * 3
        ways += [f"{a} *= {self.value(shape)}", f"{a} += {self.value(shape)}", f"{a}[...] = {self.value(shape)}", f"{a}.fill({self.value(())})",
                 f"np.copyto({a}, {self.value(shape)}, where={self.mask(a)})", f"np.copyto({a}, {self.value(shape)})",
                 f"np.add({a}, {self.value(shape)}, out={a})", f"np.sin({a}, out={a})", f"both({a}, {a})", f"both({a}, {self.name()})",
                 f"np.putmask({a}, {self.mask(a)}, {self.value(r.choice([shape, (2,), (3,)]))})",
                 f"np.place({a}, {self.mask(a)}, {own((r.choice([1, 2, 3, 5]),))})",
                 f"{a}.flat[{self.numbers(max(prod(shape), 1))}] = {own(r.choice([(), (2,), (3,)]))}",
                 f"{a}.flat[{self.slice(prod(shape))}] = {own(r.choice([(), (2,), (3,)]))}", f"{a}.flat = {own((2,))}",
                 f"np.put({a}, {self.numbers(max(prod(shape), 1))}, {self.value(r.choice([(), (2,), (3,)]))})",
                 f"np.multiply({a}, {self.value(shape)}, out={a}, where={self.mask(a)})",
                 f"{a}[{self.mask(a)}] {op} {self.value(()) if op != '/=' else 2.0}", f"{a}[{self.mask(a)}] = {own(())}",
                 f"{a}.put({self.numbers(max(prod(shape), 1))}, {self.value((2,))}, mode='{r.choice(['wrap', 'clip'])}')"]  # fmt: skip
        if shape and shape[0]:
            i, j = r.randrange(shape[0]), r.randrange(shape[0])
            rest = shape[1:]
            ways += [f"{a}[[{i}, {j}]] = {a}[[{j}, {i}]]", f"{a}[{i}], {a}[{j}] = {a}[{j}].copy(), {a}[{i}].copy()", f"{a}.sort(axis={r.randrange(len(shape))})",
                     f"{a}[{i}], {a}[{j}] = {a}[{j}], {a}[{i}]", f"{a}[...] = {a}[::-1]", f"{a}[1:] = {a}[:-1]", f"{a}[1:] += {a}[:-1]", f"{a}[n] = {self.value(rest)}",
                     f"{a}[n] *= {self.value(rest)}", f"np.multiply({a}[:-1], 0.5, out={a}[1:])", f"np.{r.choice(['add', 'subtract'])}.at({a}, {self.numbers(shape[0])}, {self.value(())})",
                     f"np.{r.choice(['multiply', 'multiply', 'maximum', 'minimum'])}.at({a}, {self.numbers(shape[0])}, {self.value(())})",
                     # a value of the full shape: what NumPy 2.4 stretches over two axes of indices it reads from beyond its memory
                     f"np.{r.choice(['add', 'multiply'])}.at({a}, np.s_[{where}], {self.value(part)} + np.zeros({part}))", f"np.sin.at({a}, {self.numbers(shape[0])})",
                     f"np.add.at({a}, n, {self.value(rest)})", f"{a}.T[...] = {self.value(shape[::-1])}", f"{a}.reshape(-1)[...] = {self.value((prod(shape),))}",
                     f"{a}.ravel()[...] = {self.value((prod(shape),))}", f"np.put_along_axis({a}, np.argsort({a}.real, axis=0)[:1], {self.value(())}, 0)",
                     f"np.cumsum({a}, axis=0, out={a})", f"np.sum({a}, axis=0, out={a}[{i}])", f"{a}[...] = np.sort({a}, axis=0)"]  # fmt: skip
        if len(shape) > 1:
            ways += [f"np.fill_diagonal({a}, {self.value(r.choice([(), (2,), (3,)]))}, wrap={r.random() < 0.5})", f"{a}[...] = {a}.swapaxes(0, 1)",
                     *([f"np.einsum('ii->i', {a})[...] = {self.value(shape[:1])}"] if len(set(shape)) == 1 == len(shape) - 1 else []),
                     f"{a}[:, {r.randrange(shape[1])}] = {self.value((shape[0], *shape[2:]))}",
                     f"np.diagonal({a})[...] = 1.0", f"{a}.swapaxes(0, 1)[0] += {self.value((shape[0], *shape[2:]))}", f"np.matmul({a}, {a}, out={a})"]  # fmt: skip
        ints = [k for k, x in self.arrays.items() if x.dtype.kind == "i"]
        if ints and r.random() < 0.1:
            k = r.choice(ints)
            ways = [
                f"{k}[0] = 1",
                f"{k} += 1",
                f"{k}[...] = {k}[::-1]",
                f"{k}[-1] = n",
                f"np.put({k}, [0], [2])",
                f"{k}.sort()",
            ]
        line = r.choice(ways)
        if (".at(" in line or "copyto(" in line) and not self.arrays[a].flags.writeable:
            raise LookupError  # NumPy itself does not look
        return line


def _eval(index: str, arrays: dict[str, Any]) -> Any:
    return eval(f"np.s_[{index}]", {"np": np, "n": 0, **arrays})  # noqa: S307 - our own text


def _fits(have: Shape, want: Shape) -> bool:
    try:
        return np.broadcast_shapes(have, want) == want
    except ValueError:
        return False


def tame(values: list[Any]) -> bool:
    """Whether all are small arrays of moderate numbers, different enough that what is greater is clear."""
    return all(isinstance(v, np.ndarray) and v.size <= 30 and v.ndim < 5 and np.all(np.abs(v) < 20) for v in values)


def names_of(lines: tuple[str, ...]) -> list[str]:
    found = [line.split(" = ")[0] for line in lines]
    return list(dict.fromkeys(n for n in found if n.isidentifier()))


def tried(program: Program) -> list[Any] | None:
    """What NumPy makes of a program, if all its arrays are tame; a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = program.compiled(False)
        runs = [run(program.argument(), n, float)[0] for n in (0, 1)]
        run(program.argument().astype(complex), 0, complex)
    return runs[0] if all(tame(found) for found in runs) else None


def refuses(program: Program) -> bool:
    """Whether NumPy refuses the last line, and not only the limits set here."""
    try:
        program.compiled(False)(program.argument(), 1, float)
    except (ValueError, IndexError):
        return True
    return False


def generate(seed: int, length: int) -> Program:
    """A program of which NumPy runs every line without a warning, and perhaps one that it refuses."""
    writer = Writer(seed)
    shape = writer.rng.choice(SHAPES)
    lines = (writer.rng.choice(["v0 = x", "v0 = x * 1.0", "v0 = x.T * 1.0", "v0 = np.asfortranarray(x)"]),)
    program = Program(lines, shape)
    writer.arrays["v0"] = tried(program)[0]  # type: ignore[index]
    for _ in range(12 * length):
        count = writer.count
        full = len(program.lines) > length
        draw = writer.rng.choices([writer.make, writer.view, writer.read, writer.write], [2, 4, 2, 6])[0]
        longer = program
        try:
            longer = Program((*program.lines, draw()), shape)
            found = tried(longer)
        except (LookupError, ZeroDivisionError, ValueError, TypeError, SystemError, StopIteration, Warning) as error:
            some = all(a.size for a in writer.arrays.values())  # NumPy does not look at all writes of nothing
            if full and some and type(error) in (ValueError, IndexError) and refuses(longer):
                return Program(program.lines, shape, longer.lines[-1])
            found = None
        if found is None or full:
            writer.count = count
            if full and writer.rng.random() < 0.1:
                break
            continue
        program = longer
        writer.arrays = dict(zip(names_of(program.lines), found, strict=True))
    return program
