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

LINES = 800  # of a part, at least: each costs LLVM about two milliseconds beside its functions


@final
class Parts:
    """Called after each function that an emitter has written; :meth:`finish` gives the object files.

    Where parts begin and end depends on their lengths alone, so that the same module gives the same files. ``level`` is
    LLVM's, ``texts`` are the modules of which the files were made.

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

    def __init__(self, threads: int, level: int = 1) -> None:
        self.threads, self.level = threads, level
        self.texts: list[str] = []
        self.taken = 0  # functions that stand in some part
        self.parts: list[Part] = []
        self.waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.made: list[Any] = []  # object files, or the errors that came instead
        self.helpers: list[threading.Thread] = []

    def __call__(self, e: Emitter) -> None:
        """Hand out what has been written, if it is long enough."""
        if self.threads > 1 and sum(e.lengths()[self.taken :]) >= LINES:
            self.take(e)
            if sum(helper.is_alive() for helper in self.helpers) < self.threads - 1:
                self.helpers.append(threading.Thread(target=self.help, daemon=True))
                self.helpers[-1].start()

    def take(self, e: Emitter) -> None:
        """Make a part of all functions that stand in none."""
        end = len(e.lengths())
        self.texts.append(e.part(self.taken, end))
        self.parts.append(Part(self.texts[-1], e.target, self.level))
        self.taken = end
        self.made.append(None)
        self.waiting.put(len(self.made) - 1)

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
        if not self.made:
            self.texts = [e.text()]
            return [object_code(self.texts[0], e.target, level=self.level)]
        self.take(e)
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
