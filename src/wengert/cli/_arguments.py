"""What can be typed after ``wengert``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from importlib.metadata import version

from wengert.cli._optimizers import OPTIMIZERS
from wengert.cli._writing import add_outputs
from wengert.nn.activations import ACTIVATIONS

__all__ = ["parser"]

_EPILOG = """\
examples:
  wengert train digits
  wengert train hour.csv --target cnt --drop instant dteday casual registered
  wengert predict runs/hour-20260101-120000 new.csv --out predicted.csv
  wengert check losses.py:half_sse --at '[1.0, 2.0]' '[0.0, 1.0]'
  wengert explain losses.py:half_sse --at '[1.0, 2.0]' '[0.0, 1.0]'
  wengert explain losses.py:half_sse --at '[1.0, 2.0]' '[0.0, 1.0]' --html steps.html --open
  wengert draw losses.py:half_sse --at '[1.0, 2.0]' '[0.0, 1.0]' --svg graph.svg
  wengert diagnose runs/hour-20260101-120000 hour.csv
  wengert coverage linalg

With WENGERT_TRACEBACK=1 in the environment an error shows where it arose.
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command.

    Example:
        >>> parser().parse_args(["train", "digits", "--hidden", "32,16"]).hidden
        (32, 16)
    """
    top = argparse.ArgumentParser(
        prog="wengert",
        description="Train networks on tables; check and explain the derivatives of your functions.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"wengert {version('wengert')}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_train(commands.add_parser("train", help="train a network on a table"))
    _add_predict(commands.add_parser("predict", help="predict the rows of a table with a trained network"))
    _add_check(commands.add_parser("check", help="compare a function's derivatives with finite differences"))
    _add_explain(commands.add_parser("explain", help="show every step of a function's derivative"))
    _add_draw(commands.add_parser("draw", help="draw a function's computation, or a trained network"))
    _add_diagnose(commands.add_parser("diagnose", help="find what is wrong with a trained network and its data"))
    _add_coverage(commands.add_parser("coverage", help="list what of NumPy is differentiated, flat or refused"))
    return top


def _add_train(train: argparse.ArgumentParser) -> None:
    train.description = (
        "Train a multilayer perceptron to predict one column of a table from the others. A fifth of the rows "
        "is held out to measure it on."
    )
    add = train.add_argument
    add("table", metavar="TABLE", help="a CSV or Parquet file, or a built-in set such as digits")
    add("--target", metavar="COLUMN", help="the column to predict (built-in sets have one)")
    add("--drop", metavar="COLUMN", nargs="+", action="extend", default=[], help="columns not to learn from")
    add("--task", choices=("regression", "classification"), help="by default what suits the target")
    network = train.add_argument_group("network and training")
    add = network.add_argument
    add(
        "--hidden",
        metavar="WIDTHS",
        type=widths,
        default=(64, 64),
        help="widths of the hidden layers, 64,64 by default; none for a linear model",
    )
    add("--activation", choices=sorted(ACTIVATIONS), metavar="NAME", default="relu", help=_names(ACTIVATIONS))
    add("--optimizer", choices=sorted(OPTIMIZERS), metavar="NAME", default="adam", help=_names(OPTIMIZERS))
    add("--learning-rate", metavar="RATE", type=rate, help="by default what suits the optimizer")
    add(
        "--dropout",
        metavar="P",
        type=share,
        default=0.1,
        help="share of hidden values left out; 0.1 by default",
    )
    add("--epochs", metavar="N", type=count, default=100, help="at most so many; 100 by default")
    add("--batch-size", metavar="N", type=count, help="32 by default, 64 for large tables")
    add(
        "--seed",
        metavar="N",
        type=natural,
        default=0,
        help="decides the split, the initial values, the order",
    )
    output = train.add_argument_group("output")
    add = output.add_argument
    add("--out", metavar="DIR", type=path, help="where the run is written; runs/TABLE-TIME by default")
    add("--json", action="store_true", help="print the result as one JSON object")
    add("--quiet", action="store_true", help="no progress and no notes")


def _add_predict(predict: argparse.ArgumentParser) -> None:
    predict.description = "Predict each row of a table, as CSV."
    predict.add_argument("run", metavar="DIR", help="a directory that wengert train has written")
    predict.add_argument("table", metavar="TABLE", help="a CSV or Parquet file, or a built-in set")
    predict.add_argument("--out", metavar="FILE", type=path, help="write a CSV file rather than to standard output")


def _add_check(check: argparse.ArgumentParser) -> None:
    check.description = (
        "Compare the derivatives of a function, in every mode and to second order, with finite differences."
    )
    _add_function(check)


def _add_explain(explain: argparse.ArgumentParser) -> None:
    explain.description = (
        "Show the steps of a function, each with its local derivative and gradient: as text, or as what is asked for. "
        "Of a function that raises an exception the steps up to there are shown, and then the error."
    )
    _add_function(explain)
    add_outputs(explain, "html", "svg", "latex", "json")


def _add_draw(draw: argparse.ArgumentParser) -> None:
    draw.description = "Draw the computation of a function at a point, or the network of a run."
    draw.add_argument(
        "what", metavar="FILE.py:function|DIR", help="a function, or a directory that wengert train wrote"
    )
    _add_point(draw)
    draw.add_argument("--gradients", action="store_true", help="with gradients, and upstream × local on each link")
    add_outputs(draw, "svg", "html", "png", "dot", "json")


def _add_diagnose(diagnose: argparse.ArgumentParser) -> None:
    diagnose.description = (
        "Look for what ails a trained network, its data and its training: each finding with its evidence and a remedy. "
        "Of the table that the run learned from, learned and held-out rows are told apart."
    )
    diagnose.add_argument("run", metavar="DIR", help="a directory that wengert train has written")
    diagnose.add_argument("table", metavar="TABLE", help="a CSV or Parquet file with the answers, or a built-in set")
    add_outputs(diagnose, "html", "json")


def _add_coverage(coverage: argparse.ArgumentParser) -> None:
    coverage.description = (
        "List NumPy's functions, ufuncs and methods, and SciPy's special ufuncs: differentiable (and in which ways the "
        "tests verify it), flat by nature, or refused, with the reason and what to write instead."
    )
    coverage.add_argument("word", metavar="WORD", nargs="?", default="", help="only names that contain it")
    coverage.add_argument("--missing", action="store_true", help="only what is refused, with the reasons")
    coverage.add_argument("--json", action="store_true", help="print a JSON list")


def _add_function(command: argparse.ArgumentParser) -> None:
    command.add_argument("function", metavar="FILE.py:function", help="a function in a Python file")
    _add_point(command)


def _add_point(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--at",
        metavar="VALUE",
        nargs="+",
        action="extend",
        help="its arguments, one each: 0.5 or '[1.0, 2.0]'; by default a point that suits the function",
    )


def _names(table: Iterable[str]) -> str:
    return f"one of {', '.join(sorted(table))}".replace("%", "%%")


def count(text: str) -> int:
    """A whole number of 1 or more."""
    value = _number(text, int, "a whole number")
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return int(value)


def natural(text: str) -> int:
    """A whole number of 0 or more, of 64 bits."""
    value = _number(text, int, "a whole number")
    if not 0 <= value < 1 << 64:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 2**64 - 1")
    return int(value)


def path(text: str) -> str:
    """A path, which is not empty."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty; name a place to write to, or leave --out away")
    return text


def rate(text: str) -> float:
    """A finite number above 0."""
    value = _number(text, float, "a number")
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def share(text: str) -> float:
    """A number from 0 up to, but not, 1."""
    value = _number(text, float, "a number")
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 up to 1")
    return value


def widths(text: str) -> tuple[int, ...]:
    """Whole numbers with commas between them; "none" or nothing for no hidden layer.

    Example:
        >>> widths("64,32"), widths("none")
        ((64, 32), ())
    """
    if text.strip().lower() in ("", "none"):
        return ()
    return tuple(count(part) for part in text.split(","))


def _number(text: str, kind: type[int] | type[float], what: str) -> float:
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}") from None
