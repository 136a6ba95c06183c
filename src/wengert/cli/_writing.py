"""Pictures, pages and data, written to files or to standard output, and shown in a browser when that is asked for."""

from __future__ import annotations

import json
import sys
import tempfile
import webbrowser
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from pathlib import Path

from wengert.errors import DataError
from wengert.files import write_atomically

__all__ = ["Content", "add_outputs", "check_outputs", "print_json", "wanted", "write_outputs"]

Content = Callable[[], str | bytes]
_ENDINGS = {"html": (".html", ".htm"), "svg": (".svg",), "latex": (".tex",), "png": (".png",), "dot": (".dot", ".gv")}
_WORDS = {
    "html": "a page that needs no network",
    "svg": "a picture",
    "latex": "the derivation, for LaTeX with amsmath",
    "png": "a picture in pixels (needs wengert[plots])",
    "dot": "the graph in the language of Graphviz",
}


def add_outputs(command: ArgumentParser, *kinds: str) -> None:
    """Options for what the command can write, ``--json`` and ``--open``."""
    output = command.add_argument_group("output", "FILE is replaced where it exists; - is standard output")
    for kind in kinds:
        if kind == "json":
            output.add_argument("--json", action="store_true", help="print it as one JSON object")
        else:
            output.add_argument(f"--{kind}", metavar="FILE", help=_WORDS[kind])
    output.add_argument("--open", action="store_true", help="show it in a browser")


def wanted(options: Namespace) -> dict[str, str]:
    """What is to be written, and where to."""
    named = {kind: getattr(options, kind, None) for kind in _ENDINGS}
    return {kind: place for kind, place in named.items() if place is not None}


def check_outputs(options: Namespace, *inputs: str) -> None:
    """Refuse, before anything is computed, places that cannot be written to.

    Raises:
        DataError: and nothing was written.
    """
    places = wanted(options)
    if getattr(options, "json", False) + list(places.values()).count("-") > 1:
        raise DataError("only one of the results can go to standard output; name files for the others")
    if places.get("png") == "-" and sys.stdout.isatty():
        raise DataError("a picture in pixels is no text for a terminal; name a file: --png FILE.png")
    files = [Path(place).absolute() for place in places.values() if place != "-"]
    if len(set(files)) < len(files):
        raise DataError("two results would be written to one file; name a file for each")
    for kind, place in places.items():
        if place != "-":
            _check(kind, Path(place), inputs)


def _check(kind: str, path: Path, inputs: tuple[str, ...]) -> None:
    if path.suffix.lower() not in _ENDINGS[kind]:
        shown = path.with_suffix(_ENDINGS[kind][0]) if path.name else f"FILE{_ENDINGS[kind][0]}"
        raise DataError(f'--{kind} "{path}" does not end in {_ENDINGS[kind][0]}; write --{kind} {shown}')
    if path.is_dir():
        raise DataError(f'"{path}" is a directory; name a file for --{kind}')
    if any(path.exists() and Path(each).exists() and path.samefile(each) for each in inputs):
        raise DataError(f'--{kind} "{path}" is what is read, which would be lost; name another file')
    if not path.parent.is_dir():
        raise DataError(f'there is no directory "{path.parent}" for "{path.name}"; make it, or choose another --{kind}')


def write_outputs(options: Namespace, contents: Mapping[str, Content], shown: str) -> bool:
    """Write what was asked for and say where; ``shown`` is what ``--open`` shows. Whether there was anything.

    All contents are made before the first file is written.
    """
    made = {kind: (place, _bytes(contents[kind]())) for kind, place in wanted(options).items()}
    to_open = _bytes(contents[shown]()) if options.open and shown not in made else None
    quiet = getattr(options, "json", False) or any(place == "-" for place, _ in made.values())
    for kind, (place, content) in made.items():
        if place == "-":
            sys.stdout.flush()
            sys.stdout.buffer.write(content) if hasattr(sys.stdout, "buffer") else sys.stdout.write(content.decode())
        else:
            write_atomically(place, content)
            print(f"{kind:<7} {place}", file=sys.stderr if quiet else sys.stdout)
    if options.open:
        _open(made.get(shown, ("-", b""))[0], to_open, shown)
    return bool(made) or options.open


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _open(place: str, content: bytes | None, kind: str) -> None:
    """Show a file, or, where none was named, one that is left for the browser to read."""
    if place == "-":
        with tempfile.NamedTemporaryFile(prefix="wengert-", suffix=_ENDINGS[kind][0], delete=False) as file:
            file.write(content or b"")
        place = file.name
    if not webbrowser.open(Path(place).absolute().as_uri()):
        raise DataError(f'no browser was found to show "{place}"; open it in one')


def print_json(content: object) -> None:
    """One JSON object on standard output."""
    print(json.dumps(content, ensure_ascii=False, allow_nan=False))
