"""Handles and traces: roots and views, levels, and what a constant handle turns into."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert import grad, jvp, vmap
from wengert.core.handles import copied, live_views, root_of
from wengert.core.trace import Constant, Tracer, current, fresh_level, innermost, plain


def test_levels_grow() -> None:
    a, b = fresh_level(), fresh_level()
    assert b > a


def test_roots_chains_and_live_views() -> None:
    def f(x: Any) -> Any:
        a = x * 1.0
        assert root_of(a) == (a, ())
        row, back = a[1], a.T[::-1]
        assert root_of(row) == (a, (("index", 1),)) or root_of(row) == (a, (("index", (1,)),))
        root, chain = root_of(back)
        assert root is a
        assert [kind for kind, _ in chain] == ["transpose", "index"]
        assert len(live_views(a)) >= 2
        del back
        assert [v is row for v in live_views(a)].count(True) == 1
        assert root_of(a + 0.0)[1] == ()
        assert root_of(a[[0, 1]])[1] == ()
        return np.sum(row * row)

    for run in (grad(f), lambda x: jvp(f, (x,), (x,)), lambda x: vmap(f)(x[None])):
        run(np.ones((2, 3)))


def test_dead_views_do_not_pile_up() -> None:
    def f(x: Any) -> Any:
        a = np.zeros(1000)
        for k in range(1000):
            a[k : k + 1] = x
        for k in range(1000):
            assert a[k : k + 1].shape == (1,)
        assert len(getattr(a, "views", None) or []) < 300
        return np.sum(a)

    assert grad(f)(1.0) == 1000.0


def test_a_constant_becomes_traced_in_place() -> None:
    def f(x: Any) -> Any:
        a = np.zeros((2, 2))
        view, same = a[0], a
        assert type(a) is Constant
        assert type(view) is Constant
        assert isinstance(a, np.ndarray)
        a[1] = 3.0
        assert type(a) is Constant
        a[0, 0] = x
        assert type(a) is not Constant
        assert type(view) is type(a)
        assert same is a
        assert plain(view).tolist() == [2.0, 0.0]
        return np.sum(view)

    assert grad(f)(2.0) == 1.0
    assert jvp(f, (2.0,), (1.0,)) == (2.0, 1.0)


def test_the_innermost_trace() -> None:
    def outer(x: Any) -> Any:
        def inner(y: Any) -> Any:
            c = np.zeros(1)
            assert innermost((x, y, c, 1.0)) is y.t
            assert innermost((x, c)) is x.t
            assert innermost((c, 2.0)) is None
            assert current() is y.t
            assert y.t.level > x.t.level
            assert isinstance(x * y, Tracer)
            assert (x * y).t is y.t
            assert (x * x).t is x.t
            return x * y

        slope = grad(inner)(3.0)
        assert current() is x.t
        return slope * x

    assert grad(outer)(2.0) == 4.0


def test_copies_lie_as_their_arrays_do() -> None:
    base = np.arange(60.0).reshape(3, 4, 5)
    for x in (
        base,
        base.T,
        base[:, ::2],
        base[::-1],
        base[..., ::-2],
        base.swapaxes(1, 2),
        base[1:2, :, 3],
        base[:0],
        base[1, 2, 3:],
    ):
        y = copied(x)
        np.testing.assert_array_equal(y, x)
        assert y.flags.writeable and not np.may_share_memory(x, y)
        long = [n > 1 for n in x.shape]
        assert not x.size or [s for s, n in zip(x.strides, long, strict=True) if n] == [
            s for s, n in zip(y.strides, long, strict=True) if n
        ]
    stretched = np.broadcast_to(np.ones(3), (2, 3))
    assert copied(stretched).flags.writeable


def test_foreign_code_that_has_let_go_is_no_hindrance() -> None:
    def f(x: Any) -> Any:
        a = np.zeros(3)
        seen = np.asarray.__wrapped__(a)  # as a library sees it
        total = float(seen.sum())
        del seen
        a[0] = x
        return np.sum(a) + total

    assert grad(f)(2.0) == 1.0
    assert jvp(f, (2.0,), (1.0,)) == (2.0, 1.0)
