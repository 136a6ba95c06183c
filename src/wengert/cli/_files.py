"""Writing whole directories, or nothing; JSON."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

from wengert.errors import DataError
from wengert.files import write_atomically

__all__ = ["check_directory", "new_directory", "read_json", "write_json"]

MARK = "config.json"


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as JSON; a number that is not finite becomes null, which JSON has."""
    write_atomically(
        path, (json.dumps(_finite(content), indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode()
    )


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {str(key): _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    if isinstance(content, float) and not abs(content) < float("inf"):
        return None
    return content


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        DataError: if it cannot be read or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f'"{path}" cannot be read: {error.strerror}') from error
    except ValueError as error:
        raise DataError(f'"{path}" is not JSON ({error}); train again') from error


def check_directory(path: Path) -> None:
    """Raise a DataError unless a run can be written to ``path``; leaves no trace.

    The directory may be missing, empty, or hold an earlier run, whose files are then replaced.
    """
    if path.is_dir() and any(path.iterdir()) and not (path / MARK).is_file():
        raise DataError(f'"{path}" is not empty and holds no run; choose a new directory for --out')
    nearest = next(each for each in (path, *path.absolute().parents) if each.exists())
    if not nearest.is_dir():
        raise DataError(f'"{nearest}" is a file and no directory; choose another directory for --out')
    try:
        with tempfile.TemporaryDirectory(dir=nearest, prefix=".wengert."):
            pass
    except OSError as error:
        raise DataError(
            f'nothing can be written to "{path}" ({error.strerror}); choose another directory for --out'
        ) from error


@contextlib.contextmanager
def new_directory(path: Path) -> Generator[Path]:
    """A temporary directory that becomes ``path`` when all went well and vanishes when it did not."""
    made = [parent for parent in path.absolute().parents if not parent.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        _publish(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        for parent in made:
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise


def _publish(temporary: Path, path: Path) -> None:
    if not path.exists():
        try:
            temporary.rename(path)
            return
        except OSError:
            if not path.is_dir():  # else another run has made it in the meantime
                raise
    try:
        _replace(temporary, path)
    except KeyboardInterrupt:
        _replace(temporary, path)  # a network of one run beside the encoding of another would be no run
        raise


def _replace(temporary: Path, path: Path) -> None:
    """Move all files into a directory that is there."""
    for file in list(temporary.iterdir()):
        file.replace(path / file.name)
    temporary.rmdir()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
