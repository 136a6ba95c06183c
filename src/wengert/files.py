"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from wengert.errors import DataError

__all__ = ["write_atomically"]


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file so that at any moment ``path`` holds the old content or the new, whole.

    The bytes go to a temporary name in the same directory and to the disk, and then take the name. Links are followed;
    what is no file, as ``/dev/stdout`` or a pipe, takes the bytes and stays what it is.

    Raises:
        DataError: if it cannot be written; nothing is left behind.

    Example:
        >>> import pathlib, tempfile
        >>> from wengert.files import write_atomically
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     write_atomically(pathlib.Path(directory) / "a.txt", b"whole")
        ...     [(p.name, p.read_text()) for p in pathlib.Path(directory).iterdir()]
        [('a.txt', 'whole')]
    """
    path = Path(path)
    try:
        if _is_stream(path):
            path.write_bytes(content)
        else:
            _replace(Path(os.path.realpath(path)), content)
    except (OSError, ValueError) as error:  # ValueError: of names that none can have
        reason = getattr(error, "strerror", None) or error
        raise DataError(f'"{path}" cannot be written: {reason}; nothing was changed there') from error


def _is_stream(path: Path) -> bool:
    """Whether it is a device, a pipe or an open file by its number: it takes bytes, and must not be replaced."""
    system = path.absolute().parts[:2] in (("/", "dev"), ("/", "proc"))
    return path.exists() and not path.is_dir() and (system or not path.is_file())


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        _write(temporary, content)
        temporary.replace(path)
        _sync_directory(path.parent)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    # the new name itself reaches the disk; where directories cannot be opened, the system sees to it
    with contextlib.suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
