"""Operands for the records of linear algebra."""

from __future__ import annotations

from typing import Any

LINEAR_ALGEBRA: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {}
