"""Programs: built by hand, checked, printed and evaluated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert
from wengert.core.check import check_program
from wengert.core.primitive import REGISTRY, register
from wengert.core.program import Equation, Literal, Program, Var
from wengert.core.show import name
from wengert.core.types import aval_of
from wengert.errors import ProgramError, ShapeError, WengertError
from wengert.ops import elementwise as ops
from wengert.ops.reduce import reduce_sum

assert wengert.grad
F64 = aval_of(np.float64(1))
ROW = aval_of(np.zeros(3))


def program(*equations: Equation, inputs: Any = (), constants: Any = (), outputs: Any = ()) -> Program:
    return Program(tuple(inputs), tuple(constants), equations, tuple(outputs), "p")


def sine(x: Any, aval: Any = ROW) -> tuple[Equation, Var]:
    y = Var(aval)
    return Equation(ops.sin, (x,), (y,), {}), y


def test_a_program_by_hand() -> None:
    x, c = Var(ROW), Var(ROW)
    first, y = sine(x)
    z, s = Var(ROW), Var(F64)
    second = Equation(ops.multiply, (y, c), (z,), {})
    third = Equation(reduce_sum, (z,), (s,), {"axes": (0,), "keepdims": False})
    p = check_program(
        program(first, second, third, inputs=[x], constants=[(c, np.arange(3.0))], outputs=[s, Literal(2.5)])
    )
    assert str(p) == repr(p)
    assert str(p).splitlines() == [
        "p(a: f64[3]) -> e, 2.5",
        "  b: f64[3] = constant",
        "  c: f64[3] = sin a",
        "  d: f64[3] = multiply c b",
        "  e: f64 = sum[axes=(0,), keepdims=False] d",
    ]
    value, literal = p(np.ones(3))
    assert value == np.sin(1.0) * 3
    assert literal == 2.5
    assert p.evaluate([np.ones(3)]) == [value, 2.5]


def broken(p: Program, text: str) -> None:
    with pytest.raises(ProgramError, match=text):
        check_program(p)


def test_what_the_typechecker_finds() -> None:
    x = Var(ROW)
    equation, y = sine(x)
    wrong, w = sine(x, F64)
    broken(program(equation, outputs=[y]), r"p: equation 0 \(sin\): a variable is used before it is assigned")
    broken(program(inputs=[x], outputs=[y]), "p: outputs: a variable is used before it is assigned")
    broken(program(inputs=[x, x]), "p: inputs: a variable is assigned twice")
    broken(program(equation, equation, inputs=[x]), r"p: equation 1 \(sin\): a variable is assigned twice")
    broken(program(wrong, inputs=[x], outputs=[w]), r"equation 0 \(sin\): output typed f64, inferred f64\[3\]")
    broken(program(constants=[(x, np.zeros(2))]), r"constants: a variable of type f64\[3\] holds f64\[2\]")
    broken(program(Equation(ops.sin, (x,), (Var(ROW), Var(ROW)), {}), inputs=[x]), "2 outputs, 1 inferred")
    assert issubclass(ProgramError, WengertError)
    assert issubclass(ProgramError, ValueError)


def test_wrong_arguments() -> None:
    x = Var(ROW)
    p = program(inputs=[x], outputs=[x])
    with pytest.raises(ShapeError, match="p takes 1 inputs, and got 2"):
        p(np.ones(3), 1.0)
    with pytest.raises(ShapeError, match=r"staged for input 0 of shape \(3,\), and got \(\)"):
        p(1.0)


def test_names_of_variables() -> None:
    assert [name(k) for k in (0, 1, 25, 26, 27, 51, 52, 26 * 26)] == ["a", "b", "z", "ba", "bb", "bz", "ca", "baa"]
    assert len({name(k) for k in range(2000)}) == 2000


def test_variables_are_known_by_identity() -> None:
    assert Var(ROW) != Var(ROW)
    assert len({Var(ROW), Var(ROW)}) == 2
    assert Literal(2.0) == Literal(2.0)
    assert Literal(2.0).aval == aval_of(2.0)


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="a primitive named 'sin' exists already"):
        register(ops.sin)
    assert REGISTRY["sin"] is ops.sin


def test_what_a_record_keeps() -> None:
    assert ops.multiply.kept((True, True)) == (True, True, False)
    assert ops.multiply.kept((True, False)) == (False, True, False)
    assert ops.multiply.kept((False, True)) == (True, False, False)
    assert ops.exp.kept((True,)) == (False, True)
    assert ops.sin.kept((True,)) == (True, False)
    assert ops.add.kept((True, True)) == (False, False, False)
    assert ops.add.kept((False, False)) == ()
    assert ops.copysign.kept((False, True)) == ()  # flat in its second operand
    assert reduce_sum.kept((True,)) == (False, False)
    assert repr(ops.sin) == "<primitive sin>"
    assert ops.floor.flat
    assert not ops.sin.flat
