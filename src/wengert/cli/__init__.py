"""The command ``wengert``: train, predict, check, explain."""

from wengert.cli._main import main

__all__ = ["main"]
