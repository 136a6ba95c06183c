"""What must hold of a compiled random function: the values of NumPy, of the interpreter, and of itself."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from tests.compile._generator import Function
from tests.compile._guards import unguarded

from wengert import control, grad, jit, make_program
from wengert.compile.compiler import compile_program
from wengert.errors import ConcretizationError
from wengert.rewrite import passes, rewrite

ROUNDINGS = 2000.0  # of the largest element: a dozen statements, sums and products in other orders


def difference(actual: Any, wanted: Any, *, exact: bool, coarse: bool = False) -> str | None:
    """How two results differ, None where they do not."""
    a, w = np.asarray(actual), np.asarray(wanted)
    if a.dtype != w.dtype or a.shape != w.shape:
        return f"{a.dtype}{list(a.shape)} for {w.dtype}{list(w.shape)}"
    if not a.size or np.array_equal(a, w, equal_nan=w.dtype.kind == "f"):
        return None
    if exact or w.dtype.kind != "f":
        at = next(i for i in np.ndindex(a.shape) if a[i] != w[i] and not (a[i] != a[i] and w[i] != w[i]))
        return f"{a[at]!r} for {w[at]!r} at {at} of {list(a.shape)}"
    if not np.array_equal(np.isnan(a), np.isnan(w)) or not np.array_equal(np.isinf(a), np.isinf(w)):
        return f"other NaN or infinities: {a.ravel()[:8]} for {w.ravel()[:8]}"
    finite = np.isfinite(w)
    if not np.array_equal(a[~finite], w[~finite], equal_nan=True):
        return "other infinities"
    if not finite.any():
        return None
    far, scale = np.abs(a - w)[finite].max(), max(1.0, float(np.abs(w[finite]).max()))
    limit = ROUNDINGS * float(np.finfo("f4" if coarse else w.dtype).eps) * scale
    return None if far <= limit else f"off by {far / scale:.2g} of the largest element, {list(a.shape)}"


def compare(
    actual: Sequence[Any], wanted: Sequence[Any], exact: Sequence[bool], coarse: Sequence[bool], what: str
) -> Iterator[str]:
    """The differences of lists of results."""
    if len(actual) != len(wanted):
        yield f"{what}: {len(actual)} results for {len(wanted)}"
        return
    for k, (a, w, bits, single) in enumerate(zip(actual, wanted, exact, coarse, strict=True)):
        found = difference(a, w, exact=bits, coarse=single)
        if found:
            yield f"{what}, result {k}: {found}"


def shaky(program: Any, args: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Whether results jump where operands change in their last digits: at a kink, or between values that sort alike."""
    draw = np.random.default_rng(0)
    for _ in range(8):
        moved = [
            (a + 4 * np.spacing(np.abs(a)) * draw.integers(-1, 2, a.shape)).astype(a.dtype)
            if isinstance(a, np.ndarray) and a.dtype.kind == "f"
            else a
            for a in args
        ]
        near = program.evaluate(moved)
        if any(difference(a, b, exact=False) for a, b in zip(near, wanted, strict=True)):
            return True
    return False


def copies(args: Sequence[Any]) -> list[Any]:
    """Arguments that may be overwritten."""
    return [np.array(a) if isinstance(a, np.ndarray) else a for a in args]


def staged(f: Callable[..., Any], args: Sequence[Any]) -> Any:
    """The Program of a function; None where it asks for values, or for what NumPy does not do."""
    try:
        return make_program(f)(*args)
    except ConcretizationError:
        return None
    except TypeError as error:  # of a branch that plain Python did not take
        if "numpy boolean" in str(error):
            return None
        raise


def loss(f: Callable[..., list[Any]]) -> Callable[..., Any]:
    """One number in which every float element of the results has a weight."""

    def total(*args: Any) -> Any:
        out = 0.0
        for k, v in enumerate(f(*args)):
            if hasattr(v, "dtype") and np.dtype(v.dtype).kind == "f":
                out = out + np.sum(v * np.cos(k + 1.3 * np.arange(np.size(v)).reshape(np.shape(v))))
        return out

    return total


def functions(drawn: Function) -> Iterator[tuple[str, Callable[..., list[Any]]]]:
    """The function, its gradient, and for some the gradient's."""
    f = drawn.callable(control)
    yield "value", f
    numbers = tuple(k for k, a in enumerate(drawn.args) if np.asarray(a).dtype.kind == "f")
    if "prod(" in drawn.source() and drawn.seed % 5 == 0:
        return  # where factors are infinite, NumPy's doubling meets 0 · ∞ and the loop does not
    if drawn.seed % 2:
        first = grad(loss(f), numbers)
        yield "gradient", lambda *args: list(first(*args))
        if drawn.seed % 6 == 1 and len(drawn.lines) < 10:
            second = grad(loss(first), numbers)
            yield "second", lambda *args: list(second(*args))


def failures(drawn: Function, threads: int | None = None, place: Callable[[Any], Any] = np.array) -> Iterator[str]:
    """All that is wrong with a random function's machine code; ``place`` puts operands somewhere in memory.

    Whether it is run by a team and whether its arguments are donated follows from the seed.
    """
    team = threads or 1 + drawn.seed // 2 % 2
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        with unguarded():
            plain = drawn.callable()(*copies(drawn.args))
        for what, f in functions(drawn):
            program = staged(f, copies(drawn.args))
            if program is None:
                return
            with unguarded():
                wanted = program.evaluate(copies(drawn.args))
            exact = drawn.exact if what == "value" else [False] * len(wanted)
            coarse = drawn.coarse if what == "value" else [any(drawn.coarse)] * len(wanted)
            if what == "value":
                yield from compare(wanted, plain, exact, coarse, "interpreted")
            name = f"{what} by {team}"
            if drawn.seed % 7 == 0 and what == "value":
                found = list(_jitted(drawn, f, exact, coarse))
            elif drawn.seed % 3 == 0:
                found = list(_donated(program, drawn.args, wanted, exact, coarse, team, name))
            else:
                found = list(_compiled(program, drawn.args, wanted, exact, coarse, team, name, place))
            if found and not all("off by" in text and shaky(program, drawn.args, wanted) for text in found):
                yield from found


def _compiled(
    program: Any, args: Sequence[Any], wanted: Sequence[Any], exact: Sequence[bool],
    coarse: Sequence[bool], threads: int, name: str, place: Any,
) -> Iterator[str]:  # fmt: skip
    run = compile_program(program, threads=threads)
    for turn in range(2):
        operands = [place(a) if isinstance(a, np.ndarray) else a for a in args]
        before = copies(operands)
        got = run(*operands)
        found = list(compare(got, wanted, exact, coarse, f"{name}, call {turn}"))
        yield from found
        if not all(difference(a, b, exact=True) is None for a, b in zip(operands, before, strict=True)):
            yield f"{name}: an operand has been overwritten"
        if found:
            return


def _donated(
    program: Any, args: Sequence[Any], wanted: Sequence[Any], exact: Sequence[bool], coarse: Sequence[bool],
    threads: int, name: str,
) -> Iterator[str]:  # fmt: skip
    donated = tuple(isinstance(a, np.ndarray) for a in args)
    run = compile_program(program, donated=donated, threads=threads)
    yield from compare(run(*copies(args)), wanted, exact, coarse, f"{name}, donated")


def elsewhere(choose: random.Random, x: Any) -> Any:
    """The same array in another place, order, layout or order of bytes."""
    if not isinstance(x, np.ndarray) or not x.ndim:
        return x
    wide = np.empty(tuple(2 * n for n in x.shape), x.dtype)
    raw = np.empty(x.nbytes + 1, "u1")
    moved: list[Any] = [
        np.asfortranarray(x),
        wide[(slice(None, None, 2),) * x.ndim],
        wide[(slice(None, None, -2),) * x.ndim],
        wide[tuple(map(slice, x.shape))],
        np.ndarray(x.shape, x.dtype, raw.data, 1),
        x.astype(x.dtype.newbyteorder()),
        x.copy(),
    ]
    out = choose.choice(moved)
    out[...] = x
    out.flags.writeable = choose.random() < 0.5
    return out


def _jitted(
    drawn: Function, f: Callable[..., list[Any]], exact: Sequence[bool], coarse: Sequence[bool]
) -> Iterator[str]:
    """A jitted function called again and again, with other values and operands that lie in other ways."""
    choose, run, plain = random.Random(drawn.seed), jit(f), drawn.callable()
    for call in range(4):
        args = [np.roll(a, call) if isinstance(a, np.ndarray) else a for a in drawn.args]
        wanted = plain(*copies(args))
        given = [elsewhere(choose, a) for a in args] if call else args
        yield from compare(run(*given), wanted, exact, coarse, f"jitted, call {call}")


def guilty(drawn: Function) -> list[str]:
    """Without which passes of the rewriting a function's Program is right; none where it is not the rewriting's fault."""
    found: set[str] = set()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for what, f in functions(drawn):
            program = staged(f, copies(drawn.args))
            if program is None:
                continue
            wanted = program.evaluate(copies(drawn.args))
            exact = drawn.exact if what == "value" else [False] * len(wanted)

            def wrong(*skip: str, program: Any = program, wanted: Any = wanted, exact: Any = exact) -> bool:
                got = rewrite(program, skip=skip).evaluate(copies(drawn.args))
                return any(compare(got, wanted, exact, [True] * len(wanted), "rewritten"))

            if wrong():
                found.update(p.name for p in passes() if not wrong(p.name))
    return sorted(found)
