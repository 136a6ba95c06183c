"""The coverage meter: no name is unclassified, and what it says is what the tables and the tests hold."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.frontend._verified import counts

import wengert.numpy as wnp
from wengert import UnsupportedError, grad, jvp
from wengert.frontend import coverage
from wengert.frontend.coverage import GROUPS, VERIFIED, Counts, Name, names, page, public_name, summary, surface
from wengert.frontend.refusals import refused
from wengert.frontend.tables import FLAT, FUNCTIONS, REFUSED, UFUNCS, name_of

ROOT = Path(__file__).parents[2]
NAMES = {n.name: n for n in names()}
# the page and the counts are written where these are installed; others add and drop names
WRITTEN_WITH = tuple(map(int, np.__version__.split(".")[:2])) == (2, 4)


def test_no_name_is_unclassified() -> None:
    unclassified = [n.name for n in NAMES.values() if n.status == "unclassified"]
    assert not unclassified, (
        f"{unclassified}: give them a rule (with calls in tests/frontend/_cases*.py), or enter them in FLAT or REFUSED "
        "in src/wengert/frontend/refusals.py"
    )


def test_numpys_whole_list_is_there() -> None:
    from numpy.testing import overrides

    # other tests enter functions of their own
    functions = [f for f in overrides.get_overridable_numpy_array_functions() if "tomorrow" not in f.__name__]
    have = {public_name(f) for f in functions}
    assert have <= set(NAMES)
    assert len(have) > 280
    ufuncs = {
        f"np.{f.__name__}" for f in overrides.get_overridable_numpy_ufuncs() if getattr(np, f.__name__, None) is f
    }
    assert ufuncs <= set(NAMES)
    assert {f"ndarray.{name}" for name in dir(np.ndarray) if name[0] != "_"} <= set(NAMES)
    assert {f"ufunc.{name}" for name in ("reduce", "accumulate", "reduceat", "outer", "at")} <= set(NAMES)
    assert {"np.zeros", "np.array", "np.linalg.svd", "np.fft.rfft", "scipy.special.gammaln"} <= set(NAMES)
    # everything that the tables know is in the list
    assert {public_name(f) for f in FUNCTIONS} <= {*NAMES, "np.trapz"}  # which NumPy 2.0 deprecates, and does not list
    assert {name_of(f) for f in UFUNCS if not f.__name__.startswith("_")} <= set(NAMES)


def test_a_new_name_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "surface", lambda: iter([("np.brand_new", "functions", lambda x: x, False)]))
    (found,) = names()
    assert found.status == "unclassified"
    assert "1 unclassified" in summary([found])


def test_what_is_differentiable_is_verified() -> None:
    verified = set(counts())  # also of names that only this NumPy has
    unverified = [n.name for n in NAMES.values() if n.status == "differentiable" and n.name not in verified]
    assert not unverified, f"add calls of {unverified} to tests/frontend/_cases*.py, and write: make coverage"


@pytest.mark.skipif(not WRITTEN_WITH, reason="written with NumPy 2.4")
def test_the_counts_are_those_of_the_tables_of_calls() -> None:
    stored = json.loads(VERIFIED.read_text(encoding="utf-8"))
    now = counts()
    assert stored == now, f"{sorted(k for k in {*stored, *now} if stored.get(k) != now.get(k))}: write: make coverage"


@pytest.mark.skipif(not WRITTEN_WITH, reason="written with NumPy 2.4")
def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8") == page(), "write: make coverage"


def test_the_generator_says_what_is_stale(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "coverage.py", "--check"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == (0 if WRITTEN_WITH else 1), done.stdout + done.stderr


def test_every_refusal_has_a_reason_and_a_remedy() -> None:
    for n in NAMES.values():
        if n.status == "refused":
            assert n.reason, n
            assert len(n.instead) > 5 or n.group == "scipy.special", n


@pytest.mark.parametrize("name", ["save", "packbits", "busday_offset", "datetime_as_string"])
def test_what_is_refused_raises_with_its_reason(name: str) -> None:
    function = getattr(np, name)
    arguments: dict[str, Any] = {"save": ("file.npy",), "busday_offset": ("2024-01-01",)}
    for transform in (lambda f: grad(f)(np.ones(3)), lambda f: jvp(f, (np.ones(3),), (np.ones(3),))):
        with pytest.raises(UnsupportedError) as error:
            transform(lambda x: np.sum(function(*arguments.get(name, ()), x)))
        reason, _, instead = refused(function).partition("; write: ")
        assert reason in str(error.value)
        assert (instead or "write: ") in str(error.value)
        assert __file__ in str(error.value)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_flat_functions_give_no_derivative() -> None:
    x = np.array([0.3, -1.2, 2.5])
    tried = 0
    for function in FLAT:
        if not (callable(function) and function in FUNCTIONS):
            continue
        try:
            out = function(x)
        except (TypeError, ValueError, IndexError):
            continue
        t = jvp(function, (x,), (np.ones(3),))[1] if isinstance(out, np.ndarray | np.generic) else 0.0
        assert not np.any(t), name_of(function)
        tried += 1
    assert tried > 25


def test_tables_do_not_contradict_one_another() -> None:
    assert not FLAT & set(REFUSED), "flat and refused"
    assert not {f for f in REFUSED if not isinstance(f, str) and (f in FUNCTIONS or f in UFUNCS)}, (
        "refused, with a rule"
    )


def test_names_are_filtered_and_ordered() -> None:
    found = names("LINALG.s")
    assert {n.name for n in found} >= {"np.linalg.solve", "np.linalg.svd"}
    assert all("linalg.s" in n.name for n in found)
    groups = [GROUPS.index(n.group) for n in NAMES.values()]
    assert groups == sorted(groups)
    assert names("no such name") == []


def test_marks() -> None:
    assert Counts().marks() == {}
    assert Counts(4, 4, 2, 0).marks() == {
        "reverse": "yes", "forward": "yes", "second order": "yes", "batched": "2 of 4", "staged": "no",
    }  # fmt: skip
    n = Name("np.x", "functions", "differentiable", verified=Counts(1, 1, 1, 1))
    assert n.as_dict()["columns"]["staged"] == "yes"


def test_each_name_is_one_thing() -> None:
    listed = [name for name, *_ in surface()]
    assert len(set(listed)) == len(NAMES)


def test_the_namespace_has_what_numpy_has() -> None:
    missing = [n for n in NAMES if n.startswith("np.") and n.count(".") == 1 and not hasattr(wnp, n[3:])]
    assert not missing
