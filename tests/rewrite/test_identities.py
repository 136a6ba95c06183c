"""Every identity of the table, on numbers at which rounding, infinities, NaN and signs of zero would tell."""

from __future__ import annotations

import itertools
import zlib
from typing import Any

import numpy as np
import pytest
from tests.rewrite._equal import close, same_bits

from wengert.core.check import check_program
from wengert.core.program import Atom, Equation, Literal, Program, Var
from wengert.core.types import aval_of
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
        return np.where(rng.random(n) < 0.5, rng.choice(special, n), rng.integers(0, 100, n).astype(dtype)).reshape(shape)
    if dtype.kind == "c":
        part = np.dtype(f"f{dtype.itemsize // 2}")
        out = np.empty(shape, dtype)
        out.real, out.imag = values(part, shape, seed + 1), values(part, shape, seed + 2)
        return out
    info = np.finfo(dtype)
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, info.tiny, -info.tiny / 4, info.max, -info.max, 1.0, -1.0], dtype)
    return np.where(rng.random(n) < 0.5, rng.choice(special, n), (3 * rng.normal(size=n)).astype(dtype)).reshape(shape)


class Instance:
    """The left side of a rule as a Program, with operands drawn for its names."""

    def __init__(self, rule: Rule, operands: dict[str, Any], params: list[dict[str, Any]]) -> None:
        self.operands = operands
        self.variables = {n: Var(aval_of(v)) for n, v in operands.items() if not isinstance(v, Literal)}
        self.equations: list[Equation] = []
        self.params = params
        atom = self.build(rule.left)
        inputs = tuple(self.variables.values())
        self.program = check_program(Program(inputs, (), tuple(self.equations), (atom,)))
        self.values = [operands[n] for n in self.variables]

    def build(self, pattern: Any) -> Atom:
        if isinstance(pattern, Name):
            given = self.operands[pattern.name]
            return given if isinstance(given, Literal) else self.variables[pattern.name]
        if not isinstance(pattern, Term):
            return Literal(pattern)
        inputs = tuple(map(self.build, pattern.inputs))
        needed = SHAPED.get(pattern.primitive.name)
        params = dict(self.params.pop(0)) if needed else {}
        params.update({k: v for k, v in pattern.params.items() if not isinstance(v, Param)})
        out = tuple(map(Var, inferred(pattern.primitive, inputs, params)))
        self.equations.append(Equation(pattern.primitive, inputs, out, params))
        return out[0]


def terms(pattern: Any) -> list[Term]:
    """The operations of a pattern, inner ones first."""
    return [*(t for p in pattern.inputs for t in terms(p)), pattern] if isinstance(pattern, Term) else []


def names(pattern: Any) -> dict[str, Name]:
    """The names in a pattern."""
    if isinstance(pattern, Name):
        return {pattern.name: pattern}
    return {k: v for p in pattern.inputs for k, v in names(p).items()} if isinstance(pattern, Term) else {}


def instances(rule: Rule) -> Any:
    """Programs to which the rule may apply, with operands: of all types, kinds and shapes."""
    seed = zlib.crc32(rule.name.encode())
    shaped = [SHAPED[t.primitive.name] for t in terms(rule.left) if t.primitive.name in SHAPED]
    for combination in itertools.product(*shaped):
        shapes = [combination[0][0]] if combination else [(64,), (), (3, 1)]
        for shape, dtype in itertools.product(shapes, DTYPES):
            for number in NUMBERS if any(n.number for n in names(rule.left).values()) else [None]:
                for mixed in (False, True):
                    operands: dict[str, Any] = {}
                    for k, (name, p) in enumerate(names(rule.left).items()):
                        own = np.dtype("d") if mixed and k else dtype
                        own_shape = (1, 4) if name == "y" and combination and len(shape) == 1 else shape
                        drawn = values(own, own_shape, seed + k)
                        operands[name] = Literal(number) if p.number else drawn if shape else drawn[()]
                    yield operands, [dict(p) for _, p in combination]


def attempt(rule: Rule, operands: dict[str, Any], params: list[dict[str, Any]]) -> bool:
    """Whether the rule applied; where it did, what it gives is what was there."""
    try:
        with np.errstate(all="ignore"):
            instance = Instance(rule, operands, params)
            want = instance.program.evaluate(instance.values)[0]
    except (TypeError, ValueError, OverflowError, IndexError, AttributeError, ZeroDivisionError, np.exceptions.AxisError):
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


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_identity(rule: Rule) -> None:
    assert any([attempt(rule, *instance) for instance in instances(rule)]), "no operands were found to which it applies"


def test_names_are_unique() -> None:
    found = [rule.name for rule in RULES]
    assert len(found) == len(set(found))


def test_a_wrong_identity_is_found() -> None:
    x = Name("x")
    with pytest.raises(AssertionError):
        for instance in instances(wrong := Rule("plus zero", x + 0.0, x)):
            attempt(wrong, *instance)


