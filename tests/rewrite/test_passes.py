"""Each pass by itself: what it finds, what it leaves, and that values stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.rewrite._equal import close, rewritten_is_equal, same_bits

from wengert import grad, make_program, value_and_grad
from wengert.control import cond, fori_loop, scan, while_loop
from wengert.core.program import Equation, Literal, Program, Var
from wengert.core.types import Aval, aval_of
from wengert.ops.index import scatter_add
from wengert.rewrite import count, passes, rewrite
from wengert.rewrite.cse import cse
from wengert.rewrite.dce import dce
from wengert.rewrite.edit import everywhere
from wengert.rewrite.fold import fold
from wengert.rewrite.hoist import batch_products, hoist
from wengert.rewrite.inline import inline
from wengert.rewrite.layout import layout
from wengert.rewrite.pieces import pieces
from wengert.rewrite.products import products
from wengert.transforms.call import call
from wengert.transforms.control_cond import cond_p
from wengert.transforms.control_scan import scan_p
from wengert.transforms.control_while import while_p

RNG = np.random.default_rng(3)
V, W = RNG.normal(size=4), RNG.normal(size=4)
M, N = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 5))


def names(program: Program) -> list[str]:
    """The operations of a Program, in order."""
    return [e.primitive.name for e in program.equations]


def params(program: Program, name: str) -> dict[str, Any]:
    """The parameters of the one equation of this name."""
    (found,) = [e.params for e in program.equations if e.primitive.name == name]
    return found


def same(new: Program, old: Program, *args: Any) -> None:
    """Both give the same bits."""
    for a, b in zip(new.evaluate(args), old.evaluate(args), strict=True):
        same_bits(a, b)


# ---- the driver


def test_every_pass_may_be_left_out() -> None:
    program = make_program(grad(lambda x, m: np.sum(np.tanh(m @ x) * 2.0), argnums=(0, 1)))(V, M)
    for one in passes(fast_math=True):
        seen: list[str] = []
        new = rewrite(program, skip=[one.name], fast_math=True, watch=lambda name, _p, seen=seen: seen.append(name))
        assert one.name not in seen
        for a, b in zip(new.evaluate([V, M]), program.evaluate([V, M]), strict=True):
            close(a, b, 1e-13)


def test_watch_sees_each_pass_in_order() -> None:
    seen: list[tuple[str, Program]] = []
    new = rewrite(make_program(lambda x: np.negative(-x))(V), watch=lambda *pair: seen.append(pair))
    once = [p.name for p in passes()]
    assert [name for name, _ in seen][: len(once)] == once
    assert seen[-1][1] is new


def test_names_of_passes_are_checked() -> None:
    with pytest.raises(ValueError, match="no pass is named 'fuse'"):
        rewrite(make_program(np.sin)(V), skip=["fuse"])


def test_a_pass_that_finds_nothing_gives_the_program_itself() -> None:
    program = rewrite(make_program(lambda x, m: np.sin(m @ x))(V, M))
    for one in passes(fast_math=True):
        assert one.run(program) is program, one.name


def test_every_pass_says_what_it_is_for() -> None:
    assert all((p.run.__doc__ or "").endswith(".") for p in passes(fast_math=True))


# ---- inline


def test_calls_are_inlined() -> None:
    inner = make_program(lambda x, y: (x * y, np.sin(x)))(V, W)

    def f(x: Any) -> Any:
        a, b = call(x, W, program=inner)
        c, d = call(b, a, program=inner)
        return a + b + c + d

    program = make_program(f)(V)
    new = inline(program)
    assert "call" in names(program)
    assert "call" not in names(new)
    same(new, program, V)


@pytest.mark.parametrize("index", [-3, 0, 1, 2, 9])
def test_a_known_branch_is_taken(index: int) -> None:
    branches = tuple(make_program(f)(V) for f in (np.sin, np.cos, lambda x: x * x))
    program = make_program(lambda x: cond_p(index, x, branches=branches)[0])(V)
    assert "cond" in names(program)
    new = rewrite(program)
    assert names(new) == [["sin"], ["cos"], ["multiply"]][min(max(index, 0), 2)]
    same(new, program, V)


@pytest.mark.parametrize("length", [0, 1])
def test_loops_of_no_step_and_of_one(length: int) -> None:
    def f(x: Any, a: Any) -> Any:
        return scan(lambda c, r: (c + r, (c * r, np.sum(r))), x, a)

    a = RNG.normal(size=(length, 4))
    program = make_program(f)(V, a)
    new = rewrite(program)
    assert "scan" not in names(new)
    same(new, program, V, a)


# ---- fold and simplify


def test_what_is_known_is_computed() -> None:
    k = np.arange(4.0)
    program = make_program(lambda x: x * np.exp(np.sin(k)) + (np.float64(2.0) + np.sum(k)))(V)
    staged = Program(
        program.inputs, program.constants, program.equations, program.outputs
    )  # NumPy has computed it already; a Program that has not:
    c = Var(aval_of(k))
    out = Var(Aval((4,), np.dtype(float), "array"))
    sine = next(iter(make_program(np.sin)(V).equations)).primitive
    unfolded = Program((), ((c, k),), (Equation(sine, (c,), (out,), {}),), (out,))
    new = fold(unfolded)
    assert names(new) == []
    same_bits(new(), np.sin(k))
    same(fold(staged), program, V)


def test_uniform_constants_are_numbers() -> None:
    seed = np.full(1000, 1 / 64)
    program = make_program(lambda x: x * seed)(np.ones(1000))
    assert [v for v, _ in program.constants]
    new = rewrite(program)
    assert new.constants == ()
    assert names(new) == ["multiply"]
    assert Literal(np.float64(1 / 64)) in new.equations[0].inputs
    same(new, program, np.linspace(0, 1, 1000))


def test_constants_that_differ_in_a_bit_are_not_uniform() -> None:
    for array in (np.array([0.0, -0.0, 0.0]), np.array([1.0, np.nextafter(1, 2), 1.0]), np.array([])):
        program = make_program(lambda x, a=array: x * a)(np.ones(array.shape))
        assert len(fold(program).constants) == 1


def test_large_results_are_not_folded() -> None:
    program = make_program(lambda x: x + np.ones(2000) * 3)(np.ones(2000))
    assert rewrite(program).constants == ()


def test_promotion_stays() -> None:
    x = np.ones(3, np.float32)
    for f in (lambda x: x > np.full(3, 0.1), lambda x: x * np.full(3, 2.0), lambda x: np.where(x > 0, x, np.ones(3))):
        program = make_program(f)(x)
        same(rewrite(program), program, np.float32([0.1, 0.2, -1]))


# ---- cse


def test_what_is_computed_twice_is_computed_once() -> None:
    program = make_program(lambda x: np.sin(x) * np.sin(x) + np.sum(x[1:]) * x[1:2] * np.sum(x[1:]))(V)
    new = cse(program)
    assert names(new).count("sin") == names(new).count("sum") == 1
    same(new, program, V)


def test_numbers_that_look_alike_are_not_the_same() -> None:
    program = make_program(lambda x: (x * 0.0, x * -0.0, x * 0, x * np.float64(0), x / 0.0, x / -0.0))(V)
    assert len(cse(program).equations) == 6
    program = make_program(lambda x: (x * np.nan, x * np.nan, x[0:2], x[0:3], x[:2]))(V)
    assert names(cse(program)) == ["multiply", "getitem", "getitem", "getitem"]


def test_equal_constants_are_one() -> None:
    a, b = np.arange(3.0), np.arange(3.0)
    program = make_program(lambda x: x * a + b)(np.ones(3))
    new = cse(program)
    assert len(new.constants) == 1
    same(new, program, np.ones(3))


# ---- dce


def test_dead_carries_and_residuals_go() -> None:
    def f(x: Any, a: Any) -> Any:
        def step(c: Any, r: Any) -> Any:
            s, t, u, v = c
            return (s + r[0], t * 1.1 + u, u + v, v * r[1]), (s * r[0], np.sin(t), np.cos(v))

        (s, _t, _u, _v), (y, _z, _w) = scan(step, (x, x, x, x), (a, 2 * a))
        return s, y

    a = RNG.normal(size=(6, 4))
    program = make_program(f)(V, a)
    new = dce(program)
    p = params(new, "scan")
    assert (p["carry"], len(p["body"].inputs), len(p["body"].outputs)) == (1, 2, 2)
    assert names(p["body"]) == ["add", "multiply"]
    same(new, program, V, a)


def test_a_carry_that_another_one_needs_stays() -> None:
    def f(x: Any) -> Any:
        return fori_loop(0, 5, lambda _k, c: (c[0] + c[1], c[1] * 0.5, c[2] + c[0]), (x, x, x))[0]

    program = make_program(f)(V)
    new = rewrite(program)
    same(new, program, V)
    (loop,) = [e for e in new.equations if e.primitive in (scan_p, while_p)]
    assert sum(v.aval.shape == (4,) for v in loop.outputs) == 2


def test_a_while_loop_keeps_what_its_test_reads() -> None:
    def f(x: Any) -> Any:
        c = while_loop(lambda c: c[0] < 3.0, lambda c: (c[0] + 0.5, c[1] * 2, c[2] + c[1]), (np.sum(x), x, x))
        return c[1]

    program = make_program(f)(V)
    new = dce(program)
    (loop,) = [e for e in new.equations if e.primitive is while_p]
    assert len(loop.outputs) == 2
    same(new, program, V)


def test_branches_lose_what_nobody_reads() -> None:
    def f(k: Any, x: Any, y: Any, z: Any) -> Any:
        return cond(k > 0, lambda x, y, z: (x * y, z), lambda x, y, z: (y, np.sin(z)), x, y, z)[0]

    program = make_program(f)(1.0, V, W, V)
    new = dce(program)
    (equation,) = [e for e in new.equations if e.primitive is cond_p]
    assert (len(equation.inputs), len(equation.outputs)) == (3, 1)
    for k in (1.0, -1.0):
        same(new, program, k, V, W, V)


# ---- products

MATMULS = [((3, 4), (4, 5)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((2, 3, 4), (4, 5)), ((3, 4), (2, 4, 5)),
           ((2, 3, 4), (2, 4, 5)), ((1, 3, 4), (2, 4, 5)), ((6, 1, 3, 4), (2, 4, 5)), ((4,), (2, 4, 5)), ((2, 3, 4), (4,)),
           ((0, 4), (4, 5)), ((3, 0), (0, 5)), ((1, 1), (1, 1))]  # fmt: skip
EINSUMS = ["ij,jk->ik", "ij,jk->ki", "ij,kj->ik", "i,j->ij", "i,j->ji", "ij,ij->", "ij,ij->i", "aij,ajk->aik", "aij,ajk->iak",
           "ij,jk,kl->il", "ij,k->i", "ij->ji", "ij->j", "ij->", "abc,cd,bd->a", "ii,ij->j", "ij,ij->ij", "iaj,jb->aib"]  # fmt: skip
SIZES = dict(zip("abcdijkl", (2, 3, 4, 5, 3, 3, 4, 2), strict=True))


@pytest.mark.parametrize("shapes", MATMULS, ids=str)
def test_matmuls_are_dots(shapes: Any) -> None:
    a, b = (RNG.normal(size=s) for s in shapes)
    program = make_program(lambda a, b: a @ b)(a, b)
    new = products(program)
    assert "matmul" not in names(new)
    assert names(new).count("dot") == 1
    close(new(a, b), program(a, b), 1e-14)
    for f in (lambda a, b: np.sum((a @ b) ** 2),):
        rewritten_is_equal(make_program(grad(f, argnums=(0, 1)))(a, b), [a, b], exact=False)


@pytest.mark.parametrize("text", EINSUMS)
def test_einsums_are_dots(text: str) -> None:
    xs = [RNG.normal(size=[SIZES[c] for c in labels]) for labels in text.split("->")[0].split(",")]
    program = make_program(lambda *xs: np.einsum(text, *xs))(*xs)
    new = products(program)
    close(new(*xs), program(*xs), 1e-14)
    repeated = any(len(set(labels)) < len(labels) for labels in text.split("->")[0].split(","))
    assert ("einsum" in names(new)) == repeated
    rewritten_is_equal(make_program(grad(lambda x, *ys: np.sum(np.einsum(text, x, *ys) ** 2)))(*xs), xs, exact=False)


def test_broadcast_labels_and_integers() -> None:
    a, b = RNG.normal(size=(1, 3)), RNG.normal(size=(4, 3))
    program = make_program(lambda a, b: np.einsum("ij,ij->i", a, b))(a, b)
    close(products(program)(a, b), program(a, b), 1e-14)
    i = np.arange(6, dtype=np.int8).reshape(2, 3)
    program = make_program(lambda i, j: (i @ j.T, np.einsum("ij,k->i", i, j[0])))(i, i)
    for got, want in zip(products(program)(i, i), program(i, i), strict=True):
        same_bits(got, want)


def test_transposes_go_into_the_product() -> None:
    program = make_program(grad(lambda w, x: np.sum(np.tanh(x @ w.T)), argnums=(0, 1)))(N.T, M)
    new = rewrite(program)
    assert "transpose" not in names(new)
    assert names(new).count("dot") == 3
    program = make_program(lambda a, b: ((a @ b).T, np.einsum("ij,jk->ki", a, b.T.T)))(M, N)
    assert "transpose" not in names(rewrite(program))
    for got, want in zip(rewrite(program)(M, N), program(M, N), strict=True):
        close(got, want, 1e-14)


def test_transposes_pass_elementwise_operations() -> None:
    program = make_program(lambda a, b: np.tanh(2.0 * a.T) @ b)(M, np.ones((3, 2)))
    assert "transpose" not in names(rewrite(program))
    assert names(layout(products(program)))[-2:] == ["transpose", "dot"]
    both = make_program(lambda a: (a.T + 1, np.sin(a.T) @ a))(M)
    both = products(both)
    assert layout(both).equations[1] is both.equations[1]  # the transposed sum itself is asked for


def test_sums_of_broadcast_products_need_fast_math() -> None:
    program = make_program(lambda a, b: np.sum(a[:, :, None] * b[None], axis=1))(M, N)
    assert "dot" not in names(rewrite(program))
    new = rewrite(program, fast_math=True)
    assert names(new) == ["dot"]
    close(new(M, N), program(M, N), 1e-14)


# ---- pieces


def test_pieces_are_joined() -> None:
    def f(x: Any) -> Any:
        a, b, c = x[:, 0:2], x[:, 3:4], x[:, 4:]
        return np.sum(a) ** 2 + np.sum(np.sin(b)) + np.sum(c * c * c)

    x = RNG.normal(size=(3, 6))
    x[:, 3] = np.pi / 2
    program = make_program(grad(f))(x)
    new = pieces(program)
    assert names(new).count("concatenate") == 1
    same(new, program, x)
    rewritten_is_equal(make_program(grad(lambda x: x[0, 0] ** 2 + x[1, 1] * x[0, 1]))(x), [x])


def test_the_zero_that_was_added_is_added() -> None:
    g = Var(Aval((2,), np.dtype(float), "array"))
    wide = Aval((4,), np.dtype(float), "array")
    a, b, c = Var(wide), Var(wide), Var(wide)
    first, second = ({"shape": (4,), "index": (slice(k, k + 2),)} for k in (0, 2))
    add = make_program(lambda x, y: x + y)(V, V).equations[0].primitive
    equations = (
        Equation(scatter_add, (g,), (a,), first), Equation(scatter_add, (g,), (b,), second), Equation(add, (a, b), (c,), {}),
    )  # fmt: skip
    program = Program((g,), (), equations, (c,))
    assert "concatenate" in names(pieces(program))
    same(pieces(program), program, np.array([-0.0, np.nan]))


def test_pieces_that_meet_stay() -> None:
    program = make_program(grad(lambda x: np.sum(x[:3] ** 2) + np.sum(x[2:] ** 3)))(V)
    assert "concatenate" not in names(pieces(program))


# ---- hoist


def test_what_does_not_change_is_done_once() -> None:
    def f(x: Any, w: Any, a: Any) -> Any:
        def step(c: Any, r: Any) -> Any:
            s, k = c
            return (np.tanh(s * np.exp(w) + r) + np.sum(np.sin(k) * w), k), r

        return scan(step, (x, w * 2), a)

    a = RNG.normal(size=(6, 4))
    program = make_program(f)(V, W, a)
    new = hoist(hoist(program))
    p = params(new, "scan")
    assert not {"exp", "sum"} & set(names(p["body"]))
    assert (p["carry"], len(p["body"].outputs)) == (1, 1)
    same(new, program, V, W, a)


def test_nothing_is_hoisted_that_is_cheap() -> None:
    program = make_program(lambda x, a: scan(lambda c, r: (c + a[0] * r, None), x, a)[0])(V, RNG.normal(size=(6, 4)))
    new = rewrite(program)
    assert "getitem" in names(new) + names(params(new, "scan")["body"])


def test_a_while_loop_is_hoisted_from() -> None:
    def f(x: Any) -> Any:
        return while_loop(lambda c: np.sum(c) < 10.0, lambda c: c + np.exp(np.abs(x)), np.abs(x))

    program = make_program(f)(V)
    new = rewrite(program)
    assert "exp" not in names(params(new, "while_loop")["body"])
    same(new, program, V)


@pytest.mark.parametrize("way", ["right", "left", "both", "batch"])
def test_products_of_slices_are_one_product(way: str) -> None:
    text = {"right": "bi,ih->bh", "left": "hi,bi->bh", "both": "bi,bh->ih", "batch": "bi,bij->bj"}[way]
    a = RNG.normal(size=(7, 2, 3))
    w = {"right": RNG.normal(size=(3, 5)), "left": RNG.normal(size=(5, 3)), "batch": RNG.normal(size=(2, 3, 4))}.get(
        way
    )
    b = RNG.normal(size=(7, 2, 4))

    def f(a: Any, b: Any) -> Any:
        def step(c: Any, r: Any) -> Any:
            first, second = (w, r[0]) if way == "left" else (r[0], r[1] if way == "both" else w)
            return c, np.sin(np.einsum(text, first, second)) + c

        return scan(step, 0.5, (a, b))[1]

    program = make_program(f)(a, b)
    new = batch_products(everywhere(products, hoist(program)))
    assert "dot" in names(new)
    assert "dot" not in names(params(new, "scan")["body"])
    close(new(a, b), program(a, b), 1e-13)


def test_gradients_of_weights_are_one_product() -> None:
    def f(w: Any, x: Any, a: Any) -> Any:
        return np.sum(scan(lambda c, r: (np.tanh(c @ w + r), None), x, a)[0])

    w, x, a = RNG.normal(size=(4, 4)), RNG.normal(size=(3, 4)), RNG.normal(size=(9, 3, 4))
    program = make_program(value_and_grad(f))(w, x, a)
    new = rewritten_is_equal(program, [w, x, a])
    loops = [e.params for e in new.equations if e.primitive is scan_p]
    assert [names(p["body"]).count("dot") for p in loops] == [1, 1]
    assert names(new).count("dot") == 1


# ---- networks


def test_a_step_of_training() -> None:
    shapes = [(4, 16), (16,), (16, 3), (3,)]
    parameters = [RNG.normal(size=s).astype(np.float32) for s in shapes]
    x, y = RNG.normal(size=(8, 4)).astype(np.float32), RNG.integers(0, 3, 8)

    def loss(p: Any, x: Any, y: Any) -> Any:
        z = np.tanh(x @ p[0] + p[1]) @ p[2] + p[3]
        z = z - np.max(z, axis=1, keepdims=True)
        return np.mean(np.log(np.sum(np.exp(z), axis=1)) - z[np.arange(8), y])

    def step(p: Any, x: Any, y: Any) -> Any:
        value, g = value_and_grad(loss)(p, x, y)
        return value, [a - 0.1 * b for a, b in zip(p, g, strict=True)]

    program = make_program(step)(parameters, x, y)
    new = rewritten_is_equal(program, [*parameters, x, y], rtol=1e-5)
    assert not {"matmul", "transpose", "broadcast_to"} & set(names(new)[1:])

    def epoch(p: Any, xs: Any, ys: Any) -> Any:
        return scan(lambda p, r: step(p, *r)[::-1], p, (xs, ys))

    xs, ys = np.stack([x] * 5), np.stack([y] * 5)
    program = make_program(epoch)(parameters, xs, ys)
    rewritten_is_equal(program, [*parameters, xs, ys], rtol=1e-4)


def test_counting() -> None:
    program = make_program(lambda x, a: scan(lambda c, r: (c @ M.T @ M + r, None), x, a)[0])(V, RNG.normal(size=(6, 4)))
    assert count(program).flops == 6 * (24 + 24 + 4)
    assert count(rewrite(program)).flops <= 6 * (24 + 24 + 4)
