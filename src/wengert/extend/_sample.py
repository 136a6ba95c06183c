"""Operands at which a record is tried, and the error for a law that does not hold there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np

from wengert.errors import WengertError

__all__ = ["LawError", "Sample", "generator"]


class LawError(WengertError, AssertionError):
    """A record breaks one of the laws that every primitive obeys."""


@dataclass(frozen=True)
class Sample:
    """Operands and parameters of one application of a record.

    ``exact`` says that batching gives the same bits as a loop up to 4 ulp; otherwise ``bound`` times the
    machine epsilon is allowed, relative to the sum of the moduli of the terms.
    """

    operands: tuple[Any, ...]
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    complex_step: bool = False
    bound: float = 4.0

    def __str__(self) -> str:
        shapes = ",".join(str(np.shape(x)).replace(" ", "") for x in self.operands)
        return f"{shapes}{self.params or ''}"


def generator(name: str) -> np.random.Generator:
    """Random numbers that depend on the name alone."""
    return np.random.default_rng(crc32(name.encode()))
