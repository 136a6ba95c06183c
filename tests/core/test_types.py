"""Abstract values: what is known of a number or an array, and how it prints."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wengert import grad, jvp, make_program, vmap
from wengert.core.types import Aval, aval_of, dtype_of, is_array, is_inexact, ndim_of, shape_of

VALUES: list[tuple[Any, tuple[int, ...], str, str, str]] = [
    (1.0, (), "float64", "python", "float"),
    (1, (), "int64", "python", "int"),
    (True, (), "bool", "python", "bool"),
    (1j, (), "complex128", "python", "complex"),
    (np.float64(1), (), "float64", "scalar", "f64"),
    (np.float32(1), (), "float32", "scalar", "f32"),
    (np.int8(1), (), "int8", "scalar", "i8"),
    (np.uint16(1), (), "uint16", "scalar", "u16"),
    (np.bool_(True), (), "bool", "scalar", "bool"),
    (np.complex64(1), (), "complex64", "scalar", "c64"),
    (np.zeros(()), (), "float64", "array", "f64[]"),
    (np.zeros((2, 3), np.float32), (2, 3), "float32", "array", "f32[2,3]"),
    (np.zeros((0, 1), bool), (0, 1), "bool", "array", "bool[0,1]"),
    (np.zeros(2, np.uint8), (2,), "uint8", "array", "u8[2]"),
]


@pytest.mark.parametrize(("x", "shape", "dtype", "kind", "text"), VALUES)
def test_abstract_value(x: Any, shape: tuple[int, ...], dtype: str, kind: str, text: str) -> None:
    aval = aval_of(x)
    assert aval == Aval(shape, np.dtype(dtype), kind)  # type: ignore[arg-type]
    assert str(aval) == text
    assert (aval.ndim, aval.size) == (len(shape), int(np.prod(shape)))
    assert (shape_of(x), ndim_of(x), dtype_of(x)) == (shape, len(shape), np.dtype(dtype))
    assert is_array(x) == (kind == "array")
    assert is_inexact(x) == (np.dtype(dtype).kind in "fc")
    assert aval_of(aval) is aval
    assert hash(aval) == hash(aval_of(x))


@pytest.mark.parametrize("transform", ["grad", "jvp", "vmap", "make_program", "grad of vmap"])
def test_traced_values_have_the_abstract_value_of_what_they_stand_for(transform: str) -> None:
    seen: list[Any] = []

    def f(x: Any) -> Any:
        seen.append(
            (
                aval_of(x),
                aval_of(x[0]),
                aval_of(x[None]),
                aval_of(np.sum(x)),
                aval_of(x.T @ x),
                x.shape,
                x.ndim,
                x.size,
                x.dtype,
            )
        )
        return np.sum(x)

    x = np.ones(3)
    run = {"grad": lambda: grad(f)(x), "jvp": lambda: jvp(f, (x,), (x,)), "vmap": lambda: vmap(f)(np.ones((2, 3))),
           "make_program": lambda: make_program(f)(x), "grad of vmap": lambda: grad(lambda x: np.sum(vmap(f)(x)))(np.ones((2, 3)))}  # fmt: skip
    run[transform]()
    array, number = aval_of(x), aval_of(np.float64(1))
    assert seen[0] == (array, number, aval_of(x[None]), number, number, (3,), 1, 3, np.dtype(float))


def test_python_numbers_stay_python_numbers() -> None:
    seen: list[Any] = []
    grad(lambda x: (seen.append((aval_of(x).kind, aval_of(x * 2).kind, aval_of(np.sin(x)).kind)), x)[1])(1.0)
    make_program(lambda x: (seen.append((aval_of(x).kind, aval_of(x * 2).kind, aval_of(np.sin(x)).kind)), x)[1])(1.0)
    assert seen == [("python", "python", "scalar")] * 2
