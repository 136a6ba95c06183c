"""Ways out of a trace through numbers and texts: casts, math, formatting, Python's own number types."""

from __future__ import annotations

import array
import ast
import bisect
import cmath
import ctypes
import io
import json
import logging
import math
import operator
import pprint
import random
import statistics
import string
import struct
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

Function = Callable[[Any], Any]


def text_in_two_steps(x: Any) -> Any:
    text = "{:.6f}".format(x[0])  # noqa: UP032 - the text that Python's own format makes
    y = float(text)
    return y * x[1]


def text_across_functions(x: Any) -> Any:
    def parse(text: str) -> float:
        return float(text)

    return parse(str(x[0])) * x[1]


def text_joined_and_split(x: Any) -> Any:
    text = " ".join(str(t) for t in x)
    return sum(float(t) for t in text.split()) * x[1]


def text_through_a_buffer(x: Any) -> Any:
    buffer = io.StringIO()
    print(x[0], file=buffer)
    return float(buffer.getvalue()) * x[1]


def text_through_a_buffers_method(x: Any) -> Any:
    buffer = io.StringIO()
    buffer.write(str(x[0]))
    return float(buffer.getvalue()) * x[1]


def shown_and_logged(x: Any) -> Any:
    """Nothing of this may change the value, or raise."""
    print(x, x[0], f"{x[0]:.3f}", file=io.StringIO())
    pprint.pformat([x])
    logger = logging.Logger("a logger of its own")
    logger.addHandler(logging.StreamHandler(stream := io.StringIO()))
    logger.error("%s %r %s", x[0], x, f"{x[1]:8.2e}")
    assert len(stream.getvalue().split()) > 2
    return np.sum(x * x)


def chained_comparison(x: Any) -> Any:
    return x[0] ** 2 if 0 < x[0] < 1 < x[1] else x[1]


REFUSED: dict[str, tuple[Function, str]] = {
    "float": (lambda x: float(x[0]) * x[1], "keep the value as it is"),
    "int": (lambda x: int(x[0]) * x[1], "keep the value as it is"),
    "complex": (lambda x: abs(complex(x[0])) * x[1], "keep the value as it is"),
    "complex of two parts": (lambda x: complex(x[0], x[1]).real * x[1], "keep the value as it is"),
    "__float__": (lambda x: x[0].__float__() * x[1], ""),
    "float's own method": (lambda x: float.__add__(x[0], 1.0) * x[1], "stop_gradient"),
    "operator.index": (lambda x: operator.index(x[0]) * x[1], "argmax"),
    "range": (lambda x: sum(range(x[0])) * x[1], "argmax"),
    "a list's index": (lambda x: [1.0, 2.0][x[0]] * x[1], "argmax"),
    "a slice's bound": (lambda x: np.sum(x[: x[0]]), "argmax"),
    "item": (lambda x: x[0].item() * x[1], "index the array"),
    "item of an array": (lambda x: x.item(1) * x[1], "index the array"),
    "tolist": (lambda x: sum(x.tolist()) * x[1], "index the array"),
    "as_integer_ratio": (lambda x: x[0].as_integer_ratio()[0] * x[1], "index the array"),
    "hex": (lambda x: float.fromhex(x[0].hex()) * x[1], ""),
    "np.float64": (lambda x: np.float64(x[0]) * x[1], r"np\.array\("),
    "np.float32": (lambda x: np.float32(x[0]) * x[1], r"np\.array\("),
    "np.complex128": (lambda x: np.complex128(x[0]).real * x[1], ""),
    "np.float64 of an array": (lambda x: np.sum(np.float64(x) * x), r"np\.array\("),
    "a type's call": (lambda x: type(x[0])(2.0) * x[1], r"x\.dtype\.type"),
    "a dtype's type": (lambda x: x.dtype.type(x[0]) * x[1], ""),
    "math.sin": (lambda x: math.sin(x[0]) * x[1], r"np\.sin"),
    "math.fsum": (lambda x: math.fsum(x) * x[1], r"np\.sum"),
    "math.hypot": (lambda x: math.hypot(x[0], x[1]) * x[1], r"np\.hypot"),
    "math.dist": (lambda x: math.dist(x, [0.0, 0.0, 0.0]) * x[1], r"np\.linalg\.norm"),
    "math.copysign": (lambda x: math.copysign(x[0], -1.0) * x[1], r"np\.copysign"),
    "math.isclose": (lambda x: math.isclose(x[0], 0.7) * x[1], r"np\.isclose"),
    "a function of math by another name": (lambda x: (lambda root: root(x[0]) * x[1])(math.sqrt), ""),
    "cmath.exp": (lambda x: abs(cmath.exp(x[0])) * x[1], ""),
    "statistics.mean": (lambda x: statistics.mean(x) * x[1], "stop_gradient"),
    "statistics.fmean": (lambda x: statistics.fmean(x) * x[1], ""),
    "statistics.stdev": (lambda x: statistics.stdev(x) * x[1], "stop_gradient"),
    "Decimal": (lambda x: float(Decimal(x[0])) * x[1], "stop_gradient"),
    "Fraction": (lambda x: float(Fraction(x[0])) * x[1], "index the array"),
    "timedelta": (lambda x: timedelta(seconds=x[0]).total_seconds() * x[1], "stop_gradient"),
    "time.sleep": (lambda x: (time.sleep(x[0] * 0.0), x[1])[1], ""),
    "random.choices by weight": (lambda x: random.choices([1.0, 1.0], weights=x[:2])[0] * x[1], ""),
    "struct.pack": (lambda x: struct.unpack("d", struct.pack("d", x[0]))[0] * x[1], "stop_gradient"),
    "array.array": (lambda x: array.array("d", [x[0]])[0] * x[1], ""),
    "ctypes.c_double": (lambda x: ctypes.c_double(x[0]).value * x[1], ""),
    "an array of ctypes": (lambda x: (ctypes.c_double * 3)(*x)[0] * x[1], ""),
    "json": (lambda x: json.loads(json.dumps(x[0])) * x[1], "stop_gradient"),
    "text: str": (lambda x: float(str(x[0])) * x[1], r"np\.round"),
    "text: f-string": (lambda x: float(f"{x[0]}") * x[1], r"np\.round"),
    "text: f-string with digits": (lambda x: float(f"{x[0]:.3f}") * x[1], r"np\.round"),
    "text: format": (lambda x: float("{:.3f}".format(x[0])) * x[1], r"np\.round"),  # noqa: UP032
    "text: %s": (lambda x: float("%s" % x[0]) * x[1], r"np\.round"),  # noqa: UP031
    "text: %f": (lambda x: float("%f" % x[0]) * x[1], ""),  # noqa: UP031
    "text: int of it": (lambda x: int(str(x[0])[0]) * x[1], r"np\.round"),
    "text: repr": (lambda x: float(repr(x[0])) * x[1], r"np\.round"),
    "text: literal_eval": (lambda x: ast.literal_eval(f"{x[0]}") * x[1], r"np\.round"),
    "text: Decimal": (lambda x: float(Decimal(str(x[0]))) * x[1], r"np\.round"),
    "text: np.float64": (lambda x: np.float64(str(x[0])) * x[1], r"np\.round"),
    "text: array of texts": (lambda x: np.array([str(x[0])]).astype(float)[0] * x[1], r"np\.round"),
    "text: np.fromstring": (lambda x: np.fromstring(f"{x[0]} 1.0", sep=" ")[0] * x[1], r"np\.round"),
    "text: json": (lambda x: json.loads(f"[{x[0]}]")[0] * x[1], r"np\.round"),
    "text: np.array2string": (lambda x: float(np.array2string(x[0])) * x[1], r"np\.round"),
    "text: a template": (lambda x: float(string.Template("$a").substitute(a=x[0])) * x[1], r"np\.round"),
    "text: in two steps": (text_in_two_steps, r"np\.round"),
    "text: across functions": (text_across_functions, r"np\.round"),
    "text: joined and split": (text_joined_and_split, r"np\.round"),
    "text: printed into a buffer": (text_through_a_buffer, r"np\.round"),
    "text: written into a buffer": (text_through_a_buffers_method, r"np\.round"),
}  # fmt: skip

FOLLOWED: dict[str, Function] = {
    "shown and logged": shown_and_logged,
    "bool": lambda x: x[0] * bool(x[0]) + x[1] ** 2,
    "round": lambda x: round(x[0]) * x[1] + round(x[2], 1) * x[0],
    "math.floor": lambda x: math.floor(x[0]) * x[1] + math.ceil(x[1]) * x[2] + math.trunc(x[2]) * x[0],
    "abs, divmod, pow": lambda x: abs(-x[0]) * divmod(x[1], 0.5)[1] + pow(x[2], 2),
    "math.prod": lambda x: math.prod(x) * x[1],
    "is_integer": lambda x: x[0].is_integer() + x[1] ** 2,
    "sum": lambda x: sum(x) * x[1],
    "min and max": lambda x: min(x) * max(x),
    "sorted": lambda x: sorted(x)[1] * sorted(x, key=lambda t: -t)[1],
    "chained comparison": chained_comparison,
    "any and all": lambda x: x[0] * any(x) + all(x > 0) * x[1] ** 2,
    "a number in a list": lambda x: x[0] ** 2 if 0.25 in x or x[0] in [0.25, 0.5] else x[1] ** 2,
    "lists that are equal": lambda x: x[0] ** 2 if [x[0], 1] == [x[0], 1] else x[1],
    "bisect": lambda x: bisect.bisect([0.1, 0.5, 0.9], x[0]) * x[1],
    "random.gauss": lambda x: random.gauss(x[0], 0.0) * x[1],
    "random.uniform": lambda x: random.uniform(x[0], x[0]) * x[1],
    "a class of a number": lambda x: x[0] ** 2 if isinstance(x[0], float) else x[1],
    "rounding by np": lambda x: np.sum(np.round(x, 1) * x) + np.sum((x // 0.3) * x) + np.sum((x % 0.3) * x),
    "steps as factors": lambda x: np.sum((x > 0.5) * 1.0 * x) + np.sum((x > 0.5).astype(float) * x),
    "an array of integers": lambda x: np.sum(x.astype(int) * x),
    "a place found by comparing": lambda x: x[np.argmax(x)] * [1.0, 2.0, 3.0][np.argmin(x)],
}
