"""Operations that hold Programs, at operands of every kind, and the Python loops that they stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.core.types import aval_of
from wengert.extend._sample import generator
from wengert.transforms.checkpoint import POLICIES
from wengert.transforms.programs import staged

_rng = generator("control")
X, Y, Z = _rng.uniform(-0.9, 0.9, 3), _rng.uniform(0.3, 0.9, 3), np.float64(0.4)
M = _rng.uniform(-0.6, 0.6, (3, 3))
XS, TS = _rng.uniform(-0.9, 0.9, (4, 3)), _rng.uniform(0.3, 0.9, 4)


def _smooth(x: Any, y: Any, z: Any) -> list[Any]:
    return [np.sin(x) * y + z, np.sum(x * x) * z, z * 2.0]


def _other(x: Any, y: Any, z: Any) -> list[Any]:
    return [np.tanh(x * z), np.sum(y * z), z * np.exp(z)]


def _third(x: Any, y: Any, z: Any) -> list[Any]:
    return [x + y, z * z, z + 1.0]


def _unroll(m: Any, c: Any, t: Any, x: Any) -> list[Any]:
    return [np.tanh(m @ c + x), t * np.sum(c * x) + 0.1, c * t]


def _count(c: Any, x: Any) -> list[Any]:
    return [c + x, np.sin(c)]


def _grow(a: Any, k: Any, x: Any) -> list[Any]:
    return [k + 1, x * 0.9 + np.sin(a * x)]


def _below(limit: Any, k: Any, _x: Any) -> list[Any]:
    return [k < limit]


def _program(f: Callable[..., Any], *operands: Any) -> Any:
    return staged(f, tuple(aval_of(x) for x in operands), f.__name__)


def _scan(f: Callable[..., Any], operands: Sequence[Any], constants: int, carry: int, reverse: bool = False) -> Any:
    at = constants + carry
    body = _program(f, *operands[:at], *(x[0] for x in operands[at:]))
    length = len(operands[at])
    params = {"body": body, "length": length, "constants": constants, "carry": carry, "reverse": reverse}
    return tuple(operands), params


def _while(limit: Any) -> Any:
    k = np.int64(0)
    test, body = _program(_below, limit, k, X), _program(_grow, Y, k, X)
    return (limit, Y, k, X), {"test": test, "body": body, "test_constants": 1, "body_constants": 1}


_BRANCHES = tuple(_program(f, X, Y, Z) for f in (_smooth, _other, _third))

SAMPLES: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "call": [((X, Y, Z), {"program": _BRANCHES[0]}), ((X, Y, Z), {"program": _BRANCHES[1]})],
    "recompute": [
        ((X, Y, Z), {"program": _BRANCHES[1], "keeps": POLICIES["nothing"]}),
        ((X, Y, Z), {"program": _BRANCHES[0], "keeps": lambda name, _aval: name == "sin"}),
    ],
    "cond": [((np.int64(k), X, Y, Z), {"branches": _BRANCHES}) for k in (-1, 0, 1, 2, 7)],
    "scan": [
        _scan(_unroll, (M, X, Z, XS), 1, 2),
        _scan(_unroll, (M, X, Z, XS), 1, 2, reverse=True),
        _scan(_count, (Z, TS), 0, 1),
    ],
    "while_loop": [_while(np.int64(n)) for n in (0, 1, 5)],
}


def _run(program: Any, *xs: Any) -> Any:
    known = {f.__name__: f for f in (_smooth, _other, _third, _unroll, _count, _grow, _below)}
    return known[program.name](*xs)


def _python_scan(*xs: Any, body: Any, length: int, constants: int, carry: int, reverse: bool) -> Any:
    at = constants + carry
    state, rows = list(xs[constants:at]), {}
    for k in sorted(range(length), reverse=reverse):
        out = _run(body, *xs[:constants], *state, *(x[k] for x in xs[at:]))
        state, rows[k] = out[:carry], out[carry:]
    return (*state, *(np.stack([rows[k][n] for k in range(length)]) for n in range(len(rows[0]))))


def _python_while(*xs: Any, test: Any, body: Any, test_constants: int, body_constants: int) -> Any:
    at = test_constants + body_constants
    state = xs[at:]
    while _run(test, *xs[:test_constants], *state)[0]:
        state = _run(body, *xs[test_constants:at], *state)
    return tuple(state)


ORACLES: dict[str, Callable[..., Any]] = {
    "call": lambda *xs, program: tuple(_run(program, *xs)),
    "recompute": lambda *xs, program, keeps: tuple(_run(program, *xs)),
    "cond": lambda k, *xs, branches: tuple(_run(branches[min(max(k, 0), 2)], *xs)),
    "scan": _python_scan,
    "while_loop": _python_while,
}
