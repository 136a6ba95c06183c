"""From the address of a core to a function that Python calls.

A *core* is the native code of a Program: ``i32 core(ptr operands, ptr arena, i64 thread, ptr team)``. ``operands`` are
addresses of inputs, outputs and constants, C-contiguous, aligned to their items, in this machine's order of bytes;
numbers are at addresses too. Outputs overlap nothing, but for donated pairs, which share their memory. ``arena`` is
scratch memory at a multiple of 64 bytes. The core returns 0, or a code that says why it failed.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, final

import numpy as np

from wengert.compile import callbacks, objects
from wengert.compile.once import once
from wengert.compile.plain import Plain
from wengert.compile.records import ARRAY, BOOL, COMPLEX, FLOAT, INT, LINE, SCALAR, Call, MethodDef, Operand
from wengert.compile.runtime import runtime
from wengert.compile.specs import Result, Spec, fit
from wengert.compile.threads import group
from wengert.compile.workspaces import SLOT
from wengert.core.types import Aval, aval_of
from wengert.errors import CompileError

__all__ = ["Function", "Spec", "entry", "slow", "take_over"]

# Giving up the interpreter's lock and taking it again costs 30 ns when nobody else wants it. When another thread does,
# the lock comes back only after that thread's turn, up to 5 ms later: a call of less than this many seconds would wait
# longer for others than they do for it.
WORTH_UNLOCKING: Final = 20e-6


@final
class Function(Call):
    """The ``self`` of a builtin: its record, and what must live as long. Nothing here refers to the builtin."""

    spec: Spec
    keep: tuple[Any, ...]

    def go_on_with(self, unit: Any) -> None:
        """Run another core that does the same; calls that are under way end in the old one."""
        self.keep = (*self.keep, unit)
        if self.core:
            self.core = unit["core"]

    def __del__(self, free: Any = ctypes.pythonapi.PyMem_RawFree) -> None:
        if self.workspace:
            free(ctypes.c_void_p.from_address(self.workspace))


def entry(
    core: int, inputs: Sequence[Aval], outputs: Sequence[Aval], *,
    arena_bytes: int = 0, constants: Sequence[np.ndarray[Any, Any]] = (), threads: int = 1, seconds: float = 0.0,
    donated: Mapping[int, int] | None = None, unit: Any = None,
    raise_code: Callable[[int], Exception] | None = None, result: Result = "tuple", name: str = "compiled",
) -> Callable[..., Any]:  # fmt: skip
    """A builtin function that runs a core.

    Called with operands that are just as ``inputs`` says (for an array: NumPy's own class, dtype, shape, C order,
    aligned) it returns the outputs; called with others it returns ``NotImplemented``, and :func:`slow` converts
    or explains. It may be called by many threads at once, and by itself through a callback.

    Args:
        core: its address.
        inputs: abstract values; a ``python`` value is a float, int (of 64 bits), bool or complex number.
        outputs: abstract values of the results.
        arena_bytes: how much scratch memory the core uses.
        constants: arrays that the core reads, behind the outputs; kept alive.
        threads: of the team that runs the core; 1 is the caller alone.
        seconds: an estimate of how long a call takes: long ones let other Python threads run meanwhile.
        donated: output number to input number: the output takes over that operand's memory, and the operand's array
            becomes empty. If the call raises, donated operands are lost.
        unit: the code, and whatever else must live as long as the function.
        raise_code: makes the exception of a code that the core returned.
        result: ``"single"`` gives the only output itself, ``"tuple"`` and ``"list"`` all of them.
        name: what the function is called in messages.

    Raises:
        CompileError: a donated pair does not fit, or ``"single"`` is asked of several outputs.

    Example:
        >>> import numpy as np
        >>> from wengert.compile.emit import F64, I32, PTR, Emitter
        >>> from wengert.compile.engine import link, object_code
        >>> from wengert.core.types import aval_of
        >>> e = Emitter()
        >>> with e.function("twice", ["ptr", "ptr", "i64", "ptr"], I32) as (operands, arena, thread, team):
        ...     x, y = e.load(operands, PTR, 0), e.load(operands, PTR, 1)
        ...     _ = e.loop(3, lambda i: e.store(2.0 * e.load(x, F64, i), y, i))
        ...     e.ret(e.const(I32, 0))
        >>> unit = link(object_code(e.text()), e.exports)
        >>> x = np.array([1.0, 2.0, 3.0])
        >>> twice = entry(unit["twice"], [aval_of(x)], [aval_of(x)], unit=unit, result="single")
        >>> twice(x)
        array([2., 4., 6.])
        >>> twice(x[::-1])
        NotImplemented
        >>> slow(twice, [x[::-1]])
        array([6., 4., 2.])
    """
    spec = Spec(
        core, tuple(inputs), tuple(outputs), arena_bytes, tuple(map(_constant, constants)), threads, seconds,
        dict(donated or {}), unit, raise_code or (lambda code: _unexplained(name, code)), result, name,
    )  # fmt: skip
    unlock = threads > 1 or seconds > WORTH_UNLOCKING

    def fail(code: int) -> None:
        error = callbacks.raised(code)
        raise error if error is not None else spec.raise_code(code)

    if not objects.usable():
        return Plain(spec, fail, unlock)
    return _builtin(_function(spec, fail, unlock))


def slow(call: Callable[..., Any], operands: Sequence[Any], names: Sequence[str] | None = None) -> Any:
    """Call an entry with operands that it did not take: copies in the layout it wants, or an error that explains.

    Args:
        call: what :func:`entry` gave.
        operands: positional.
        names: what the user calls them; by default their positions.

    Raises:
        CompileError: an operand is of another type, was donated before, or their number is wrong.
        ShapeError: an operand is of another shape.
    """
    spec: Spec = call.spec if isinstance(call, Plain) else call.__self__.spec  # type: ignore[attr-defined]
    if len(operands) != len(spec.inputs):
        raise CompileError(f"{spec.name} takes {len(spec.inputs)} operands, not {len(operands)}")
    names = names or [f"operand {k} of {spec.name}" for k in range(len(operands))]
    return call(*map(fit, operands, spec.inputs, names))


def take_over(call: Callable[..., Any], other: Callable[..., Any]) -> None:
    """The memory that ``other`` keeps for its next call is kept by ``call`` from now on; both are entries.

    For functions that run by turns: the memory of one is enough for them, and its pages are there already.
    """
    functions = [each.__self__ for each in (call, other) if not isinstance(each, Plain)]  # type: ignore[attr-defined]
    if len(functions) == 2:
        address = ctypes.c_void_p
        move = runtime().function("wengert_take_over", None, address, address, holds_gil=True)
        move(*map(ctypes.addressof, functions))


def _unexplained(name: str, code: int) -> Exception:
    return CompileError(f"{name}: its machine code failed with code {code}")


def _constant(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.require(x, x.dtype.newbyteorder("="), ["C", "A"]) if x.ndim else np.array(x)


# ---- the records of a function


_NUMBERS: Final = {"b": BOOL, "i": INT, "f": FLOAT, "c": COMPLEX}
_TYPES: Final = {"b": bool, "i": int, "f": float, "c": complex}


def _operand(aval: Aval, keep: list[Any]) -> Operand:
    kind = {"array": ARRAY, "scalar": SCALAR, "python": _NUMBERS.get(aval.dtype.kind)}[aval.kind]
    type_ = {"array": np.ndarray, "scalar": aval.dtype.type, "python": _TYPES.get(aval.dtype.kind)}[aval.kind]
    shape = (ctypes.c_int64 * max(1, aval.ndim))(*aval.shape)
    keep += [type_, aval.dtype, shape]
    size = aval.size * aval.dtype.itemsize
    address = ctypes.addressof(shape)
    return Operand(kind, aval.dtype.num, id(type_), id(aval.dtype), aval.ndim, address, size, -1, None)


def _records(spec: Spec, keep: list[Any]) -> Any:
    """Records of inputs, outputs and constants."""
    found = [_operand(aval, keep) for aval in (*spec.inputs, *spec.outputs)]
    for output, source in spec.donated.items():
        found[len(spec.inputs) + output].input = source
    for constant in spec.constants:
        found.append(_operand(aval_of(constant), keep))
        found[-1].address = constant.ctypes.data
    return (Operand * max(1, len(found)))(*found)


def _function(spec: Spec, fail: Callable[[int], None], unlock: bool) -> Function:
    keep: list[Any] = [fail]
    records = _records(spec, keep)
    n, m, c = len(spec.inputs), len(spec.outputs), len(spec.constants)
    objects_at = LINE + 8 * (n + m + c)
    slots_at = (objects_at + 8 * m + SLOT - 1) & -SLOT
    arena_at = (slots_at + SLOT * (n + m) + LINE - 1) & -LINE
    made = Function(
        core=None if spec.does_nothing else spec.core, inputs=n, outputs=m, constants=c,
        operands=ctypes.addressof(records), bytes=arena_at + spec.arena_bytes,
        objects_at=objects_at, slots_at=slots_at, arena_at=arena_at,
        unlock=unlock, result=("single", "tuple", "list").index(spec.result),
        group=ctypes.addressof(group(spec.threads)) if spec.threads > 1 else None,
        fail=id(fail), mismatch=id(NotImplemented), true=id(True), array=id(np.ndarray),
    )  # fmt: skip
    made.spec, made.keep = spec, (records, *keep)
    return made


METH_FASTCALL: Final = 0x80


@once
def _method(name: str) -> MethodDef:
    """One for all functions of a name, for good: a builtin reads it as late as when it is freed itself.

    The builtin's own record cannot hold it, for Python's garbage collector takes that away before.
    """
    return MethodDef(name.encode(), runtime()["wengert_call"], METH_FASTCALL, None)


def _builtin(function: Function) -> Callable[..., Any]:
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    return make(ctypes.addressof(_method(function.spec.name)), function, None)
