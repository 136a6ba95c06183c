"""Each test of machine code: arrays lie in memory that tells when somebody writes beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from tests.compile._guards import fenced, guarded


@pytest.fixture(autouse=True)
def nothing_beside_arrays() -> Iterator[None]:
    """No array that the test freed had been overwritten beside its ends; WENGERT_FENCED=1: nor read behind its end."""
    with (fenced if os.environ.get("WENGERT_FENCED") else guarded)() as spoiled:
        before = spoiled()
        yield
        assert spoiled() == before, "something has written to memory beside an array"
