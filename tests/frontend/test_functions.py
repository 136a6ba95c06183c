"""Every NumPy function in the front end's table, called as users call it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.frontend._harness import Case, check, check_batch, check_staged
from tests.frontend._verified import TABLE

from wengert import ConcretizationError, ShapeError, UnsupportedError
from wengert.frontend.tables import FUNCTIONS, name_of

CASES = [case for cases in TABLE.values() for case in cases]


def test_every_function_has_a_case() -> None:
    missing = sorted(name_of(f) for f in set(FUNCTIONS) - set(TABLE))
    assert not missing, f"add calls of {missing} to tests/frontend/_cases*.py"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_function(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("case", [c for c in CASES if not c.abstract], ids=lambda case: case.label)
def test_what_needs_values_says_so(case: Case) -> None:
    with pytest.raises((ConcretizationError, UnsupportedError)):
        check_batch(case)


@pytest.mark.parametrize("case", [c for c in CASES if not (c.abstract and c.staged)], ids=lambda case: case.label)
def test_what_staging_does_not_know_is_said(case: Case) -> None:
    with pytest.raises((ConcretizationError, ShapeError, UnsupportedError)):
        check_staged(case)


def test_the_table_is_numpys() -> None:
    for function in FUNCTIONS:
        name = name_of(function)
        found: Any = np
        for part in name.split(".")[1:]:
            found = getattr(found, part)
        assert found is function, name
