"""How often the tests try each name, and how far: counted from the tables of calls that they run through.

A call in these tables is tried by ``_harness.check`` (or, for SciPy's ufuncs, by the laws over the registry): NumPy's
value, reverse and forward mode by differences, second order unless ``order=1``, vmap and staging unless
``abstract=False``. Whatever fails turns those tests red; so what is counted here is verified where they are green.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
from tests.frontend import test_methods, test_ufuncs
from tests.frontend._cases import TABLE
from tests.frontend._harness import Case
from tests.ops._samples import samples

from wengert.core.primitive import Primitive
from wengert.frontend.coverage import public_name, surface
from wengert.frontend.tables import UFUNCS

for _path in sorted(Path(__file__).parent.glob("_cases*.py")):
    import_module(f"tests.frontend.{_path.stem}")  # each enters its calls into TABLE


def of_cases(cases: list[Case]) -> list[int]:
    """All calls, those to second order, those under vmap, those that are staged."""
    return [
        len(cases),
        sum(c.order > 1 for c in cases),
        sum(c.abstract for c in cases),
        sum(c.abstract and c.staged for c in cases),
    ]


def of_methods() -> dict[str, list[int]]:
    """ndarray's methods and attributes: test_methods.py runs through these."""
    found = {name: len(calls) for name, calls in test_methods.CALLS.items()}
    found |= {name: 1 for name in test_methods.ATTRIBUTES if hasattr(np.ndarray, name)}
    return {f"ndarray.{name}": [n, n, *(0 if name in test_methods.CONCRETE else n,) * 2] for name, n in found.items()}


def of_ufuncs() -> dict[str, list[int]]:
    """NumPy's ufuncs: test_ufuncs.py runs through their calls. SciPy's: the laws run through their samples."""
    found: dict[str, list[int]] = {}
    for name, _, ufunc, known in surface():
        if not (known and isinstance(ufunc, np.ufunc)):
            continue
        if name.startswith("scipy.special."):
            record = getattr(UFUNCS[ufunc], "__self__", None)
            found[name] = [len(samples(record)) if isinstance(record, Primitive) else 0] * 4
        else:
            found[name] = of_cases(test_ufuncs.cases(ufunc.__name__))
    return found


def counts() -> dict[str, list[int]]:
    """For each name the number of its calls, and how many of them are tried how far."""
    functions = {_name(function): of_cases(cases) for function, cases in TABLE.items()}
    found = of_methods() | of_ufuncs()
    for name, new in functions.items():
        found[name] = [a + b for a, b in zip(new, found.get(name, [0, 0, 0, 0]), strict=True)]
    return {name: found[name] for name in sorted(found) if found[name][0]}


def _name(function: object) -> str:
    owner = getattr(function, "__objclass__", None)
    name = getattr(function, "__name__", "")
    return f"{owner.__name__}.{name}" if owner in (np.ufunc, np.ndarray) else public_name(function)
