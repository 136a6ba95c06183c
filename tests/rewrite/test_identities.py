"""Every identity of the table, on numbers at which rounding, infinities, NaN and signs of zero would tell."""

from __future__ import annotations

import itertools
import os
import random
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from tests.rewrite._equal import close, same_bits

from wengert.core.check import check_program
from wengert.core.primitive import Primitive
from wengert.core.program import Atom, Equation, Literal, Program, Var
from wengert.core.types import aval_of
from wengert.ops.shape import broadcast_to
from wengert.rewrite.edit import inferred
from wengert.rewrite.identities import RULES
from wengert.rewrite.patterns import Name, Param, Rule, Table, Term, apply_rules

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

DTYPES = [np.dtype(c) for c in "?bhilBHILefdFD"]
NUMBERS: list[Any] = [0, 1, 2, 3, -2, 0.0, -0.0, 1.0, 0.5, -8.0, 3.0, 1e-30, float("inf"), float("nan"), True, 2.0**-1022,
                      np.float32(-0.25), np.float64(5.0), np.int64(4), 1 + 2j]  # fmt: skip

# the parameters that a rule's operations have, where shapes matter: (shape of x, parameters by the name of the Param)
SHAPED: dict[str, list[tuple[tuple[int, ...], dict[str, Any]]]] = {
    "reshape": [((2, 3), {"shape": (3, 2)}), ((2, 3), {"shape": (2, 3)}), ((1,), {"shape": ()}), ((), {"shape": (1, 1)})],
    "transpose": [
        ((2, 3, 1), {"axes": (1, 0, 2)}), ((3, 3), {"axes": (1, 0)}), ((3, 3), {"axes": (0, 1)}),
        ((1, 4), {"axes": (1, 0)}), ((2, 3, 2), {"axes": (2, 0, 1)}), ((2, 1, 3), {"axes": (1, 0, 2)}),
    ],
    "broadcast_to": [((3,), {"shape": (2, 3)}), ((2, 3), {"shape": (2, 3)}), ((), {"shape": (4,)}), ((1, 3), {"shape": (2, 3)})],
    "getitem": [
        ((4, 3), {"index": (slice(None),)}), ((4, 3), {"index": (slice(0, 4), Ellipsis)}), ((4, 3), {"index": (slice(1, 3),)}),
        ((4, 3), {"index": (slice(None, None, -1),)}), ((4, 3), {"index": (1,)}), ((3,), {"index": (2,)}),
        ((4, 3), {"index": (None, slice(None), None)}), ((3,), {"index": (Ellipsis, None)}),
    ],
    "sum": [
        ((1, 3), {"axes": (0,), "keepdims": False}), ((1, 3), {"axes": (0,), "keepdims": True}),
        ((2, 3), {"axes": (1,), "keepdims": False}), ((3,), {"axes": (), "keepdims": False}),
        ((1, 1), {"axes": (0, 1), "keepdims": False}),
    ],
    "cast": [((3,), {"dtype": np.dtype(c)}) for c in "?bhlBefdD"],
    "concatenate": [((2, 3), {"axis": 0})],
}  # fmt: skip


def values(dtype: np.dtype[Any], shape: tuple[int, ...], seed: int) -> Any:
    """Numbers of a type, among them all that are special."""
    rng = np.random.default_rng(seed)
    n = int(np.prod(shape))
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        special = np.array([info.min, info.max, 0, 1, 2, 3, info.max - 1, info.min + 1], dtype)
        return np.where(rng.random(n) < 0.5, rng.choice(special, n), rng.integers(0, 100, n).astype(dtype)).reshape(
            shape
        )
    if dtype.kind == "c":
        part = np.dtype(f"f{dtype.itemsize // 2}")
        out = np.empty(shape, dtype)
        out.real, out.imag = values(part, shape, seed + 1), values(part, shape, seed + 2)
        return out
    info = np.finfo(dtype)
    special = np.array(
        [np.nan, np.inf, -np.inf, 0.0, -0.0, info.tiny, -info.tiny / 4, info.max, -info.max, 1.0, -1.0], dtype
    )
    return np.where(rng.random(n) < 0.5, rng.choice(special, n), (3 * rng.normal(size=n)).astype(dtype)).reshape(shape)


@dataclass(frozen=True)
class Filled:
    """A number that fills an array."""

    number: Any
    shape: tuple[int, ...]


class Instance:
    """The left side of a rule as a Program, with operands drawn for its names."""

    def __init__(self, rule: Rule, operands: dict[str, Any], params: list[dict[str, Any]]) -> None:
        self.operands = operands
        self.variables = {n: Var(aval_of(v)) for n, v in operands.items() if not isinstance(v, Literal | Filled)}
        self.equations: list[Equation] = []
        self.params = params
        atom = self.build(rule.left)
        inputs = tuple(self.variables.values())
        self.program = check_program(Program(inputs, (), tuple(self.equations), (atom,)))
        self.values = [operands[n] for n in self.variables]

    def build(self, pattern: Any) -> Atom:
        if isinstance(pattern, Name):
            given = self.operands[pattern.name]
            if isinstance(given, Filled):
                return self.append(broadcast_to, (Literal(given.number),), {"shape": given.shape})
            return given if isinstance(given, Literal) else self.variables[pattern.name]
        if not isinstance(pattern, Term):
            return Literal(pattern)
        inputs = tuple(map(self.build, pattern.inputs))
        needed = SHAPED.get(pattern.primitive.name)
        params = dict(self.params.pop(0)) if needed else {}
        params.update({k: v for k, v in pattern.params.items() if not isinstance(v, Param)})
        return self.append(pattern.primitive, inputs, params)

    def append(self, primitive: Primitive, inputs: tuple[Atom, ...], params: dict[str, Any]) -> Var:
        (var,) = map(Var, inferred(primitive, inputs, params))
        self.equations.append(Equation(primitive, inputs, (var,), params))
        return var


def terms(pattern: Any) -> list[Term]:
    """The operations of a pattern, inner ones first."""
    return [*(t for p in pattern.inputs for t in terms(p)), pattern] if isinstance(pattern, Term) else []


def names(pattern: Any) -> dict[str, Name]:
    """The names in a pattern."""
    if isinstance(pattern, Name):
        return {pattern.name: pattern}
    return {k: v for p in pattern.inputs for k, v in names(p).items()} if isinstance(pattern, Term) else {}


def instances(rule: Rule) -> Any:
    """What :func:`drawn` makes Programs and operands of, to which the rule may apply: all types, kinds and shapes."""
    shaped = [t for t in terms(rule.left) if t.primitive.name in SHAPED]
    found = names(rule.left)
    has_number = any(p.number for p in found.values())
    for combination in itertools.product(*(SHAPED[t.primitive.name] for t in shaped)):
        own = {
            t.inputs[0].name: c[0] for t, c in zip(shaped, combination, strict=True) if isinstance(t.inputs[0], Name)
        }
        rest = [c[1]["shape"] for t, c in zip(shaped, combination, strict=True) if t.primitive.name == "broadcast_to"]
        shapes = rest[:1] or ([combination[0][0]] if combination else [(64,), (), (3, 1)])
        for shape, dtype, mixed in itertools.product(shapes, DTYPES, (False, True)):
            for number, filled in itertools.product(NUMBERS, (False, True)) if has_number else [(None, False)]:
                yield rule, own, shape, dtype, mixed, number, filled, [dict(p) for _, p in combination]


def drawn(
    rule: Rule, own: Any, shape: Any, dtype: Any, mixed: bool, number: Any, filled: bool, params: Any
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The operands of an instance."""
    seed = zlib.crc32(rule.name.encode())
    operands: dict[str, Any] = {}
    for k, (name, p) in enumerate(names(rule.left).items()):
        x = values(np.dtype("d") if mixed and k else dtype, own.get(name, shape), seed + k)
        operands[name] = x if x.shape else x[()]
        if p.number:
            operands[name] = Filled(number, own.get(name, shape)) if filled else Literal(number)
    return operands, params


def attempt(rule: Rule, operands: dict[str, Any], params: list[dict[str, Any]]) -> bool:
    """Whether the rule applied; where it did, what it gives is what was there."""
    try:
        with np.errstate(all="ignore"):
            instance = Instance(rule, operands, params)
            want = instance.program.evaluate(instance.values)[0]
    except (
        TypeError,
        ValueError,
        OverflowError,
        IndexError,
        AttributeError,
        ZeroDivisionError,
        np.exceptions.AxisError,
    ):
        return False
    new = apply_rules(instance.program, Table([rule]))
    if new is instance.program:
        return False
    check_program(new)
    got = new.evaluate(instance.values)[0]
    if rule.fast:
        if np.all(np.isfinite(want)) and np.all(np.isfinite(got)) and np.max(np.abs(want), initial=0) < 1e4:
            close(got, want, {2: 2e-2, 4: 2e-5}.get(np.asarray(want).dtype.itemsize, 1e-12))
    else:
        same_bits(got, want)
    return True


# how many instances are tried of each rule; all of them take minutes
COUNT = int(os.environ.get("WENGERT_IDENTITIES", "250"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_identity(rule: Rule) -> None:
    found = list(instances(rule))
    random.Random(rule.name).shuffle(found)
    applied = sum(attempt(rule, *drawn(*instance)) for instance in found[:COUNT])
    assert applied, "no operands were found to which it applies"


def test_names_are_unique() -> None:
    found = [rule.name for rule in RULES]
    assert len(found) == len(set(found))


def test_a_wrong_identity_is_found() -> None:
    x = Name("x")
    wrong = Rule("plus zero", x + 0.0, x)
    with pytest.raises(AssertionError):
        [attempt(wrong, *drawn(*instance)) for instance in instances(wrong)]
