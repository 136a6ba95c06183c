"""Staging: a function run on abstract values, its operations written down as a Program."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core import show
from wengert.core.check import check_program
from wengert.core.handles import copied
from wengert.core.primitive import Primitive
from wengert.core.program import Atom, Equation, Literal, Program, Var
from wengert.core.trace import (
    ArrayTracer,
    Constant,
    Trace,
    Tracer,
    fresh_handle,
    fresh_level,
    leaked,
    refuse_ended,
    sample,
)
from wengert.core.types import Aval, aval_of
from wengert.errors import ConcretizationError, TraceError, at_line, place_line, user_place
from wengert.transforms.forward import jvp
from wengert.transforms.inputs import enter_constants, is_number, name_of, run
from wengert.transforms.rewriting import suggestion

__all__ = ["linearize", "make_program"]


class StageScalar(Tracer):
    """A number of which only the type is known: ``v`` is its abstract value, ``i`` its variable."""

    __slots__ = ()

    def concrete(self) -> Any:
        raise abstract(self)


class StageArray(ArrayTracer):
    """An array of which only shape and dtype are known, and how it lies in memory."""

    __slots__ = ()

    def sample(self) -> Any:
        return np.empty(self.shape, self.dtype) if self.i in self.t.rows else self.t.sample(self.i)

    def concrete(self) -> Any:
        raise abstract(self)


def abstract(x: Tracer) -> ConcretizationError:
    """The error for an abstract value where a number is wanted."""
    general = "np.where(condition, a, b) in place of `if condition: ...`, or run the function without staging it"
    return ConcretizationError(
        f"while a function is staged this {x.aval} has a type but no value: it cannot decide an `if` or a `while`, "
        f"or be converted{at_line()}\n{suggestion(general)}"
    )


def one_of(aval: Aval) -> Any:
    """A value of this type: ones, or zeros where they may be indices."""
    one = aval.dtype.type(aval.dtype.kind in "fc")
    return np.full(aval.shape, one) if aval.kind == "array" else one.item() if aval.kind == "python" else one


def ones_like(x: Any) -> Any:
    """The same for a value that lies in memory as ``x`` does."""
    if not isinstance(x, np.ndarray):
        return one_of(aval_of(x))
    out = copied(x)
    out[...] = x.dtype.kind in "fc"
    return out


def _native(aval: Aval) -> Aval:
    return aval if aval.dtype.isnative else Aval(aval.shape, aval.dtype.newbyteorder("="), aval.kind)


class Stage(Trace):
    """The trace that writes equations down."""

    # ``rows``: variables of arrays that lie row by row, so that what is a view of them is known;
    # ``given``: arrays from outside that lie otherwise; ``made``: the equations of other variables; ``samples``:
    # arrays that lie as these do, where somebody has asked
    __slots__ = (
        "around",
        "constants",
        "equations",
        "given",
        "index",
        "known",
        "level",
        "lines",
        "made",
        "open",
        "rows",
        "samples",
    )
    scalar, array = StageScalar, StageArray
    writes = True

    def __init__(self) -> None:
        self.level = fresh_level()
        self.equations: list[Equation] = []
        self.constants: list[tuple[Var, Any]] = []
        self.known: dict[int, tuple[Any, Any, Var]] = {}
        self.lines: dict[tuple[str, int], str] = {}  # the text of places that have been met
        self.rows: set[Var] = set()
        self.given: dict[Var, Any] = {}
        self.samples: dict[Var, Any] = {}
        self.made: dict[Var, Equation] = {}
        self.index: tuple[dict[Var, Equation], dict[Var, Any], int, int] = ({}, {}, 0, 0)
        self.open = True

    def tracer(self, aval: Aval, var: Var) -> Any:
        """A tracer for a variable."""
        cls = StageArray if aval.kind == "array" else StageScalar
        z = cls.__new__(cls)
        z.v, z.t, z.i, z.born = aval, self, var, fresh_level()
        return z

    def input(self, value: Any) -> Any:
        """A tracer for an input of the type of ``value``, in this machine's order of bytes."""
        aval = _native(aval_of(value))
        var = Var(aval)
        if type(value) is np.ndarray and value.flags.c_contiguous:
            self.rows.add(var)
        elif isinstance(value, np.ndarray):
            self.given[var] = value
        return self.tracer(aval, var)

    def declare(self, aval: Aval) -> Any:
        """A tracer for an input of this type, which lies row by row."""
        z = self.tracer(aval, Var(aval))
        self.rows.add(z.i)
        return z

    def lift(self, value: Any) -> Any:
        atom = self.atom(value)
        if isinstance(atom, Literal):
            raise TypeError("only arrays are lifted")
        return self.tracer(atom.aval, atom)

    def atom(self, x: Any) -> Atom:
        """What stands for an operand in an equation: its variable, a literal, or a constant's variable."""
        if isinstance(x, Tracer) and x.t is self and type(x) is not Constant:
            return x.i
        if type(x) is Constant:
            x = x.v
        elif isinstance(x, Tracer):
            refuse_ended(x, self)
        aval = aval_of(x)
        if aval.kind != "array" and not isinstance(x, Tracer):
            return Literal(x)
        # an array may be overwritten after this line: its value now is the constant
        known = self.known.get(id(x))
        if type(x) is np.ndarray:
            if known is not None and known[0] is x and np.array_equal(known[1], x):
                return known[2]
            aval = _native(aval)
            var, value = Var(aval), x.astype(aval.dtype, "K")
            if x.flags.c_contiguous:
                self.rows.add(var)
            else:
                self.given[var] = value
            self.constants.append((var, value))
            self.known[id(x)] = (x, value, var)
            return var
        if known is not None and known[0] is x and known[1].v is x.v and known[1].i is x.i:
            return known[2]
        var, value = Var(aval), fresh_handle(x)
        self.constants.append((var, value))
        self.known[id(x)] = (x, value, var)
        return var

    def line(self) -> str:
        """The user's line that is being run; a loop comes by the same one many times."""
        place = user_place()
        found = self.lines.get(place)
        if found is None:
            found = self.lines[place] = place_line(place)
        return found

    def process(self, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        if not self.open:
            raise leaked("the make_program or linearize")
        atoms = tuple(self.atom(x) for x in operands)
        inferred = primitive.infer(*(a.aval for a in atoms), **params)
        avals = inferred if primitive.multiple else (inferred,)
        variables = tuple(Var(aval) for aval in avals)
        equation = Equation(primitive, atoms, variables, params, self.line())
        self.equations.append(equation)
        # elementwise results lie as their operands do; what transposes or factorises may lie otherwise
        rowwise = primitive.family != "general" and primitive.name != "transpose"
        if rowwise and all(a.aval.ndim < 2 or a in self.rows for a in atoms):
            self.rows.update(variables)
        else:
            self.made.update(dict.fromkeys(variables, equation))
        outs = tuple(self.tracer(a, v) for a, v in zip(avals, variables, strict=True))
        return outs if primitive.multiple else outs[0]

    def sample(self, atom: Any) -> Any:
        """A plain value that lies in memory as a variable's does: what NumPy makes of such operands."""
        if isinstance(atom, Literal):
            return atom.value
        if atom in self.rows or not atom.aval.ndim:
            return one_of(atom.aval)
        if atom in self.given:
            return sample(self.given[atom])
        waiting = [atom]
        while waiting:
            var = waiting[-1]
            equation = self.made.get(var)
            if var in self.samples or equation is None:
                waiting.pop()
                continue
            inputs = [a for a in equation.inputs if isinstance(a, Var) and a in self.made and a not in self.samples]
            if inputs:
                waiting.extend(inputs)
                continue
            try:
                with np.errstate(all="ignore"):
                    out = equation.primitive.impl(*(self.sample(a) for a in equation.inputs), **equation.params)
            except Exception:  # noqa: BLE001 - what ones cannot do, such as a decomposition
                break
            outs = out if equation.primitive.multiple else (out,)
            self.samples.update({v: ones_like(o) for v, o in zip(equation.outputs, outs, strict=True)})
        if atom not in self.samples:
            raise TypeError(f"how an array of {atom.aval} lies in memory is not known")
        return self.samples[atom]

    def read(self) -> tuple[dict[Var, Equation], dict[Var, Any]]:
        """The equations and the constants by variables, read on from where the last call stopped."""
        made, constants, n, m = self.index
        for equation in self.equations[n:]:
            made.update(dict.fromkeys(equation.outputs, equation))
        constants.update(self.constants[m:])
        self.index = (made, constants, len(self.equations), len(self.constants))
        return made, constants

    def program(self, inputs: list[Var], outputs: list[Any], name: str) -> Program:
        """End the trace and give the Program, typechecked, without equations that nothing needs."""
        atoms = tuple(self.atom(x) for x in outputs)
        self.open = False
        needed = {a for a in atoms if isinstance(a, Var)}
        equations: list[Equation] = []
        for equation in reversed(self.equations):
            if needed.intersection(equation.outputs):
                needed.update(a for a in equation.inputs if isinstance(a, Var))
                equations.append(equation)
        constants = tuple((v, x) for v, x in self.constants if v in needed)
        return check_program(Program(tuple(inputs), constants, tuple(reversed(equations)), atoms, name))


class Capture(Stage):
    """A stage that writes down as well what its function does to values of traces further out alone.

    What stands in a branch or in a loop's body must happen there, and not once and for all where it is staged.
    """

    __slots__ = ()
    captures, writes = True, False


def make_program(f: Callable[..., Any]) -> Callable[..., Program]:
    """Stage ``f``: ``make_program(f)(*args)`` runs it once on abstract values of the arguments' types.

    The Program prints, evaluates, differentiates and batches; nothing of the arguments but structure, shapes
    and dtypes goes into it. Its inputs and outputs are the leaves of ``f``'s arguments and results. It is the
    graph built ahead of time, where :func:`wengert.grad` builds it while the function runs.

    Raises:
        ConcretizationError: where the function asks for a value: ``if x > 0``, ``float(x)``, ``x[mask]``.

    Example:
        >>> import numpy as np
        >>> from wengert import grad, make_program
        >>> program = make_program(grad(lambda x: x**2))(3.0)
        >>> print(program)
        <lambda>(a: float) -> b
          b: f64 = multiply 2.0 a
        >>> program(5.0)
        np.float64(10.0)
    """

    @functools.wraps(f, updated=())
    def stage(*args: Any, **kwargs: Any) -> Program:
        trace = Stage()
        leaves, treedef = pytree.flatten(args)
        if not all(map(is_number, leaves)):
            raise _not_staged(f, args)
        inputs = [trace.input(x) for x in leaves]
        variables = [z.i for z in inputs]  # now: the function may write to its arguments
        out = run(trace, f, pytree.unflatten(treedef, inputs), enter_constants(trace, kwargs))
        return trace.program(variables, pytree.leaves(out), name_of(f))

    return stage


def _not_staged(f: Any, args: Any) -> TraceError:
    where, x = next(
        (f"{k}{path}", x)
        for k, tree in enumerate(args)
        for path, x in pytree.flatten_with_paths(tree)
        if not is_number(x)
    )
    kind = f"an array of {x.dtype}" if isinstance(x, np.ndarray | np.generic) else f"a {type(x).__name__}"
    return TraceError(
        f"make_program({name_of(f)}): argument {where} is {kind}, and not a number or an array of numbers{at_line()}\n"
        "  write: a keyword argument or functools.partial, for what is the same at each evaluation"
    )


def linearize(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """``(f(*primals), J)``, where ``J(*tangents)`` is the linear map ∂f at ``primals``.

    ``f`` runs once; what is linear is staged with its coefficients as constants, and each call of ``J``
    evaluates only that. ``J.program`` is the Program.

    Example:
        >>> import numpy as np
        >>> from wengert import linearize
        >>> y, J = linearize(np.sin, 0.0)
        >>> J(2.0)
        np.float64(2.0)
    """
    trace = Stage()
    leaves, treedef = pytree.flatten(primals)
    inputs = [trace.input(_numpy(x)) for x in leaves]
    variables = [z.i for z in inputs]
    out_def: list[Any] = []

    def push(*tangents: Any) -> Any:
        return jvp(f, primals, tangents)

    value, tangent = run(trace, push, pytree.unflatten(treedef, inputs), {})
    tangents, tangent_def = pytree.flatten(tangent)
    out_def.append(tangent_def)
    program = trace.program(variables, tangents, f"linearization of {name_of(f)}")

    def linear(*args: Any) -> Any:
        directions, given = pytree.flatten(args)
        if given != treedef:
            raise TypeError(f"linearize({name_of(f)}): tangents of structure {given}, primals of {treedef}{at_line()}")
        return pytree.unflatten(tangent_def, program.evaluate([_numpy(t) for t in directions]))

    linear.program = program  # type: ignore[attr-defined]
    return value, linear


def _numpy(x: Any) -> Any:
    return np.float64(x) if type(x) in (float, int) else np.complex128(x) if type(x) is complex else x


_ = show
