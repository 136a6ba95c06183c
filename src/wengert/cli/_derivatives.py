"""``wengert check`` and ``wengert explain``: the derivatives of a function in the user's file."""

from __future__ import annotations

from argparse import Namespace

from wengert.cli._codes import OK
from wengert.cli._functions import differentiable, function_at, of_numbers, shown
from wengert.explain import explain as explanation_of
from wengert.transforms import check_grads

__all__ = ["check", "explain"]


def check(options: Namespace) -> int:
    """Run ``wengert check``; 0 if the derivatives agree with finite differences.

    Raises:
        GradientCheckError: if they do not; the message names the operation.
    """
    function, point = function_at(options.function, options.at)
    check_grads(*of_numbers(function, point))
    print(f"{options.function}: derivatives agree with finite differences at {shown(point)}")
    return OK


def explain(options: Namespace) -> int:
    """Run ``wengert explain``: the steps of the function at a point, as text; 0."""
    function, point = function_at(options.function, options.at)
    print(explanation_of(function, differentiable(point))(*point))
    return OK
