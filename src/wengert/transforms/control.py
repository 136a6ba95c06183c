"""Control flow: loops and branches as single operations, of which a Program holds the body once.

Functions may close over arrays and over values of any transform that is under way.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.program import Program, Var
from wengert.core.trace import Constant, Tracer, bind
from wengert.core.types import Aval, aval_of, dtype_of, shape_of
from wengert.errors import ConcretizationError, ShapeError, TraceError, at_line
from wengert.ops.elementwise import cast_to_integer
from wengert.transforms.carrying import check_numbers, common_types, entered, stage_loop, with_types
from wengert.transforms.closing import Closed, stage_closed
from wengert.transforms.control_cond import cond_p
from wengert.transforms.control_scan import scan_p, sliced
from wengert.transforms.control_while import while_p
from wengert.transforms.inputs import is_number, name_of
from wengert.transforms.opening import concrete, opening, stacked
from wengert.transforms.programs import coerced, derived

__all__ = ["cond", "fori_loop", "scan", "switch", "while_loop"]


_INDEX = aval_of(np.int64(0))
_NOTHING = pytree.flatten(None)[1]


# ---- loops


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any = None, length: int | None = None,
    reverse: bool = False, unroll: int = 1,
) -> tuple[Any, Any]:  # fmt: skip
    """``(carry, ys)`` of a loop over slices: ``carry, ys[k] = f(carry, xs[k])`` for each k, from ``carry = init``.

    ``init``, ``xs`` and what ``f`` returns may be trees; slices are along axis 0 of each leaf of ``xs``. The carry
    keeps its shapes and dtypes from step to step; Python's numbers in ``init`` take the type that ``f`` gives them.
    ``f`` is run once, on abstract values, however long the loop is. In reverse mode the residuals of each step are
    kept (O(length) memory; ``wengert.checkpoint(f)`` keeps the carry alone).

    Args:
        f: takes the carry and a slice, and returns the new carry and a slice of the results (or None).
        init: the carry before the first step.
        xs: what is run over; None for a loop of ``length`` steps in which ``f`` is given None.
        length: the number of steps, where ``xs`` does not say it.
        reverse: whether to run from the last slice to the first; ``ys[k]`` still belongs to ``xs[k]``.
        unroll: accepted for familiarity; how the loop is unrolled is the compiler's choice.

    Raises:
        ShapeError: if the slices differ in number, or the carry changes its type.

    Example:
        >>> import numpy as np
        >>> from wengert import control, grad
        >>> control.scan(lambda total, x: (total + x, total), 0.0, np.array([1.0, 2.0, 3.0]))
        (np.float64(6.0), array([0., 1., 3.]))
        >>> grad(lambda r: control.scan(lambda y, _: (r * y, None), 1.0, length=3)[0])(2.0)  # 3 r²
        12.0
    """
    del unroll
    leaves, treedef = check_numbers(xs, f"scan({name_of(f)}): xs")
    leaves = [np.asarray(x) if not shape_of(x) else x for x in leaves]
    n = _length(leaves, length, f"scan({name_of(f)})")

    def step(carry: Any, x: Any) -> tuple[Any, Any]:
        out: Any = f(carry, x)
        if not (isinstance(out, tuple) and len(out) == 2):
            raise TraceError(
                f"scan({name_of(f)}): the function must return (carry, y), and returned {_what(out)}"
                f"{at_line()}\n  write: return carry, None if there is nothing to collect"
            )
        return out

    step.__name__ = name_of(f)
    return _scan(step, init, leaves, treedef, n, reverse, f"scan({name_of(f)})")


def _what(out: Any) -> str:
    return str(aval_of(out)) if is_number(out) else f"a {type(out).__name__}"


def _scan(
    step: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Sequence[Any], xs_def: pytree.TreeDef, length: int,
    reverse: bool, what: str,
) -> tuple[Any, Any]:  # fmt: skip
    watcher = opening()
    if watcher is not None and 0 < length <= watcher.turns:
        ys: list[Any] = [None] * length
        order = range(length - 1, -1, -1) if reverse else range(length)
        for k, turn in zip(order, watcher.loop(what), strict=False):
            with turn:
                init, ys[k] = step(init, pytree.unflatten(xs_def, [x[k] for x in xs]))
        return init, stacked(ys)
    closed, types = stage_loop(step, init, [sliced(aval_of(x)) for x in xs], xs_def, what)
    m = len(types)
    state = [entered(x, t) for x, t in zip(pytree.leaves(init), types, strict=True)]
    outs = bind(
        scan_p, *closed.constants, *state, *xs, body=closed.program, length=length, constants=len(closed.constants),
        carry=m, reverse=bool(reverse),
    )  # fmt: skip
    return pytree.unflatten(closed.out_def, outs)


def _length(xs: Sequence[Any], length: int | None, what: str) -> int:
    for x in xs:
        if not shape_of(x):
            raise ShapeError(f"{what}: xs has a leaf without axes, and nothing to run over{at_line()}")
    found = {shape_of(x)[0] for x in xs}
    if length is not None:
        found.add(operator.index(length))
    if len(found) == 1:
        return found.pop()
    if not found:
        raise ShapeError(f"{what}: neither xs nor length says how many steps there are{at_line()}\n  write: length=n")
    raise ShapeError(
        f"{what}: xs and length differ in the number of steps: {sorted(found)}{at_line()}\n"
        "  write: arrays with the same first axis"
    )


def while_loop(test: Callable[[Any], Any], body: Callable[[Any], Any], init: Any) -> Any:
    """``carry = init``, then ``carry = body(carry)`` as long as ``test(carry)`` holds; the last carry.

    Both functions are run once, on abstract values. The carry, a tree of numbers and arrays, keeps its shapes and
    dtypes. Reverse mode needs the states from the last to the first, of which it keeps 32 snapshots: memory does not
    grow with the number of steps n, and a step is computed again 2 times up to n = 561, 3 times up to 6545
    (Griewank and Walther 2000). Under ``vmap`` the loop runs until all elements are done.

    Raises:
        ShapeError: if the carry changes its type, or the test does not give one bool.

    Example:
        >>> from wengert import control, grad
        >>> def root(a):  # Newton's iteration for √a
        ...     return control.while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), a)
        >>> round(root(2.0), 12), round(grad(root)(2.0), 12)
        (1.414213562373, 0.353553390593)
    """
    what = f"while_loop({name_of(test)}, {name_of(body)})"

    def step(carry: Any, _: Any) -> tuple[Any, Any]:
        return body(carry), ()

    step.__name__ = name_of(body)
    watcher = opening()
    if watcher is not None:
        for _, turn in zip(range(watcher.turns), watcher.loop(what), strict=False):
            with turn:
                going = concrete(test(init))
                if going is None:
                    break
                if not going:
                    return init
                init = body(init)
    closed, types = stage_loop(step, init, [], _NOTHING, what)
    held = stage_closed(test, types, pytree.flatten((init,))[1], _as_bool(what), what)
    state = [entered(x, t) for x, t in zip(pytree.leaves(init), types, strict=True)]
    outs = bind(
        while_p, *held.constants, *closed.constants, *state, test=held.program, body=closed.program,
        test_constants=len(held.constants), body_constants=len(closed.constants),
    )  # fmt: skip
    return pytree.unflatten(closed.out_def, outs)[0]


def _as_bool(what: str) -> Callable[[list[Any]], list[Any]]:
    def finish(outs: list[Any]) -> list[Any]:
        if len(outs) != 1 or shape_of(outs[0]) or dtype_of(outs[0]).kind not in "bui":
            got = ", ".join(str(aval_of(x)) for x in outs)
            raise ShapeError(
                f"{what}: the test must give one bool, and gave ({got}){at_line()}\n"
                "  write: a comparison of numbers, or np.any(...) or np.all(...) of an array"
            )
        x = outs[0]
        return [x if dtype_of(x).kind == "b" else np.not_equal(x, 0)]

    return finish


def fori_loop(lower: Any, upper: Any, body: Callable[[Any, Any], Any], init: Any) -> Any:
    """``carry = init``, then ``carry = body(i, carry)`` for i from ``lower`` to ``upper`` − 1; the last carry.

    With plain bounds this is a :func:`scan`, so that reverse mode keeps the residuals of each step; with traced
    bounds it is a :func:`while_loop`.

    Example:
        >>> from wengert import control
        >>> control.fori_loop(1, 5, lambda i, product: product * i, 1)
        24
    """
    what = f"fori_loop({name_of(body)})"
    plain = not any(isinstance(x, Tracer) and type(x) is not Constant for x in (lower, upper))

    def step(carry: Any, _: Any) -> tuple[Any, Any]:
        i, state = carry
        return (i + 1, body(i, state)), None

    step.__name__ = name_of(body)
    if plain:
        first, last = operator.index(lower), operator.index(upper)
        return _scan(step, (first, init), [], _NOTHING, max(last - first, 0), False, what)[0][1]
    return while_loop(lambda c: c[0] < upper, lambda c: step(c, None)[0], (lower, init))[1]


# ---- branches


def cond(pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any) -> Any:
    """``true_fun(*operands)`` if ``pred`` holds, else ``false_fun(*operands)``; only one of them runs.

    With a plain ``pred`` this is Python's own ``if``. Where it is abstract (under ``jit`` or in a loop's body) both
    functions are staged, and must give results of the same structure, shapes and dtypes. Under ``vmap``, where ``pred``
    differs between elements, both run and the results are selected from, as by ``np.where``.

    Example:
        >>> import numpy as np
        >>> from wengert import control, jit
        >>> f = jit(lambda x: control.cond(x > 0, np.sqrt, np.negative, x))
        >>> f(4.0), f(-3.0)
        (np.float64(2.0), np.float64(3.0))
    """
    what = f"cond({name_of(true_fun)}, {name_of(false_fun)})"
    if shape_of(pred):
        raise ShapeError(
            f"{what}: the condition is an array of shape {shape_of(pred)}, and not one bool{at_line()}\n"
            "  write: np.where for a choice in each element, or np.any(...) or np.all(...)"
        )
    known = _value(pred)
    if known is not None:
        return (true_fun if known else false_fun)(*operands)
    test = pred if dtype_of(pred).kind == "b" else np.not_equal(pred, 0)
    return _branches(cast_to_integer(test, dtype=_INDEX.dtype), (false_fun, true_fun), operands, what)


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """``branches[index](*operands)``; an index below 0 or beyond the last branch takes the nearest one.

    Example:
        >>> import numpy as np
        >>> from wengert import control
        >>> control.switch(1, [np.sin, np.cos, np.tan], 0.0)
        np.float64(1.0)
    """
    what = f"switch({', '.join(map(name_of, branches))})"
    if not branches:
        raise ValueError(f"switch: there are no branches{at_line()}\n  write: at least one function")
    if shape_of(index) or dtype_of(index).kind not in "bui":
        raise ShapeError(f"{what}: the index is {aval_of(index)}, and not one integer{at_line()}\n  write: int(index)")
    known = _value(index)
    if known is not None:
        return branches[min(max(int(known), 0), len(branches) - 1)](*operands)
    return _branches(index, branches, operands, what)


def _value(x: Any) -> Any:
    """The plain value of a condition, None where it is abstract."""
    if not isinstance(x, Tracer):
        return x
    try:
        return x.v if type(x) is Constant else x.concrete()
    except ConcretizationError:
        return None


def _branches(index: Any, functions: Sequence[Callable[..., Any]], operands: Any, what: str) -> Any:
    leaves, treedef = check_numbers(operands, f"{what}: operand ")
    types = [aval_of(x) for x in leaves]
    closed = [stage_closed(f, types, treedef, list, what) for f in functions]
    results = common_types(closed, what)
    constants = [x for c in closed for x in c.constants]
    branches = tuple(_beside(c, k, closed, results) for k, c in enumerate(closed))
    outs = bind(cond_p, _as_index(index), *constants, *leaves, branches=branches)
    return pytree.unflatten(closed[0].out_def, outs)


def _as_index(index: Any) -> Any:
    return coerced(index if dtype_of(index) == _INDEX.dtype else cast_to_integer(index, dtype=_INDEX.dtype), _INDEX)


def _beside(own: Closed, k: int, closed: Sequence[Closed], results: tuple[Aval, ...]) -> Program:
    """A branch that is handed what all branches close over."""
    program = with_types(own.program, results)
    n = len(own.constants)
    others = tuple(tuple(v.aval for v in c.program.inputs[: len(c.constants)]) for c in closed)

    def widened() -> Program:
        before = [Var(t) for types in others[:k] for t in types]
        after = [Var(t) for types in others[k + 1 :] for t in types]
        inputs = (*before, *program.inputs[:n], *after, *program.inputs[n:])
        return Program(inputs, program.constants, program.equations, program.outputs, program.name)

    return derived(program, ("beside", k, others), widened)
