"""A directory of what has been compiled, so that it need not be compiled again in another process.

Each entry is a file, written whole or not at all under the name of its key; its first bytes are a checksum of the rest.
Any number of processes may read and write at once. Where the directory cannot be written to, or the disk is full,
everything works without. ``WENGERT_CACHE_DIR`` says where it is, and ``WENGERT_CACHE=0`` that there is none.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import secrets
import sys
import time
from pathlib import Path
from typing import Final, final

__all__ = ["Store", "directory", "store"]

MOST: Final = 512 << 20  # bytes; what was not used for the longest time goes first
LEFT: Final = MOST * 3 // 4  # bytes that stay when something has to go
SUFFIX: Final = ".wengert"
STALE: Final = 3600.0  # seconds after which an unfinished file belongs to nobody any more
FRESH: Final = 86400.0  # seconds between two marks that an entry is in use
_OFF: Final = frozenset(("0", "off", "no", "false"))


def directory() -> Path | None:
    """Where entries are; None where there is no cache.

    Example:
        >>> from wengert.compile.cache import directory
        >>> where = directory()
        >>> where is None or where.name != ""
        True
    """
    if os.environ.get("WENGERT_CACHE", "").lower() in _OFF:
        return None
    if given := os.environ.get("WENGERT_CACHE_DIR"):
        return Path(given)
    try:
        return _platform_directory() / "wengert"
    except RuntimeError:  # nobody's home
        return None


def _platform_directory() -> Path:
    if given := os.environ.get("XDG_CACHE_HOME"):
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")


def store() -> Store | None:
    """The cache as the environment has it now."""
    where = directory()
    return None if where is None else _store(where)


@functools.cache
def _store(where: Path) -> Store:
    return Store(where)


@final
class Store:
    """Entries by key, in a directory that is made when the first one is written."""

    def __init__(self, where: Path, most: int = MOST, left: int = LEFT) -> None:
        self.where, self.most, self.left = where, most, left
        self._size: int | None = None  # bytes of all entries, as far as this process knows

    def path(self, key: str) -> Path:
        """The file of a key."""
        return self.where / f"{key}{SUFFIX}"

    def read(self, key: str) -> bytes | None:
        """What was written under a key; None where there is nothing, or not what was written."""
        path = self.path(key)
        try:
            found = path.read_bytes()
        except OSError:
            return None
        content = found[_DIGEST:]
        if _digest(content) != found[:_DIGEST]:
            self.remove(key)
            return None
        _mark(path)
        return content

    def write(self, key: str, content: bytes) -> bool:
        """Keep an entry; False where that is not possible."""
        path = self.path(key)
        temporary = self.where / f".{key}.{secrets.token_hex(4)}.tmp"
        try:
            self.where.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary.write_bytes(_digest(content) + content)
            temporary.replace(path)
        except OSError:
            return False
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        self._grown(len(content))
        return True

    def remove(self, key: str) -> None:
        """Drop an entry."""
        with contextlib.suppress(OSError):
            self.path(key).unlink(missing_ok=True)

    def _grown(self, size: int) -> None:
        """Note that there is more, and make room where it is too much."""
        self._size = self._total() if self._size is None else self._size + size
        if self._size > self.most:
            self._size = self._prune()

    def _files(self) -> list[tuple[float, int, str]]:
        """When each entry was used last, its size and path."""
        found: list[tuple[float, int, str]] = []
        with contextlib.suppress(OSError), os.scandir(self.where) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    about = entry.stat()
                    if entry.name.endswith(SUFFIX):
                        found.append((about.st_mtime, about.st_size, entry.path))
                    elif entry.name.endswith(".tmp") and time.time() - about.st_mtime > STALE:
                        Path(entry.path).unlink()
        return found

    def _total(self) -> int:
        return sum(size for _, size, _ in self._files())

    def _prune(self) -> int:
        files = sorted(self._files())
        total = sum(size for _, size, _ in files)
        if total <= self.most:
            return total
        for _, size, path in files:
            if total <= self.left:
                break
            with contextlib.suppress(OSError):
                Path(path).unlink()
                total -= size
        return total


_DIGEST: Final = 16


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST).digest()


def _mark(path: Path) -> None:
    """That an entry is in use; once a day is enough."""
    with contextlib.suppress(OSError):
        if time.time() - path.stat().st_mtime > FRESH:
            os.utime(path)
