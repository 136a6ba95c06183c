"""explain: a function run once, with every step, derivative and gradient open to view."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np

from wengert import pytree
from wengert.core.trace import current
from wengert.errors import DerivativeError, UnsupportedError, at_line
from wengert.explain.explanation import Explanation
from wengert.explain.graph import Step, is_differentiable
from wengert.explain.nudge import with_inputs
from wengert.explain.recording.directions import directions_of
from wengert.explain.recording.failures import Failure, failure_of
from wengert.explain.recording.listing import Listing, listing
from wengert.explain.recording.outputs import Outputs, outputs_of
from wengert.explain.recording.record import Limits, Recording
from wengert.transforms.gradients import warn_flat
from wengert.transforms.inputs import check_input, name_of, positions, run
from wengert.transforms.opening import OPENING

__all__ = ["explain", "refuse_arguments"]


def explain(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] | None = None,
    *,
    output: int | str | None = None,
    weights: Any = None,
    tangents: Any = None,
    steps: int = 20_000,
    memory: int = 1 << 31,
    turns: int = 100,
) -> Callable[..., Explanation]:
    """A function that runs ``f`` once and returns its :class:`Explanation`: every step, every derivative.

    All real and complex numbers and arrays in the positional arguments are inputs, named after the arguments and the
    path in them (``params[0].weight``), or those of ``argnums`` only; integers, texts and keyword arguments are
    constants. Transforms inside ``f``, and ``f`` itself if it is one (``explain(grad(f))``), show their own steps;
    functions under ``jit`` and ``checkpoint``, and the loops and branches of ``wengert.control``, are run as they are
    written, so that their steps are shown too. Values are kept as they were at each step, so a long run needs the
    memory of all its values.

    Gradients are those of the output where it is one real number. Of a function with several outputs ``output`` chooses
    one; of arrays ``weights`` says which sum of elements is meant. Without them the explanation has values, local
    derivatives and Jacobians, and says what to write when it is asked for a gradient.

    Errors that ``f`` raises are kept: the explanation ends with the step that failed, ``error`` holds the exception and
    ``failure`` the operation and what it was given, and asking for the value or a gradient raises it. Errors in the
    call of ``explain`` itself are raised.

    R. E. Wengert, "A simple automatic derivative evaluation program", Communications of the ACM 7 (1964).

    Args:
        f: the function.
        argnums: the positions of the arguments that are inputs; by default all that hold real numbers.
        output: the number of an output, or its path, as in ``"['loss']"``.
        weights: a number for all elements (1.0: the gradient of their sum), or a tree of the output's shapes.
        tangents: for forward mode, the direction: the name of an input that is a number, a dict from names of inputs to
            tangents, or a tuple with a tangent like each argument. Each step then has its ``tangent``.
        steps: how many steps are recorded at most.
        memory: how many bytes of values are kept at most.
        turns: how many turns of a loop of ``wengert.control`` are shown; of a longer one with a known number of turns
            the loop is one step, of a ``while_loop`` the rest is.

    Raises:
        DerivativeError: if ``f`` is no function, no argument has a derivative, or the function returns no number.
        UnsupportedError: inside another transform, where values are not plain numbers.

    Example:
        >>> import wengert
        >>> def f(x, y, z):
        ...     q = x + y
        ...     return q * z
        >>> print(wengert.explain(f)(-2.0, 5.0, -4.0).text(width=58))  # doctest: +ELLIPSIS
        f(x, y, z) = -12
        <BLANKLINE>
          step  operation  value  gradient  line
          x     input      -2     -4
          y     input      5      -4
          z     input      -4     3
          v1 q  x + y      3      -4        <doctest...
          v2    v1 * z     -12    1         <doctest...
        <BLANKLINE>
          edge     local  upstream  contribution
          x → v1   1      -4        -4
          y → v1   1      -4        -4
          v1 → v2  -4     1         -4
          z → v2   3      1         3
    """
    limits = Limits(steps, memory, turns)

    if not callable(f):
        raise DerivativeError(
            f"explain takes a function, and was given a {type(f).__name__}{at_line()}\n"
            "  write: wengert.explain(f)(x), and not wengert.explain(f(x))"
        )
    given: Any = argnums
    if not isinstance(given, int | np.integer | tuple | list | None):
        refuse_arguments(f, (given,))

    @functools.wraps(f, updated=())
    def explained(*args: Any, **kwargs: Any) -> Explanation:
        if current() is not None:
            raise UnsupportedError(
                f"explain({name_of(f)}) shows numbers, and inside another transform there are none"
                f"{at_line()}\n  write: explain outermost, wengert.explain(wengert.grad(f)): "
                "it shows the steps of the gradient too"
            )
        trace = Recording(f, limits)
        names = argument_names(f, len(args))
        wanted = range(len(args)) if argnums is None else positions(argnums, args, f, "explain")
        traced = [
            enter(trace, x, names[k], only_reals=argnums is not None) if k in wanted else trace.constant(x, names[k])
            for k, x in enumerate(args)
        ]
        for tree, name in zip(traced, names, strict=True):
            trace.owners.enter(tree, name)
        if not trace.inputs:
            refuse(f, names, args)
        constants = {key: trace.constant(x, key) for key, x in kwargs.items()}
        out, error = observed(trace, f, traced, constants)
        if error is not None:
            found = broken(f, trace, error)
        else:
            found = whole(f, trace, outputs_of(trace, f, out, output, weights), tangents, args)
        return replace(found, again=lambda values: explained(*with_inputs(args, names, values), **kwargs))

    return explained


def refuse_arguments(f: Callable[..., Any], args: tuple[Any, ...]) -> NoReturn:
    """Say where the function's arguments belong."""
    name = name_of(f)
    shown = ", ".join(str(x) if isinstance(x, int | float) else "…" for x in args)
    raise DerivativeError(
        f"explain({name}, …) was given the arguments of {name} too: it makes a function that takes them{at_line()}\n"
        f"  write: wengert.explain({name})({shown})"
    )


def observed(trace: Recording, f: Callable[..., Any], args: list[Any], kwargs: Any) -> tuple[Any, Exception | None]:
    """Run the function with everything recorded; an error that it raises is handed back."""
    trace.stack.base = sys._getframe()  # pyright: ignore[reportPrivateUsage]
    token = OPENING.set(trace.stack)
    try:
        return run(trace, f, args, kwargs), None
    except Exception as error:  # noqa: BLE001 - whatever the function raises is part of what it does
        return None, error
    finally:
        OPENING.reset(token)
        trace.open = False


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of the first ``count`` positional arguments."""
    names: list[str] = []
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # ufuncs and some builtins have none
        parameters = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}[{k}]" for k in range(count - len(names))]
        elif parameter.kind is not parameter.KEYWORD_ONLY and parameter.kind is not parameter.VAR_KEYWORD:
            names.append(parameter.name)
    return [*names, *(f"x{k}" for k in range(len(names), count))][:count]


def enter(trace: Recording, tree: Any, name: str, only_reals: bool) -> Any:
    """An argument with its numbers as inputs; what has no derivative is constant, or refused."""
    leaves: list[Any] = []
    for path, x in pytree.flatten_with_paths(tree):
        if only_reals or (isinstance(x, np.ndarray | np.generic | float | complex) and is_differentiable(x)):
            check_input(x, f"{name}{path}", "explain", "fc")
            leaves.append(trace.input(x, name + path))
        else:
            leaves.append(trace.constant(x, name + path))
    return pytree.unflatten(pytree.flatten(tree)[1], leaves)


def refuse(f: Callable[..., Any], names: list[str], args: tuple[Any, ...]) -> None:
    """There is nothing to differentiate: say why of the first argument."""
    for name, tree in zip(names, args, strict=True):
        for path, x in pytree.flatten_with_paths(tree):
            check_input(x, f"{name}{path}", f"explain({name_of(f)})", "fc")
    raise DerivativeError(
        f"explain({name_of(f)}): the call has no positional argument to differentiate{at_line()}\n"
        "  write: explain(f)(x), and not explain(f(x)) or explain(f)(x=x)"
    )


def whole(f: Callable[..., Any], trace: Recording, found: Outputs, tangents: Any, args: tuple[Any, ...]) -> Explanation:
    """The explanation of a function that has returned."""
    if trace.flat is not None and found.seeds and not any(map(trace.follows, found.entries.values())):
        warn_flat(f, "explain", trace.flat)
    directions = None if tangents is None else directions_of(f, trace, tangents, args)
    with np.errstate(all="ignore"):  # what is not finite is shown
        listed = listing(trace, found.seeds, directions)
    outputs = {path: listed.steps[n] for path, n in found.entries.items()}
    return _explanation(f, trace, listed, listed.steps[found.chosen], outputs, found.value, found.missing)


def broken(f: Callable[..., Any], trace: Recording, error: Exception) -> Explanation:
    """The explanation of a function that has raised an exception, up to there."""
    listed = listing(trace, {}, None)
    names = [step.variable or step.name for step in listed.steps]
    failure = failure_of(trace, error, names)
    return _explanation(f, trace, listed, listed.steps[-1], {}, None, "", failure)


def _explanation(
    f: Callable[..., Any], trace: Recording, listed: Listing, output: Step, outputs: dict[str, Step], value: Any,
    missing: str, failure: Failure | None = None,
) -> Explanation:  # fmt: skip
    count = len(trace.inputs)
    return Explanation(
        name_of(f),
        dict(zip(trace.inputs, listed.steps, strict=False)),
        tuple(step for step in listed.steps[count:] if step.primitive is not None),
        tuple(listed.edges),
        output,
        outputs,
        value,
        missing,
        failure,
        listed.forward,
    )
