"""More calls of what joins, splits, turns and multiplies arrays: every option and spelling."""

from __future__ import annotations

import numpy as np
from tests.frontend._cases import S, T, V, X, Y, add
from tests.frontend._harness import draw, quietly

R = draw("R", 3, 3)
add(np.concatenate, lambda x, y: np.concatenate([x, y], axis=None, out=np.zeros(12)),
    lambda x, y: np.concatenate([x, y], dtype=np.float32, casting="same_kind") * 0 + np.concatenate([x, y]),
    lambda x, y: np.concatenate((x, y, x[:1].repeat(2, 0)), -1), args=(X, Y))  # fmt: skip
add(np.stack, lambda x, y: np.stack([x, y], axis=1, out=np.zeros((2, 2, 3))), lambda x, y: np.stack([x, y], dtype=np.float64, casting="safe"),
    args=(X, Y))  # fmt: skip
add(np.vstack, lambda x, y: np.vstack([x, y], dtype=np.float64), args=(X, Y))
add(np.hstack, lambda x, y: np.hstack([x, y], dtype=np.float64), args=(X, Y))
add(np.column_stack, lambda x: np.column_stack([x, 2.0 * x, [1, 2, 3]]), args=(V,))
add(np.block, lambda x, y: np.block([[x, np.ones((2, 1))], [y, np.zeros((2, 1))]]), lambda x, y: np.block([[[x]], [[y * 2]]]),
    lambda x, y: np.block([[x[0], y[1]], [x.ravel()]]), args=(X, Y))  # fmt: skip
add(np.block, np.block, lambda x: np.block([x, 1.0]), args=(1.3,))
add(np.roll, lambda x: np.roll(x, (1, -1), (0, 0)), lambda x: np.roll(x, 3, (0, 1)), args=(X,))
add(np.array_split, lambda x: np.array_split(x, [1, -1], axis=2), args=(T,))
add(np.split, lambda x: np.split(x, [-2], -1), args=(T,))
add(np.squeeze, lambda x: np.squeeze(x[None], -3), args=(X,))
add(np.broadcast_arrays, lambda x, y: np.broadcast_arrays(x, y, [[1.0]]), args=(X, V))
add(np.atleast_2d, lambda x: np.atleast_2d(x, [1, 2], 3.0), args=(V,))
add(np.repeat, lambda x: np.repeat(x, [1, 0, 2], axis=1), args=(X,))
add(np.tile, lambda x: np.tile(x, 3), args=(1.3,))

add(np.inner, np.inner, args=(T, draw("i", 4)))
add(np.outer, lambda a: np.outer(a, 2 * a, out=np.zeros((3, 3))), args=(V,))
add(np.kron, np.kron, args=(T, V))
add(np.kron, lambda a: np.kron(a, 2.0), args=(V,))
add(np.tensordot, lambda a, b: np.tensordot(a, b, axes=(-1, 0)), lambda a, b: np.tensordot(a, b, axes=([-1, 0], [0, -1])),
    args=(T, draw("t", 4, 2)))  # fmt: skip


def _in_the_plane(*args: object, **options: object) -> object:
    return quietly(lambda: np.cross(*args, **options), DeprecationWarning)  # type: ignore[arg-type]


try:
    _in_the_plane([1, 2], [3, 4])
except ValueError:
    pass  # this NumPy takes three components alone
else:
    add(np.cross, _in_the_plane, args=(draw("c", 2), draw("d", 2)))
    add(np.cross, _in_the_plane, args=(draw("c", 4, 2), draw("d", 3)))
    add(np.cross, lambda a, b: _in_the_plane(a, b, axisa=0), args=(draw("c", 2, 4), draw("d", 4, 2)))

for _text in ("ij,jk", "ij,jk->ki", "...j,jk->...k", "i...,jk", "ji,jk->ik", "ij,jk->k", "Ba,ac"):
    add(np.einsum, lambda a, b, t=_text: np.einsum(t, a, b), args=(S, R))
add(np.einsum, lambda a, b: np.einsum("ij,jk->ik", a, b, out=np.zeros((3, 3))),
    lambda a, b: np.einsum("ij,jk->ik", a, b, dtype=np.float64, casting="safe", order="F"),
    lambda a, b: np.einsum("ij,jk,kl->il", a, b, a, optimize=["einsum_path", (0, 1), (0, 1)]),
    lambda a, b: np.einsum("ij,jk,kl->il", a, b, a, optimize=("greedy", 1e5)), lambda a, b: np.einsum(a, [30, 1], b, [1, 0]),
    lambda a, b: np.einsum("ab,cd,bc,da", a, b, a, b), args=(S, R))  # fmt: skip
add(np.einsum, lambda a: np.einsum("iij->j", a), args=(draw("dd", 3, 3, 2),))
add(
    np.einsum,
    lambda a: np.einsum(a, [0, 0]),
    lambda a: np.einsum(a, [Ellipsis, 1], a, [1, 2], [Ellipsis, 2]),
    args=(S,),
)
add(
    np.einsum,
    lambda a, b: np.einsum("ij,ij->ij", a, b),
    lambda a, b: np.einsum(" i j -> j i ", a * b),
    args=(X, draw("o", 2, 1)),
)
add(np.einsum, lambda a, b: np.einsum(",ij->ij", a, b), args=(1.3, X))
