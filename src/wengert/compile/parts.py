"""Machine code of a module in parts, which are made while the rest of the module is still being written.

LLVM's code generator takes longer than all else in a first call. It runs without the interpreter's lock: one part is
in its hands while Python writes the next one, and at the end all threads share what is left.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import Any, final

from wengert.compile.emit import Emitter
from wengert.compile.engine import Part, object_code

__all__ = ["Parts"]

LINES = (800, 300)  # of a part, at least, by level: each costs LLVM about two milliseconds beside its functions
TURNS = 8e4  # of a loop in a call, from which on good code pays for itself in the first one


@final
class Parts:
    """Called after each function that an emitter has written; :meth:`finish` gives the object files.

    Which functions are in which part depends on their lengths and turns alone, so that the same module gives the same
    files. ``hasty``: what runs a short time is made in haste, at LLVM's level 0 rather than 1. ``texts`` are the
    modules of which the files were made, ``levels`` the levels.

    Example:
        >>> from wengert.compile.emit import Emitter
        >>> e = Emitter()
        >>> with Parts(threads=2) as parts:
        ...     e.written = parts
        ...     with e.function("nothing", []):
        ...         pass
        ...     len(parts.finish(e))
        1
    """

    def __init__(self, threads: int, *, hasty: bool = False) -> None:
        self.threads, self.hasty = threads, hasty
        self.seen = 0  # functions that were looked at
        self.pending: dict[int, list[int]] = {}  # by level, those that stand in no part, and
        self.lines: dict[int, int] = {}  # how long they are
        self.texts: list[str] = []
        self.levels: list[int] = []
        self.parts: list[Part] = []
        self.waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.made: list[Any] = []  # object files, or the errors that came instead
        self.helpers: list[threading.Thread] = []

    def __call__(self, e: Emitter) -> None:
        """Hand out what has been written, if it is long enough."""
        self.sort(e)
        if self.threads > 1:
            for level in [level for level, lines in self.lines.items() if lines >= LINES[level]]:
                self.take(e, level)
                if sum(helper.is_alive() for helper in self.helpers) < self.threads - 1:
                    self.helpers.append(threading.Thread(target=self.help, daemon=True))
                    self.helpers[-1].start()

    def sort(self, e: Emitter) -> None:
        """Decide how well each of the latest functions is to be made."""
        for k in range(self.seen, len(e.functions)):
            function = e.functions[k]
            level = 0 if self.hasty and function.turns < TURNS else 1
            self.pending.setdefault(level, []).append(k)
            self.lines[level] = self.lines.get(level, 0) + function.lines
        self.seen = len(e.functions)

    def take(self, e: Emitter, level: int) -> None:
        """Make a part of all functions of a level that stand in none."""
        del self.lines[level]
        self._text(e.part(self.pending.pop(level)), level)
        self.parts.append(Part(self.texts[-1], e.target, level))
        self.made.append(None)
        self.waiting.put(len(self.made) - 1)

    def _text(self, text: str, level: int) -> None:
        self.texts.append(text)
        self.levels.append(level)

    def help(self) -> None:
        """Make what waits; a helper leaves when nothing does, and another one comes with the next part."""
        while True:
            try:
                number = self.waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self.made[number] = self.parts[number].object_code()
            except BaseException as error:  # noqa: BLE001 - it is raised where the object file is wanted
                self.made[number] = error

    def finish(self, e: Emitter) -> list[bytes]:
        """All object files, made with the help of the calling thread.

        Raises:
            CompileError: LLVM refuses the code.
        """
        self.sort(e)
        if not self.made and len(self.pending) == 1:
            (level,) = self.pending
            self._text(e.text(), level)
            return [object_code(self.texts[0], e.target, level=level)]
        for level in sorted(self.pending, reverse=True):  # what takes long first
            self.take(e, level)
        self.help()
        for helper in self.helpers:
            helper.join()
        for made in self.made:
            if isinstance(made, BaseException):
                raise made
        return self.made

    def __enter__(self) -> Parts:
        return self

    def __exit__(self, *_: object) -> None:
        """Free the parts, when those that are in work are done."""
        with contextlib.suppress(queue.Empty):
            while True:
                self.waiting.get_nowait()
        for helper in self.helpers:
            helper.join()
        for part in self.parts:
            part.close()
        self.parts.clear()
