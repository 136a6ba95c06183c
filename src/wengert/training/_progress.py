"""Showing how training goes: a bar on a terminal, one line an epoch elsewhere, both on stderr."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Generator, Mapping
from typing import Any, Literal, Protocol, TextIO, final

from wengert.errors import ModelError, UnsupportedError

__all__ = ["Mode", "Reporter", "reporter", "summary"]

Mode = Literal["auto", "rich", "lines", "none"]
_HIDDEN = ("gradient_norm/", "update_norm/", "weight_norm/", "learning_rate", "seconds")
_INTERVAL = 0.1  # seconds between two movements of the bar


class Reporter(Protocol):
    """Who is told how far training has come."""

    def batch(self, done: float) -> None:
        """So many epochs are done, the running one in part."""
        ...

    def epoch(self, number: int, row: Mapping[str, float]) -> None:
        """An epoch is completed, and was measured."""
        ...

    def note(self, text: str) -> None:
        """Something worth a line."""
        ...


def summary(row: Mapping[str, float]) -> str:
    """Losses and metrics of an epoch in one line.

    Example:
        >>> from wengert.training._progress import summary
        >>> summary({"loss": 0.25, "accuracy": 0.9, "weight_norm/layers[0]": 3.0, "seconds": 1.5})
        'loss 0.25  accuracy 0.9  1.50 s'
    """
    shown = [name for name in row if not name.startswith(_HIDDEN)]
    parts = [f"{name} {row[name]:.5g}" for name in shown]
    return "  ".join([*parts, f"{row['seconds']:.2f} s"] if "seconds" in row else parts)


@final
class _Silent:
    def batch(self, done: float) -> None:
        del done

    def epoch(self, number: int, row: Mapping[str, float]) -> None:
        del number, row

    def note(self, text: str) -> None:
        del text


@final
class _Lines:
    def __init__(self, epochs: int, stream: TextIO) -> None:
        self.epochs, self.stream = epochs, stream

    def batch(self, done: float) -> None:
        del done

    def epoch(self, number: int, row: Mapping[str, float]) -> None:
        width = len(str(self.epochs))
        self.stream.write(f"epoch {number:{width}d}/{self.epochs}  {summary(row)}\n")
        self.stream.flush()

    def note(self, text: str) -> None:
        self.stream.write(f"{text}\n")


@final
class _Bar:
    def __init__(self, bar: Any, epochs: int) -> None:
        self.bar = bar
        self.task = bar.add_task("training", total=epochs, measured="")
        self.moved = time.monotonic()

    def batch(self, done: float) -> None:
        now = time.monotonic()
        if now - self.moved > _INTERVAL:
            self.moved = now
            self.bar.update(self.task, completed=done)

    def epoch(self, number: int, row: Mapping[str, float]) -> None:
        self.bar.update(self.task, completed=number, measured=summary(row))

    def note(self, text: str) -> None:
        self.bar.console.print(text, markup=False, highlight=False)


def _rich_bar(stream: TextIO) -> Any:
    """A bar by rich, or None where it is not installed."""
    try:
        from rich import console, progress
    except ImportError:
        return None
    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[measured]}"),
        progress.TimeRemainingColumn(),
        console=console.Console(file=stream),
    )


@contextlib.contextmanager
def reporter(mode: Mode, epochs: int, stream: TextIO | None = None) -> Generator[Reporter]:
    """The reporter for ``mode``; "auto" is a bar on a terminal and lines elsewhere.

    Raises:
        ModelError: for another mode.
        UnsupportedError: for "rich", if it is not installed.

    Example:
        >>> import sys
        >>> from wengert.training._progress import reporter
        >>> with reporter("lines", 20, sys.stdout) as show:
        ...     show.epoch(3, {"loss": 0.5})
        epoch  3/20  loss 0.5
    """
    if mode not in ("auto", "rich", "lines", "none"):
        raise ModelError(f'progress is "auto", "rich", "lines" or "none", and not {mode!r}')
    out = sys.stderr if stream is None else stream
    wanted = mode == "rich" or (mode == "auto" and out.isatty())
    bar = _rich_bar(out) if wanted else None
    if mode == "rich" and bar is None:
        raise UnsupportedError("the bar is drawn by rich: pip install 'wengert[rich]'")
    if bar is not None:
        with bar:
            yield _Bar(bar, epochs)
    else:
        yield _Silent() if mode == "none" else _Lines(epochs, out)
