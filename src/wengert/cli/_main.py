"""Runs a command and turns whatever happens into one message and an exit code."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Generator, Sequence
from importlib import import_module

from wengert.cli._arguments import parser
from wengert.cli._codes import FAILED, PIPE_CLOSED, REFUSED
from wengert.cli._network import TrainingError
from wengert.data import DataWarning
from wengert.errors import GradientCheckError, WengertError

__all__ = ["run"]

Command = Callable[[argparse.Namespace], int]


def _command(module: str, name: str) -> Command:
    """A command whose module is loaded when it is run: most need little of what the others do."""
    return lambda options: getattr(import_module(f"wengert.cli.{module}"), name)(options)


_COMMANDS: dict[str, Command] = {
    "train": _command("_train", "train"),
    "predict": _command("_predict", "predict"),
    "check": _command("_derivatives", "check"),
    "explain": _command("_derivatives", "explain"),
    "draw": _command("_derivatives", "draw"),
    "diagnose": _command("_diagnose", "diagnose"),
    "coverage": _command("_coverage", "coverage"),
}


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command: the exit code. All but Ctrl-C is caught here, that in :func:`wengert.cli.main`."""
    options = parser().parse_args(arguments)
    options.typed = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with _notes(quiet=getattr(options, "quiet", False)):
            code = _COMMANDS[options.command](options)
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_is_gone()
    except (GradientCheckError, TrainingError) as error:
        return _say(str(error), FAILED)
    except WengertError as error:
        return _say(str(error), REFUSED)
    except MemoryError:
        return _say("there is not enough memory for this; use fewer rows, or smaller layers", FAILED)
    except OSError as error:
        return _say(f"{error.strerror or error}" + (f': "{error.filename}"' if error.filename else ""), FAILED)
    except Exception as error:  # noqa: BLE001 - a command shows no traceback unless it is asked to
        hint = "set WENGERT_TRACEBACK=1 to see where"
        return _say(f"unexpected {type(error).__name__}: {error} ({hint})", FAILED)
    return code


def _say(message: str, code: int) -> int:
    """Tell of the error being handled."""
    with contextlib.suppress(OSError):
        if os.environ.get("WENGERT_TRACEBACK"):
            traceback.print_exc()
        print(f"wengert: {message}", file=sys.stderr, flush=True)
    return code


def _reader_is_gone() -> int:
    """``wengert … | head``: what is left in the buffers goes nowhere, without a complaint at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED


@contextlib.contextmanager
def _notes(quiet: bool) -> Generator[None]:
    """Warnings as one line each on standard error."""

    def show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        kind = "note" if issubclass(category, DataWarning) else "warning"
        print(f"{kind}: {message}", file=sys.stderr, flush=True)

    with warnings.catch_warnings():
        # overflow on the way to a loss that is not finite: the error that follows says it better
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore" if quiet else "always", DataWarning)
        warnings.showwarning = show
        yield
