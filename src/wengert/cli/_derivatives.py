"""``wengert check`` and ``wengert explain``: the derivatives of a function in the user's file."""

from __future__ import annotations

import contextlib
from argparse import Namespace
from collections.abc import Callable, Generator
from typing import Any

from wengert.cli._codes import OK
from wengert.cli._functions import differentiable, errors_told, function_at, of_numbers, place, shown
from wengert.errors import WengertError, at_line
from wengert.explain import explain as explanation_of
from wengert.transforms import check_grads

__all__ = ["check", "explain"]


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
    """Run ``wengert explain``: the steps of the function at a point, as text, up to where it fails; 0."""
    function, point = function_at(options.function, options.at)
    with _errors_of(function):
        explanation = explanation_of(function, differentiable(point))(*point)
        if explanation.error is not None and explanation.steps:
            print(explanation)
        explanation.check()
    print(explanation)
    return OK


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
