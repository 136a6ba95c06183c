"""Programs are typechecked after each pass."""

from collections.abc import Iterator

import pytest

from wengert.rewrite import CHECK


@pytest.fixture(autouse=True)
def typechecked() -> Iterator[None]:
    before, CHECK[0] = CHECK[0], True
    yield
    CHECK[0] = before
