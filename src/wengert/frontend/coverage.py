"""Which of NumPy's names are differentiated, which are flat by nature, which are refused and why.

The names are NumPy's own list of what others may override; what is done with each is read off the front end's
tables; how far it is verified is counted from the calls that the tests make (``verified.json``, which a test
compares with them). A name that stands in none of the tables is unclassified, and a test fails.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy import char, strings
from numpy.lib import recfunctions, scimath, stride_tricks
from numpy.testing import overrides

from wengert.core.primitive import Primitive
from wengert.core.trace import ArrayTracer, Tracer
from wengert.frontend import special
from wengert.frontend.creation import ORIGINALS
from wengert.frontend.refusals import refused
from wengert.frontend.tables import FLAT, FUNCTIONS, REFUSED, UFUNC_METHODS, UFUNCS, name_of

__all__ = ["GROUPS", "VERIFIED", "Counts", "Name", "names", "page", "summary"]

_LOADED = (char, strings, recfunctions, scimath, stride_tricks)  # NumPy lists what is loaded
VERIFIED = Path(__file__).with_name("verified.json")
GROUPS = (
    "ufuncs", "functions", "numpy.linalg", "numpy.fft", "numpy.lib", "creation", "ndarray", "ufunc methods",
    "scipy.special", "text",
)  # fmt: skip
MODULES = {
    "np": "functions", "np.linalg": "numpy.linalg", "np.fft": "numpy.fft", "np.strings": "text", "np.char": "text",
}  # fmt: skip
METHODS_OF_UFUNCS = ("reduce", "accumulate", "reduceat", "outer", "at")


@dataclass(frozen=True, slots=True)
class Counts:
    """The calls of a name that the tests try: each in reverse and forward mode, and how many further."""

    calls: int = 0
    second: int = 0
    batched: int = 0
    staged: int = 0

    def marks(self) -> dict[str, str]:
        """For each column ``yes``, ``no``, or how many of how many calls."""

        def mark(n: int) -> str:
            return "yes" if n == self.calls else f"{n} of {self.calls}" if n else "no"

        if not self.calls:
            return {}
        return {"reverse": "yes", "forward": "yes", "second order": mark(self.second),
                "batched": mark(self.batched), "staged": mark(self.staged)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Name:
    """One name: its group, its ``status`` (differentiable, flat, refused, unclassified) and what is known of it."""

    name: str
    group: str
    status: str
    reason: str = ""
    instead: str = ""
    verified: Counts = Counts()

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {key: value for key, value in asdict(self).items() if value} | {"columns": self.verified.marks()}


def names(word: str = "") -> list[Name]:
    """Every name that contains ``word``, in the order of :data:`GROUPS` and the alphabet.

    Example:
        >>> from wengert.frontend.coverage import names
        >>> [(n.name, n.status) for n in names("cumulative")]
        [('np.cumulative_prod', 'differentiable'), ('np.cumulative_sum', 'differentiable')]
    """
    counts = verified()
    found: dict[str, Name] = {}
    for name, group, function, known in surface():
        if word.lower() not in name.lower() or name in found:
            continue
        status = _status(function, known)
        reason, _, instead = ("", "", "") if status != "refused" else refused(function).partition("; write: ")
        if status == "refused" and not reason:
            status = "unclassified"
        found[name] = Name(name, group, status, reason, instead, counts.get(name, Counts()))
    return sorted(found.values(), key=lambda n: (GROUPS.index(n.group), n.name))


def _status(function: Any, known: bool) -> str:
    if is_flat(function):
        return "flat"
    return "differentiable" if known and function not in REFUSED else "refused"


def summary(found: Iterable[Name]) -> str:
    """One line with the counts."""
    found = list(found)
    by = {status: [n for n in found if n.status == status] for status in ("differentiable", "flat", "refused")}
    tried = sum(1 for n in by["differentiable"] if n.verified.calls)
    rest = len(found) - sum(map(len, by.values()))
    return (
        f"{len(found)} names: {len(by['differentiable'])} differentiable ({tried} verified by calls), "
        f"{len(by['flat'])} flat by nature, {len(by['refused'])} refused, {rest} unclassified"
    )


@cache
def verified() -> dict[str, Counts]:
    """What the tests have verified, by name."""
    return {name: Counts(*counts) for name, counts in json.loads(VERIFIED.read_text(encoding="utf-8")).items()}


# ---- the names, and whether the front end's tables know them

Row = tuple[str, str, Any, bool]


def surface() -> Iterator[Row]:
    """Each name with its group, its object, and whether there is a rule for it."""
    for name, original in ORIGINALS.items():
        yield f"np.{name}", "creation", original, True
    yield from _ufuncs()
    yield from _functions()
    for name in dir(np.ndarray):
        if not name.startswith("_"):
            yield f"ndarray.{name}", "ndarray", getattr(np.ndarray, name), _is_method(name)
    for name in METHODS_OF_UFUNCS:
        yield f"ufunc.{name}", "ufunc methods", getattr(np.ufunc, name), name == "at" or name in UFUNC_METHODS
    yield from _special()


def _ufuncs() -> Iterator[Row]:
    for ufunc in overrides.get_overridable_numpy_ufuncs():
        name = ufunc.__name__
        if not ufunc.types:
            inner = "np.strings" if getattr(strings, name, None) is ufunc else "np._core.umath"
            yield f"{inner}.{name}", "text", ufunc, False
        else:
            public = getattr(np, name, None) is ufunc
            yield (name_of(ufunc) if public else f"np._core.umath.{name}"), "ufuncs", ufunc, ufunc in UFUNCS


def _functions() -> Iterator[Row]:
    for function in filter(_is_numpys, overrides.get_overridable_numpy_array_functions()):
        name = public_name(function)
        function = _public(name, function)  # that with like= has an inner one of the same name
        module = ".".join(name.split(".")[:-1])
        group = MODULES.get(module, "numpy.lib")
        yield name, group, function, function in FUNCTIONS


def public_name(function: Any) -> str:
    """A function's name, with its module as it is called in public."""
    return re.sub(r"\._(\w+)_impl\.", r".\1.", name_of(function))


def _is_numpys(function: Any) -> bool:
    """Whether a function that can be overridden is NumPy's own: libraries may enter theirs."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is None or Path(np.__file__).parent in Path(code.co_filename).parents


def _public(name: str, function: Any) -> Any:
    found: Any = np
    for part in name.split(".")[1:]:
        found = getattr(found, part, None)
    return function if found is None else found


def _special() -> Iterator[Row]:
    for name, ufunc in vars(special.sc).items():
        if isinstance(ufunc, np.ufunc) and not name.startswith("_"):
            yield f"scipy.special.{name}", "scipy.special", ufunc, ufunc in UFUNCS


def _is_method(name: str) -> bool:
    """Whether tracers have this attribute otherwise than to refuse it."""
    found: Any = None
    for cls in (ArrayTracer, Tracer):
        found = found or cls.__dict__.get(name)
    maker = getattr(found, "fget", found)
    return maker is not None and getattr(maker, "__module__", "") != "wengert.frontend.escapes"


def is_flat(function: Any) -> bool:
    """Whether a function's derivative is zero by nature."""
    rule = UFUNCS.get(function) if isinstance(function, np.ufunc) else None
    record = getattr(rule, "__self__", rule)
    return function in FLAT or (isinstance(record, Primitive) and record.flat)


# ---- the page

_HEAD = """\
# What is differentiated

Written by `make coverage` from the front end's tables and from the calls that the tests make; a test holds it to
them. `wengert coverage` prints the same for the NumPy and SciPy that are installed. Each call that is counted is
tried in reverse and forward mode; "second order", "batched" (under `vmap`) and "staged" (`make_program`) say whether
all of its calls are tried so far too, or how many of them.

"""


def page() -> str:
    """docs/coverage.md: a table for each group, and a list of what is refused, with the reasons."""
    found = names()
    lines = [_HEAD + summary(found) + ".", ""]
    for group in GROUPS:
        rows = [n for n in found if n.group == group and n.status == "differentiable"]
        if rows:
            lines += [f"## {group}", "", "| name | calls | second order | batched | staged |", "|---|---|---|---|---|"]
            lines += [_row(n) for n in rows] + [""]
    flat = ", ".join(f"`{n.name}`" for n in found if n.status == "flat")
    lines += ["## Flat by nature", "", "Positions, counts, truth values, types and steps: their derivative is zero.",
              "", flat, "", "## Refused", "", "| name | why | instead |", "|---|---|---|"]  # fmt: skip
    lines += [f"| `{n.name}` | {n.reason} | {n.instead} |" for n in found if n.status == "refused"]
    return "\n".join(lines) + "\n"


def _row(n: Name) -> str:
    marks = n.verified.marks() or dict.fromkeys(("second order", "batched", "staged"), "")
    further = " | ".join(marks[column] for column in ("second order", "batched", "staged"))
    return f"| `{n.name}` | {n.verified.calls} | {further} |"
