"""Every NumPy function in the front end's table, called as users call it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.frontend import _cases_fft, _cases_filling, _cases_numeric, _cases_statistics
from tests.frontend._cases import TABLE
from tests.frontend._harness import Case, check, check_batch, check_staged

from wengert import ConcretizationError, UnsupportedError
from wengert.frontend.tables import FUNCTIONS, name_of

_ENTERED = (_cases_fft, _cases_filling, _cases_numeric, _cases_statistics)  # imported for the calls they enter
LINALG = ("wengert.frontend.linalg", "wengert.frontend.norms")  # test_linalg.py has these
CASES = [case for cases in TABLE.values() for case in cases]


def test_every_function_has_a_case() -> None:
    mine = {f for f, rule in FUNCTIONS.items() if not rule.__module__.startswith(LINALG)}
    missing = sorted(name_of(f) for f in mine - set(TABLE))
    assert not missing, f"add calls of {missing} to tests/frontend/_cases*.py"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_function(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("case", [c for c in CASES if not c.abstract], ids=lambda case: case.label)
def test_what_needs_values_says_so(case: Case) -> None:
    with pytest.raises((ConcretizationError, UnsupportedError)):
        check_batch(case)
    with pytest.raises((ConcretizationError, UnsupportedError)):
        check_staged(case)


def test_the_table_is_numpys() -> None:
    for function in FUNCTIONS:
        name = name_of(function)
        found: Any = np
        for part in name.split(".")[1:]:
            found = getattr(found, part)
        assert found is function, name
