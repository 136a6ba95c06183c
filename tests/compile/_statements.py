"""The statements that random functions are made of; each maker gives text, and whether its value is exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from tests.compile._generator import AXES, Drawing

Made = tuple[str, bool]
Maker = Callable[[Drawing], Made]

SMOOTH = (
    "np.sin({})", "np.tanh({})", "np.exp(-np.abs({}))", "np.log1p({} * {})", "np.cos({})", "np.arctan({})",
    "np.sqrt(1.0 + {} * {})", "1 / (1 + np.exp(-{}))", "np.logaddexp({}, 0.5)", "np.hypot({}, 1.5)", "np.exp2(-({} ** 2))",
    "np.maximum({}, 0) ** 3", "{} ** 2", "np.cbrt({})", "np.expm1(-np.abs({}))", "np.power(np.abs({}) + 0.5, 1.5)",
)  # fmt: skip
EXACT = (
    "-{}", "np.abs({})", "{} * {}", "np.sqrt(np.abs({}))", "np.square({})", "np.maximum({}, 0)", "np.positive({})",
    "np.minimum({}, 1)", "np.clip({}, -1, 2)", "{} + 1", "2 - {}", "{} * 0.5", "np.conj({})", "np.array({})", "+{}",
    "np.nan_to_num({})", "np.ones_like({}) * {}", "np.zeros_like({}) + {}", "np.full_like({}, 3)", "np.real({})",
)  # fmt: skip
STEPS = (
    "np.floor({})", "np.ceil({})", "np.rint({})", "np.trunc({})", "np.sign({})", "np.isnan({})", "np.isfinite({})",
    "{} > 0", "{} == 0", "({} != {})", "np.signbit({})", "np.round({}, 1)", "np.logical_not({})", "np.heaviside({}, 0.5)",
    "np.where({} > 0.3, {}, 0)", "np.modf({})[0]", "{} % 1.5", "np.isinf({})", "{} // 0.7",
)  # fmt: skip
WHOLE = (
    "{} << 2", "{} >> 1", "~{}", "{} & 5", "{} | 6", "{} ^ 3", "{} // 3", "{} % 4", "{} // -2", "{} % -3", "{} ** 2",
    "np.invert({})", "{} * 100", "np.negative({})", "np.left_shift({}, 3)", "{} / 4", "{} // 0", "{} % 0", "np.sign({})",
    "{} + True", "{} * 1.5", "{}.astype('f4')", "{}.astype('i2')", "{}.astype(bool)", "{}.astype('u1')", "{}.astype('i8')",
)  # fmt: skip
PAIRS = (
    "{} + {}",
    "{} - {}",
    "{} * {}",
    "np.maximum({}, {})",
    "np.minimum({}, {})",
    "np.fmax({}, {})",
    "np.fmin({}, {})",
)
PAIR_STEPS = ("{} / {}", "{} < {}", "{} <= {}", "{} == {}", "{} > {}", "{} // {}", "{} % {}", "np.fmod({}, {})",
              "np.copysign({}, {})", "np.logical_and({}, {})", "np.logical_or({}, {})", "np.logical_xor({}, {})",
              "np.where({} < {}, 1.5, 2)", "np.remainder({}, {})", "np.nextafter({}, {})", "np.heaviside({}, {})")  # fmt: skip
REDUCTIONS = ("sum", "mean", "max", "min", "prod", "any", "all", "std", "var", "argmax", "argmin", "ptp", "count_nonzero",
              "nansum", "cumsum", "cumprod", "average", "median", "linalg.norm", "diff")  # fmt: skip


def filled(text: str, *names: str) -> str:
    """A template with one name throughout, or with two in turn."""
    return text.format(*[names[k % len(names)] for k in range(text.count("{}"))])


def smooth(d: Drawing) -> Made:
    return filled(d.rng.choice(SMOOTH), d.floats()), False


def exactly(d: Drawing) -> Made:
    a = d.numbers()
    return filled(d.rng.choice(EXACT), a), d.exact[a]


def step(d: Drawing) -> Made:
    a = d.numbers(exact=True)
    return filled(d.rng.choice(STEPS), a), True


def whole(d: Drawing) -> Made:
    a = d.pick(lambda v: np.asarray(v).dtype.kind in "iub", exact=True)
    return filled(d.rng.choice(WHOLE), a), True


def pair(d: Drawing) -> Made:
    a = d.numbers()
    b = d.like(a)
    return filled(d.rng.choice(PAIRS), *d.rng.sample((a, b), 2)), d.all_exact(a, b)


def pair_step(d: Drawing) -> Made:
    a = d.numbers(exact=True)
    b = d.like(a, exact=True)
    return filled(d.rng.choice(PAIR_STEPS), *d.rng.sample((a, b), 2)), True


def with_scalar(d: Drawing) -> Made:
    a = d.pick()
    op, s = d.rng.choice("+-*"), d.scalar()
    return (f"{a} {op} {s}" if d.rng.random() < 0.5 else f"{s} {op} {a}"), d.exact[a]


def with_constant(d: Drawing) -> Made:
    a = d.numbers()
    shape = list(np.shape(d.values[a]))
    for k in range(len(shape)):
        if d.rng.random() < 0.3:
            shape[k] = 1
    c = d.new(tuple(shape[d.rng.randrange(len(shape) + 1) :]))
    return filled(d.rng.choice(("{} + {}", "{} * {}", "{} - {}", "np.maximum({}, {})")), a, c), d.exact[a]


def where(d: Drawing) -> Made:
    m = d.pick(lambda v: np.asarray(v).dtype.kind == "b", exact=True)
    a = d.like(m)
    b = d.like(a) if d.rng.random() < 0.5 else d.scalar()
    return f"np.where({m}, {', '.join(d.rng.sample((a, b), 2))})", d.all_exact(a, b)


def chain(d: Drawing) -> Made:
    """A tree of several operations in one line."""
    a = d.floats()
    b, c = d.like(a), d.like(a)
    text = d.rng.choice(
        ("np.tanh({a} * {b} + {c})", "({a} - {b}) * {c} + {a}", "{a} * 0.9 + 0.1 * {b} * {b}", "{a} / (1 + {c} * {c}) - {b}",
         "np.where(np.abs({a}) > 10, {b}, {a} * {c})", "np.sqrt({a} * {a} + {b} * {b} + 1e-3) - np.sin({c})")
    )  # fmt: skip
    return text.format(a=a, b=b, c=c), False


# ---- moves


def view(d: Drawing) -> Made:
    a = d.pick(lambda v: np.ndim(v) > 0)
    n = np.ndim(d.values[a])
    entries: list[str] = []
    for _ in range(n):
        kind = d.rng.random()
        i, j, k = d.rng.randrange(-4, 4), d.rng.randrange(-4, 12), d.rng.choice((1, 1, 2, 3, -1, -2, -3))
        if kind < 0.2:
            entries.append(str(i))
        elif kind < 0.7:
            entries.append(f"{i if d.rng.random() < 0.5 else ''}:{j if d.rng.random() < 0.5 else ''}:{k}")
        else:
            entries.append(":")
        if d.rng.random() < 0.1:
            entries.append("None")
    if d.rng.random() < 0.2:
        entries = [*entries[: d.rng.randrange(n)], "..."]
    return f"{a}[{', '.join(entries)}]", d.exact[a]


def moved(d: Drawing) -> Made:
    a = d.pick(lambda v: np.ndim(v) > 0)
    n = np.ndim(d.values[a])
    i, j = d.rng.randrange(n), d.rng.randrange(n)
    axes = d.rng.sample(range(n), n)
    text = d.rng.choice(
        (f"{a}.T", f"np.transpose({a}, {axes})", f"np.swapaxes({a}, {i}, {j})", f"np.expand_dims({a}, {i})", f"np.flip({a}, {i})",
         f"np.roll({a}, {d.rng.randrange(-3, 4)}, {i})", f"np.squeeze({a})", f"{a}.ravel()", f"{a}.reshape(-1)",
         f"np.moveaxis({a}, {i}, {j})", f"np.repeat({a}, {d.rng.randrange(1, 3)}, {i})", f"np.tril({a})", f"np.triu({a}, 1)",
         f"np.pad({a}, {d.rng.randrange(3)})", f"np.diag({a})", f"np.rot90({a})", f"np.roll({a}, 2)", f"np.tile({a}, 2)",
         f"np.pad({a}, (({d.rng.randrange(3)}, {d.rng.randrange(3)}),) * {n}, mode='edge')", f"np.delete({a}, 0, {i})",
         f"np.sort({a}, axis={i})", f"np.take({a}, 0, axis={i})", f"np.atleast_3d({a})", f"np.array_split({a}, 2, {i})[1]")
    )  # fmt: skip
    if "np.take" in text and not np.size(d.values[a]):
        raise LookupError  # of no elements NumPy takes some that are not there
    return text, d.exact[a]


def reshape(d: Drawing) -> Made:
    a = d.pick(lambda v: np.size(v) > 0)
    size, shape = np.size(d.values[a]), list[int]()
    while size > 1 and len(shape) < 4:
        n = d.rng.choice([k for k in range(1, size + 1) if size % k == 0])
        shape.append(n)
        size //= n
    shape.append(size)
    if d.rng.random() < 0.2:
        shape.insert(d.rng.randrange(len(shape) + 1), 1)
    return f"np.reshape({a}, {tuple(shape)})", d.exact[a]


def broadcast(d: Drawing) -> Made:
    a = d.pick()
    shape = tuple(d.rng.choice(AXES) if n == 1 else n for n in np.shape(d.values[a]))
    if d.rng.random() < 0.5:
        shape = (d.rng.choice(AXES), *shape)
    return f"np.broadcast_to({a}, {shape})", d.exact[a]


def join(d: Drawing) -> Made:
    a = d.pick()
    shape = np.shape(d.values[a])
    b = d.pick(lambda v: np.shape(v) == shape)
    k = d.rng.randrange(max(len(shape), 1))
    text = d.rng.choice(
        (f"np.concatenate([{a}, {b}], {k})", f"np.stack([{a}, {b}], {k})", f"np.stack([{b}, {a}, {b}])", f"np.hstack([{a}, {b}])",
         f"np.concatenate([{a}, {b}, {a}])", f"np.array([{a}, {b}])", f"np.vstack([{a}, {b}])", f"np.append({a}, {b})")
    )  # fmt: skip
    return text, d.all_exact(a, b)


def gather(d: Drawing) -> Made:
    a = d.pick(lambda v: np.ndim(v) > 0 and np.size(v) > 0)
    shape = np.shape(d.values[a])
    k = d.rng.randrange(len(shape))
    size = d.rng.choice(((), (3,), (1,), (17,), (2, 3)))
    i = d.index(shape[k], size)
    before = [d.rng.choice((":", ":", "0", "::-1", "1:")) for _ in range(k)]
    if k and d.rng.random() < 0.2:
        before[0] = d.index(shape[0], size)
    text = d.rng.choice((f"{a}[{', '.join([*before, i])}]", f"np.take({a}, {i}, axis={k})"))
    return text, d.exact[a]


def write(d: Drawing) -> Made:
    """A part of a copy is written, or added to."""
    a = d.pick(lambda v: np.ndim(v) > 0 and np.size(v) > 0 and np.asarray(v).dtype.kind in "fi")
    shape, new = np.shape(d.values[a]), d.name("w")
    places = ["0", "-1", "1:", "::2", "::-1", "...", ":3", d.index(shape[0], (2,)), d.index(shape[0], (9,))]
    if len(shape) > 1:
        places += [":, 0", ":, 1:", f"0, {d.index(shape[1], (4,))}", f":, {d.index(shape[1], (5,))}", "..., ::-1"]
        places += [f"{d.index(shape[0], (6,))}, {d.index(shape[1], (6,))}"]
    at = d.rng.choice(places)
    with np.errstate(all="ignore"):  # an index is computed
        part = np.shape(eval(f"a[{at}]", {**d.space, **d.values, "a": d.values[a]}))  # noqa: S307 - text made here
    kind = np.asarray(d.values[a]).dtype.kind
    fits = d.pick(
        lambda v: np.asarray(v).dtype.kind in ("fi" if kind == "f" else "i") and _broadcasts(np.shape(v), part)
    )
    verb = d.rng.choice(("{n}[{at}] = {v}", "{n}[{at}] = {v}", "{n}[{at}] += {v}", "np.add.at({n}, ({at},), {v})"))
    if "%" in at:  # of indices in several axes that name a place twice, which one is last is nobody's promise
        verb = "np.add.at({n}, ({at},), {v})"
    if verb.startswith("np.add.at") and (":" in at or at == "..."):
        verb = "{n}[{at}] += {v}"
    lines = [f"{new} = np.array({a})", verb.format(n=new, at=at, v=fits)]
    return "\n".join([*lines, f"{new} * 1"]), d.all_exact(a, fits) and "+=" not in verb and "add" not in verb


def _broadcasts(shape: tuple[int, ...], into: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, into) == into
    except ValueError:
        return False


# ---- reductions and products


def reduction(d: Drawing) -> Made:
    a = d.numbers()
    n = np.ndim(d.values[a])
    if not n and d.rng.random() < 0.8:
        raise LookupError
    name = d.rng.choice(REDUCTIONS[:6] if d.rng.random() < 0.7 else REDUCTIONS)
    axes = tuple(d.rng.sample(range(n), d.rng.randrange(n + 1)))
    axis: Any = axes if d.rng.random() < 0.7 and len(axes) != 1 else (d.rng.randrange(n) if n else None)
    if d.rng.random() < 0.2 or name in ("cumsum", "cumprod", "argmax", "argmin", "linalg.norm", "diff"):
        axis = d.rng.choice((None, *range(n))) if name != "diff" else max(n - 1, 0)
    keep = d.rng.random() < 0.5 and name not in ("cumsum", "cumprod", "diff", "linalg.norm")
    whole = np.asarray(d.values[a]).dtype.kind in "iub"
    chosen = name in ("max", "min", "ptp", "diff")
    if name in ("argmax", "argmin", "any", "all", "count_nonzero"):
        if not d.exact[a]:
            raise LookupError
        chosen = True
    inner = (
        a
        if d.rng.random() < 0.6 or chosen
        else d.rng.choice((f"{a} * {a}", f"np.abs({a})", f"np.sin({a})", f"{a} * 0.25"))
    )
    text = f"np.{name}({inner}, axis={axis}{', keepdims=True' if keep else ''})"
    exact = d.exact[a] and (chosen or (whole and inner == a and name in ("sum", "prod", "cumsum")))
    return text, exact


def normed(d: Drawing) -> Made:
    a = d.floats()
    k = d.rng.choice((-1, 0, None))
    text = d.rng.choice(
        ("np.exp({a} - np.max({a}, {k}, keepdims=True)) / np.sum(np.exp({a} - np.max({a}, {k}, keepdims=True)), {k}, keepdims=True)",
         "({a} - np.mean({a}, {k}, keepdims=True)) / np.sqrt(np.var({a}, {k}, keepdims=True) + 0.1)",
         "{a} / (1 + np.sqrt(np.sum({a} * {a}, {k}, keepdims=True)))",
         "{a} - np.max({a}, {k}, keepdims=True) - np.log(np.sum(np.exp({a} - np.max({a}, {k}, keepdims=True)), {k}, keepdims=True))",
         "np.sum(np.tanh({a}) * {a}, {k})", "np.max({a} * {a}, {k}) - np.min({a}, {k})")
    )  # fmt: skip
    return text.format(a=a, k=k), False


def operand(d: Drawing, a: str) -> str:
    """A matrix as it is, or a view of it."""
    n = np.ndim(d.values[a])
    return d.rng.choice(
        (a, a, f"np.swapaxes({a}, 0, {n - 1})", f"{a}[::-1]", f"{a}[..., ::-1]", f"{a}[..., ::2]", f"(2 * {a})")
    )


def product(d: Drawing) -> Made:
    if d.special:
        raise LookupError  # sums of infinities may be taken apart: 0 · (∞ + x) for 0 · ∞ + 0 · x
    a = d.floats() if d.rng.random() < 0.9 else d.numbers()
    a_shape = np.shape(d.values[a])
    if d.rng.random() < 0.5 and a_shape:
        rest = d.rng.choice(((), (1,), (3,), (8,), (17,), (33,)))
        b = d.new((a_shape[-1], *rest), d.rng.choice(("f8", "f8", "f4", "i8")))
    else:
        b = d.numbers()
    p, q = operand(d, a), operand(d, b) if np.ndim(d.values.get(b, 0)) else b
    text = d.rng.choice(
        ("{p} @ {q}", "{p} @ {q}", "{p} @ np.swapaxes({p}, -1, -2)", "np.dot({p}, {q})", "np.inner({p}, {q})", "np.outer({p}, {q})",
         "np.tensordot({p}, {q}, 1)", "np.einsum('i...,i...->...', {p}, {q})", "np.einsum('...ij,...jk->...ik', {p}, {q})",
         "np.einsum('ij,kj->ik', {p}, {q})", "np.einsum('ij,ik->jk', {p}, {q})", "np.einsum('bij,bjk->bki', {p}, {q})",
         "np.einsum('ii->i', {p})", "np.einsum('ij->ji', {p}) @ {q}", "np.matmul({p}, {q})", "np.vdot({p}, {q})",
         "np.einsum('ij,ij->i', {p}, {q})", "np.tensordot({p}, {p}, axes=([0], [0]))", "np.einsum('abc,cd->abd', {p}, {q})")
    ).format(p=p, q=q)  # fmt: skip
    if "'ii->i'" in text and 0 in a_shape:
        raise LookupError  # NumPy 2.4 takes (0, 1) for a square, and reads a number that is not there
    after = d.rng.choice(
        ("{}", "{}", "np.tanh({})", "np.maximum({}, 0)", "{} + 1.5", "({}) * 0.1", "np.sum({}, -1)", "({}).T")
    )
    return after.format(text), False


def biased(d: Drawing) -> Made:
    """A product and what follows it, on matrices that share an axis."""
    a = d.pick(lambda v: np.ndim(v) >= 1 and np.asarray(v).dtype.kind == "f")
    k, n = np.shape(d.values[a])[-1], d.rng.choice(AXES)
    kind = np.asarray(d.values[a]).dtype.str[1:]
    w, b = d.new((k, n), kind), d.new((n,), kind)
    text = d.rng.choice(
        ("np.tanh({a} @ {w} + {b})", "np.maximum({a} @ {w} + {b}, 0)", "({a} @ {w}) * ({a} @ {w} + {b})", "{a} @ {w} - np.flip({b})",
         "({a} @ {w})[..., ::-1] + {a} @ {w}", "np.sum({a} @ {w} * {b}, -1)", "({a} @ {w} + {b}) @ {w}.T")
    )  # fmt: skip
    return text.format(a=a, w=w, b=b), False


TABLE: list[tuple[int, Maker]] = [
    (6, smooth), (5, exactly), (4, step), (4, whole), (6, pair), (5, pair_step), (4, with_scalar), (4, with_constant),
    (4, where), (4, chain), (7, view), (7, moved), (4, reshape), (4, broadcast), (5, join), (6, gather), (6, write),
    (9, reduction), (4, normed), (6, product), (4, biased),
]  # fmt: skip
