"""``wengert check``, ``explain`` and ``draw``: the derivatives of a function in the user's file, and pictures."""

from __future__ import annotations

import contextlib
from argparse import Namespace
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from wengert.cli._codes import OK
from wengert.cli._functions import differentiable, errors_told, function_at, of_numbers, place, shown
from wengert.cli._network import load_run
from wengert.cli._writing import Content, check_outputs, print_json, wanted, write_outputs
from wengert.errors import DataError, WengertError, at_line
from wengert.explain import draw as picture_of
from wengert.explain import explain as explanation_of
from wengert.explain import graph_page
from wengert.transforms import check_grads

__all__ = ["check", "draw", "explain"]


def check(options: Namespace) -> int:
    """Run ``wengert check``; 0 if the derivatives agree with finite differences.

    Raises:
        GradientCheckError: if they do not; the message names the operation.
    """
    function, point = function_at(options.function, options.at)
    with _errors_of(function):
        check_grads(*of_numbers(function, point))
    print(f"{options.function}: derivatives agree with finite differences at {shown(point)}")
    return OK


def explain(options: Namespace) -> int:
    """Run ``wengert explain``: the steps of the function at a point, as text, picture, page or data.

    0. Of a function that raises an exception what is shown ends with the step that failed, and the error follows.
    """
    check_outputs(options, options.function.rpartition(":")[0])
    function, point = function_at(options.function, options.at, may_fail=True)
    with _errors_of(function):
        e = explanation_of(function, differentiable(point))(*point)
    if options.json:
        print_json(e.to_dict())
    contents: dict[str, Content] = {
        "html": lambda: graph_page.html(e),
        "svg": lambda: graph_page.svg(e),
        "latex": lambda: e.latex(standalone=True) + "\n",
    }
    if not (write_outputs(options, contents, "html") or options.json):
        print(e)
    with _errors_of(function):
        e.check()
    return OK


def draw(options: Namespace) -> int:
    """Run ``wengert draw``: the picture of a function at a point, or of the network in a run's directory; 0."""
    check_outputs(options, options.what.rpartition(":")[0])
    if not (wanted(options) or options.open or options.json):
        raise DataError(
            f"draw needs a file to draw into; write wengert draw {options.what} --svg FILE.svg, or --html, --png, "
            "--dot, --json, or --open"
        )
    drawing = _drawing(options)
    if options.json:
        print_json(drawing.to_dict())
    contents: dict[str, Content] = {
        "svg": drawing.svg, "html": drawing.html, "png": drawing.png, "dot": drawing.to_dot
    }  # fmt: skip
    write_outputs(options, contents, "html")
    return OK


def _drawing(options: Namespace) -> Any:
    if Path(options.what).is_dir():
        return picture_of(load_run(Path(options.what)).model)
    function, point = function_at(options.what, options.at)
    with _errors_of(function):
        return picture_of(function, *point, gradients=options.gradients, argnums=differentiable(point))


@contextlib.contextmanager
def _errors_of(function: Callable[..., Any]) -> Generator[None]:
    """Errors of the function's own as such; ours show the function rather than the line that runs this command."""
    try:
        with errors_told(function, "fails while it is differentiated"):
            yield
    except WengertError as error:
        ours, text = at_line(), str(error)
        if not ours or ours not in text:
            raise
        raise type(error)(text.replace(ours, place(function))) from error
