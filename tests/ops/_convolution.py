"""Operands for the records of convolutions, and what others compute from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SAMPLES: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {}
ORACLES: dict[str, Callable[..., Any]] = {}
