"""The command ``wengert``: train, predict, check, explain."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

from wengert.cli._codes import INTERRUPTED

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``wengert`` with these arguments (the process's own by default) and return the exit code.

    0: done. 1: it failed, as a gradient check that finds a difference does. 2: the command line or its input
    is refused. 130: interrupted; what was reached is kept. Errors are one message on standard error.

    Example:
        >>> from wengert.cli import main
        >>> main(["train", "moons", "--quiet", "--out", "runs/moons"])  # doctest: +SKIP
        0
    """
    _open_streams()
    try:
        # NumPy and the networks take a while to load: Ctrl-C may come in the midst of it
        from wengert.cli._main import run

        return run(arguments)
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            message = "interrupted before anything was reached; nothing was written"
            print(f"wengert: {message}", file=sys.stderr, flush=True)
        return INTERRUPTED


def _open_streams() -> None:
    """A stream that is closed from the start (``>&-``) is None in Python; what is written to it goes nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - until the end
