"""Ways out of a trace through arrays: casts, buffers, foreign arrays, other kinds of array, memory that is shared."""

from __future__ import annotations

import csv
import io
import os
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

Function = Callable[[Any], Any]
BUFFER = np.zeros(3)
PLAIN = np.array([1.0, 2.0, 3.0])
asarray, array, zeros = np.asarray, np.array, np.zeros  # names from before any transform


class Units(np.ndarray):
    """A subclass of ndarray."""


class Column:
    """What data frames hold: an array that shows itself by ``__array__``."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.values


def into(write: Callable[[Any, Any], Any]) -> Function:
    """A write into an array that was made outside, which is then read."""

    def f(x: Any) -> Any:
        write(BUFFER, x)
        return np.sum(BUFFER * x)

    return f


def item(b: Any, x: Any) -> None:
    b[0] = x[0]


def part(b: Any, x: Any) -> None:
    b[:2] = x[:2]


def part_by_list(b: Any, x: Any) -> None:
    b[:2] = [x[0], x[1]]


def flat_item(b: Any, x: Any) -> None:
    b.flat[0] = x[0]


def whole_flat(b: Any, x: Any) -> None:
    b.flat = x


def augmented(b: Any, x: Any) -> None:
    b += x


def made_by_a_name_from_before(x: Any) -> Any:
    b = zeros(3)
    b[0] = x[0]
    return np.sum(b * x)


def structured(x: Any) -> Any:
    r = np.zeros(1, dtype=[("a", float)])
    r["a"] = x[0]
    return r["a"][0] * x[1]


def record(x: Any) -> Any:
    r = np.rec.array([(1.0,)], dtype=[("a", float)])
    r.a[0] = x[0]
    return r.a[0] * x[1]


def integers(x: Any) -> Any:
    a = np.arange(3)
    a[1] = x[1] * 5
    return np.sum(a * x)


def integers_augmented(x: Any) -> Any:
    a = np.ones(3, int)
    a += x
    return np.sum(a * x)


def truths(x: Any) -> Any:
    a = np.zeros(3, bool)
    a[:] = x
    return np.sum(a * x)


def complex_into_real(x: Any) -> Any:
    a = np.zeros(3)
    a[:] = x * (1 + 1j)
    return np.sum(a * x)


def seen_before_the_write(see: Function) -> Function:
    """Foreign code holds an array's memory, then a traced value is written into the array."""

    def f(x: Any) -> Any:
        a = np.zeros(3)
        seen = see(a)
        a[0] = x[0]
        return seen[0] * x[1]

    return f


def an_argument_seen_before_the_write(x: Any) -> Any:
    seen = asarray(c := np.ones(3))
    c[0] = x[0]
    return np.sum(seen * x)


def through_text_in_a_file(x: Any) -> Any:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(list(x))
    return float(buffer.getvalue().split(",")[0]) * x[1]


def saved(x: Any) -> Any:
    np.save(buffer := io.BytesIO(), x)
    buffer.seek(0)
    return np.sum(np.load(buffer) * x)


def saved_as_text(x: Any) -> Any:
    np.savetxt(buffer := io.StringIO(), x)
    buffer.seek(0)
    return np.sum(np.loadtxt(buffer) * x)


def change_of_shape_in_place(x: Any) -> Any:
    y = x * 1.0
    y.shape = (3, 1)
    return np.sum(y * x)


REFUSED: dict[str, tuple[Function, str]] = {
    "asarray by a name from before": (lambda x: np.sum(asarray(x) * x), r"np\.array\("),
    "array by a name from before": (lambda x: np.sum(array([x[0], x[1]])) * x[1], r"np\.array\("),
    "an array of objects": (lambda x: np.sum(array([x[0], x[1]], dtype=object).astype(float)) * x[1], ""),
    "astype(object)": (lambda x: np.sum(x.astype(object)), "a list"),
    "astype(str)": (lambda x: float(x.astype(str)[0]) * x[1], "a list"),
    "tobytes": (lambda x: np.frombuffer(x.tobytes())[0] * x[1], "index the array"),
    "view": (lambda x: x.view(np.int64)[0] * x[1], "index the array"),
    "view as a subclass": (lambda x: np.sum(x.view(Units) * x), "index the array"),
    "memoryview": (lambda x: memoryview(x)[0] * x[1], "stop_gradient"),
    "frombuffer": (lambda x: np.frombuffer(x)[0] * x[1], "stop_gradient"),
    "bytes": (lambda x: len(bytes(x)) * x[1], ""),
    "data": (lambda x: asarray(x.data)[0] * x[1], "stop_gradient"),
    "ctypes": (lambda x: x.ctypes.data * x[1], "stop_gradient"),
    "ctypeslib": (lambda x: np.ctypeslib.as_ctypes(x)[0] * x[1], "stop_gradient"),
    "dlpack": (lambda x: np.from_dlpack(x)[0] * x[1], ""),
    "nditer": (lambda x: sum(np.nditer(x)) * x[0], "stop_gradient"),
    "np.broadcast": (lambda x: sum(a * b for a, b in np.broadcast(x, x)), ""),
    "as_strided": (lambda x: np.sum(np.lib.stride_tricks.as_strided(x, (2, 2), (8, 8))), ""),
    "flat by a name from before": (lambda x: np.sum(asarray(x.flat)) * x[0], ""),
    "save": (saved, ""),
    "savez": (lambda x: np.savez(io.BytesIO(), x=x) or np.sum(x), ""),
    "savetxt": (saved_as_text, ""),
    "tofile": (lambda x: x.tofile(os.devnull) or np.sum(x), "index the array"),
    "csv": (through_text_in_a_file, r"np\.round"),
    "pickle": (lambda x: pickle.loads(pickle.dumps(x))[0] * x[1], "differentiate inside"),
    "pickle of a number": (lambda x: pickle.loads(pickle.dumps({"a": x[0]}))["a"] * x[1], "differentiate inside"),
    "masked array": (lambda x: np.sum(np.ma.array(x, mask=[0, 1, 0])) * x[1], ""),
    "masked array beside": (lambda x: (np.ma.array(PLAIN, mask=[0, 1, 0]) * x).sum(), ""),
    "matrix": (lambda x: np.sum(np.matrix(x) * 1.0), ""),
    "matrix beside": (lambda x: np.sum(np.matrix(np.eye(3)) @ x), ""),
    "subclass beside": (lambda x: np.sum(PLAIN.view(Units) * x), ""),
    "a column given to a ufunc": (lambda x: np.sum(np.sin(Column(x)) * x), "stop_gradient"),
    "a structured array": (structured, ""),
    "a record": (record, ""),
    "a structured array of tuples": (lambda x: np.array([(x[0], 1)], dtype=[("a", float), ("b", int)])["a"][0], ""),
    "foreign: an element": (into(item), r"np\.zeros"),
    "foreign: a part": (into(part), r"np\.zeros"),
    "foreign: a list": (into(part_by_list), r"np\.zeros"),
    "foreign: an element of flat": (into(flat_item), ""),
    "foreign: flat": (into(whole_flat), r"np\.zeros"),
    "foreign: augmented": (into(augmented), r"np\.zeros"),
    "foreign: out of a ufunc": (into(lambda b, x: np.sin(x, out=b)), r"np\.zeros"),
    "foreign: out of a product": (into(lambda b, x: np.matmul(x, np.eye(3), out=b)), r"np\.zeros"),
    "foreign: out of einsum": (into(lambda b, x: np.einsum("i->i", x, out=b)), r"np\.zeros"),
    "foreign: out of take": (into(lambda b, x: np.take(x, [0, 1, 2], out=b)), r"np\.zeros"),
    "foreign: out of cumsum": (into(lambda b, x: np.cumsum(x, out=b)), r"np\.zeros"),
    "foreign: copyto": (into(np.copyto), r"np\.zeros"),
    "foreign: put": (into(lambda b, x: np.put(b, [0], x[0])), r"np\.zeros"),
    "foreign: place": (into(lambda b, x: np.place(b, [True] * 3, x)), r"np\.zeros"),
    "foreign: putmask": (into(lambda b, x: np.putmask(b, [True] * 3, x)), r"np\.zeros"),
    "foreign: add.at": (into(lambda b, x: np.add.at(b, [0], x[0])), r"np\.zeros"),
    "foreign: fill": (into(lambda b, x: b.fill(x[0])), ""),
    "foreign: made by a name from before": (made_by_a_name_from_before, r"np\.zeros"),
    "integers": (integers, "dtype=float"),
    "integers, augmented": (integers_augmented, "dtype=float"),
    "truths": (truths, "dtype=float"),
    "resize in place": (lambda x: (x.resize((3, 1)), np.sum(x))[1], r"np\.resize"),
    "another shape in place": (change_of_shape_in_place, ""),
    "seen by asarray": (seen_before_the_write(asarray), r"x\.copy\(\)"),
    "seen by memoryview": (seen_before_the_write(lambda a: memoryview(asarray(a))), r"x\.copy\(\)"),
    "seen by data": (seen_before_the_write(lambda a: a.data), r"x\.copy\(\)"),
    "seen by as_strided": (seen_before_the_write(lambda a: np.lib.stride_tricks.as_strided(a, (2,), (8,))), r"x\.copy\(\)"),
    "an argument seen": (an_argument_seen_before_the_write, r"x\.copy\(\)"),
}  # fmt: skip

FOLLOWED: dict[str, Function] = {
    "a column as an array": lambda x: np.sum(np.asarray(Column(x)) * x),
    "flat": lambda x: np.sum(x.flat) * x[0] + sum(t * t for t in x.flat) + np.sum(np.array(x.flat) * x),
    "ndenumerate": lambda x: sum(t * t * (k[0] + 1) for k, t in np.ndenumerate(x)),
    "ndindex": lambda x: sum(x[k] ** 2 for k in np.ndindex(x.shape)),
    "fromiter": lambda x: np.sum(np.fromiter((t for t in x), float)) * x[1],
    "fromfunction": lambda x: np.sum(np.fromfunction(lambda k: x[0] * k, (3,)) * x),
    "require": lambda x: np.sum(np.require(x, float, ["C"]) * x),
    "where by the value": lambda x: np.sum(np.where(x, x * x, 3 * x)),
    "flags and base": lambda x: np.sum(x * x) if x.flags.writeable is not None and x.strides == (8,) else x[0],
    "setflags": lambda x: ((y := x * 1.0).setflags(write=False), np.sum(y * y))[1],
    "a view by a function without a rule": lambda x: (
        (a := np.ones(3)), (b := np.trim_zeros(a)), a.__setitem__(0, x[0]), np.sum(b) * x[1])[3],
    "a product of a column and a row": lambda x: np.sum(np.asmatrix(np.eye(2)).A @ x[:2]) * x[1],
}  # fmt: skip
