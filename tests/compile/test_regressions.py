"""What random programs have found, each in a few lines."""

import numpy as np
import pytest

from wengert import control, grad, jit, make_program, vmap
from wengert.compile.compiler import compile_program

THREADS = pytest.mark.parametrize("threads", [1, 2])


def normal(size):
    return np.random.default_rng(7).normal(size=size)


def copies(args):
    return [np.array(a) if isinstance(a, np.ndarray) else a for a in args]


def check(f, *args, threads=1, donated=(), calls=1, tol=1e-12):
    """Machine code gives what the interpreter gives."""
    program = make_program(f)(*args)
    wanted = program.evaluate(copies(args))
    run = compile_program(program, donated, threads=threads)
    for _ in range(calls):
        for got, want in zip(run(*copies(args)), wanted, strict=True):
            assert np.asarray(got).dtype == np.asarray(want).dtype
            np.testing.assert_allclose(got, want, rtol=tol, atol=tol)


# ---- what is overwritten


@THREADS
def test_carries_that_read_one_another_are_not_overwritten_too_early(threads):
    def step(carry, _):
        a, b = carry
        return (a * 0.5 + b[0], b * 0.5 + a[0]), None

    check(lambda a, b: control.scan(step, (a, b), None, 3)[0], np.arange(4.0), np.ones(3), threads=threads)


@THREADS
def test_donated_operands_that_are_read_by_both_results(threads):
    a, b = np.arange(4.0) + 1, np.ones(3)
    check(lambda a, b: [a * 0.5 + b[0], b * 0.5 + a[0]], a, b, threads=threads, donated=(True, True))


@THREADS
def test_a_result_that_is_read_again_behind_a_sum_over_the_operand_it_overwrites(threads):
    def f(x, k, n):
        y = x / (1 + n * n) - k[k % 8]
        return [y, np.min(k, 0) - y]

    check(f, normal(8), np.arange(8)[::-1] * 3 - 9, np.array([7]), threads=threads, donated=(True, True, True))


def test_a_number_does_not_take_over_an_array():
    check(lambda x, y: [np.sum(y) + 1.0, x[()] * 2], np.array(2.0), np.ones(3), donated=(True, False))


def test_what_is_read_under_a_condition_is_not_overwritten():
    def step(carry, _):
        x, y = carry
        return (grad(lambda z: np.sum(np.sin(z[:3])))(x) * 1.5, y + x), None

    x = normal((4, 8))
    check(lambda x, y: control.scan(step, (x, y), None, 3)[0], x, x[::-1].copy())


# ---- loops


@THREADS
def test_reductions_over_no_axis(threads):
    check(lambda x: np.prod(np.max(x, axis=()), axis=0) + np.sum(x > 0, axis=()), normal(4), threads=threads)
    check(lambda x: np.cos(np.reshape(np.sum(x, axis=()), (1, 17, 1))), normal((1, 17)), threads=threads)


@THREADS
@pytest.mark.parametrize("name", ["sum", "max", "prod"])
def test_reductions_whose_last_axis_has_one_element(name, threads):
    x = normal((17, 5, 1))
    check(lambda x: getattr(np, name)(x, axis=(0, 2)), x, threads=threads)
    check(lambda x: getattr(np, name)(x, axis=(1, 2)), x, threads=threads)
    check(lambda x: getattr(np, name)(x, axis=2), x, threads=threads)


@THREADS
def test_arrays_without_elements(threads):
    check(lambda x: np.stack([np.fmin(x, x), x], 1), np.ones((8, 0)), threads=threads)
    check(lambda x: np.isnan(np.broadcast_to(np.floor(x), (7, 5, 33, 0))), np.ones((5, 1, 0)), threads=threads)
    check(lambda x: np.expand_dims((np.maximum(x, 0) ** 3)[3:2], 0), np.ones(63), threads=threads)
    check(lambda x: [np.sum(x), np.sum(x, 0), np.prod(x, 1), np.any(x > 0)], np.ones((0, 3)), threads=threads)


def test_operands_that_are_views_of_one_another():
    def f(x):
        y = 3 - np.tanh(x) * np.exp(x)
        back = y[-3:6:-1]
        forth = back[:4:-1]  # a stretch of y, unless back lies in memory
        z = control.cond(np.sum(x) > 0, lambda p: p, lambda p: p * np.sum(forth), back)
        return [z * 1, y]

    check(f, normal(16))
    check(f, -np.abs(normal(16)))


# ---- products


def test_products_without_code_read_what_lies_in_memory():
    x, w = normal(3).astype("f4"), normal((3, 7))
    check(lambda x: (x @ w.astype("f4"))[..., ::-1] + x @ w, x, tol=1e-6)  # single precision
    check(lambda x: (2 * x) @ (3 * x), np.arange(5))


@THREADS
def test_stacks_of_one_matrix(threads):
    a, b, c = normal((1, 8, 5)), normal((1, 5, 6)), normal(6)
    check(lambda a, b: [np.tanh(a @ b + c), a @ b], a, b, threads=threads)


def test_the_workspace_of_a_product_by_one_thread():
    """It came to lie where the next product's result did, each thread's own part of it."""

    def loss(x, y):
        rows = np.vstack([y, y])
        v = np.tensordot(x[::2], x[::2], axes=([0], [0]))
        w = np.array(rows.ravel())
        w[::2] += v
        return np.sum(w * np.arange(98.0)) + np.sum(np.sin((rows @ c) * (rows @ c + 1)))

    c = normal((7, 2))
    x, y = normal(63), normal((7, 7))
    check(lambda *args: list(grad(loss, (0, 1))(*args)), x, y, threads=2, calls=200)


# ---- types


def test_half_precision_is_numpys():
    x = normal((4, 5)).astype("f2")
    check(lambda x: [x[::-1], np.concatenate([x, x])[[0, 3]], x.T + x.T], x)


def test_the_other_order_of_bytes():
    x = np.arange(8.0).reshape(2, 4)
    other = x.astype(x.dtype.newbyteorder())
    f = jit(lambda x: (np.sin(x), x @ other.T))
    for _ in range(2):
        for got, want in zip(f(other), (np.sin(x), x @ x.T), strict=True):
            assert got.dtype == np.float64
            np.testing.assert_allclose(got, want, rtol=1e-14)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("bad", [[0, 7], [0, -8], [2**40, 0], [0, -(2**62)]])
def test_indices_out_of_bounds(bad, threads):
    x, i = normal((5, 7)), np.array([0, -1])

    def write(x, i):
        y = x * 1
        y[i] = 0.0
        return y

    for f in (
        lambda x, i: x[i],
        lambda x, i: np.sum(np.sin(x[:3][i])),
        lambda x, i: x[:, i],
        lambda x, i: x[i, i],
        write,
    ):
        run = compile_program(make_program(f)(x, i), threads=threads)
        np.testing.assert_array_equal(run(x, i)[0], f(x.copy(), i))
        with pytest.raises(IndexError):
            run(x, np.array(bad))


def outcome(f, *args):
    """What a call gives, or the kind of its error."""
    try:
        return f(*args)
    except OverflowError as error:
        return type(error)


@pytest.mark.parametrize("number", [3, -1, 300, 2**40])
def test_python_ints_that_a_dtype_does_not_hold(number):
    x = np.arange(5, dtype="u1")
    for f in (
        lambda x, s: x * s, lambda x, s: x == s, lambda x, s: x < s, lambda x, s: np.maximum(x, s),
        lambda x, s: x // s, lambda x, s: np.where(x > 2, x, s),
    ):  # fmt: skip
        wanted = outcome(f, x, number)
        np.testing.assert_equal(outcome(jit(f), x, number), wanted)
        np.testing.assert_equal(outcome(jit(lambda x, f=f: f(x, number)), x), wanted)


@pytest.mark.parametrize("signed", ["i1", "i2", "i4", "i8"])
def test_signed_and_unsigned_numbers_are_compared_as_they_are(signed):
    limits = np.iinfo(signed)
    x = np.array([0, -1, 1, limits.max, limits.min], signed)[:, None]
    y = np.array([0, 1, 2**63, 2**64 - 1, 2**63 - 1], "u8")
    for f in (np.less, np.less_equal, np.equal, np.not_equal, np.greater, np.greater_equal):
        np.testing.assert_array_equal(jit(f)(x, y), f(x, y))
        np.testing.assert_array_equal(jit(f)(y, x), f(y, x))


@pytest.mark.parametrize("number", [True, False])
def test_python_bools_are_numbers(number):
    for f in (
        lambda a: a + True, lambda a: a + a, lambda a: -a, lambda a: ~a, lambda a: abs(a), lambda a: a**2,
        lambda a: a // True, lambda a: a / 4, lambda a: a & True, lambda a: a * 2.5, lambda a: a == 1,
    ):  # fmt: skip
        got, wanted = jit(f)(number), f(number)
        assert (got, type(got)) == (wanted, type(wanted))


@pytest.mark.parametrize("kind", ["?", "i1", "u2", "i4", "i8", "f4", "F"])
@pytest.mark.parametrize("power", [0, 1, 2, 3, 0.0, 0.5, 1.0, 2.0, -2.0, True])
def test_powers_are_of_the_kind_that_numpy_gives(kind, power):
    for x in (np.array([3, 1, 2], kind), np.array(1, kind), np.dtype(kind).type(1)):
        for f in (lambda x: x**power, lambda x: np.power(x, power)):
            wanted = f(x)
            for got in (make_program(f)(x).evaluate([x])[0], jit(f)(x)):
                assert np.asarray(got).dtype == np.asarray(wanted).dtype
                np.testing.assert_allclose(got, wanted, rtol=1e-6)


def test_integers_have_no_negative_powers():
    f, x = jit(lambda x, n: x**n), np.arange(1, 4)
    np.testing.assert_array_equal(f(x, 3), x**3)
    np.testing.assert_array_equal(f(x, x), x**x)
    for n in (-2, np.array([1, -2, 3])):
        with pytest.raises(ValueError, match="negative integer powers"):
            f(x, n)


# ---- transforms inside transforms


def test_copies_of_values_of_an_outer_transform_take_values_of_an_inner_one():
    def f(x):
        for make in (np.array, np.copy, lambda x: x.copy()):
            w = make(np.rint(x))  # which has no derivative, so it belongs to the transform further out
            w[0] = np.sum(x * x)
            x = w * x
        return np.sum(x)

    x = np.array([1.2, 2.6, -0.7])
    wanted = grad(f)(x)
    np.testing.assert_allclose(jit(grad(f))(x), wanted, rtol=1e-14)
    np.testing.assert_allclose(vmap(grad(f))(np.stack([x, x]))[1], wanted, rtol=1e-14)


@pytest.mark.parametrize("name", ["sum", "prod", "max", "mean"])
@pytest.mark.parametrize("axes", [(0, 2, 3), (0, 3), (3, 1), (2, 3), (0, 1, 2, 3)])
@THREADS
def test_what_is_spread_over_the_summed_axis_counts_as_often(name, axes, threads):
    def f(x):
        return getattr(np, name)(np.broadcast_to(x, (3, 5, 5, 19)), axis=axes, keepdims=True)

    check(f, normal((5, 5, 1)), threads=threads, tol=1e-11)
    check(f, normal((5, 1, 1)), threads=threads, tol=1e-11)


@pytest.mark.parametrize("shape", [(1, 17, 2), (1, 1, 40, 3), (3, 17, 2), (1, 32, 16), (17, 2)])
@THREADS
def test_what_follows_a_product_finds_its_rows_behind_a_batch_of_one(shape, threads):
    check(lambda x: x @ np.swapaxes(x, -1, -2) + x[..., :1], normal(shape), threads=threads)


# ---- what is read by indices


@pytest.mark.parametrize("k", [np.arange(2), np.array([1, 0]), np.array([-1, 0])], ids=["iota", "turned", "negative"])
@THREADS
def test_one_array_of_indices_for_two_axes(k, threads):
    def f(v, k):
        return (v.reshape(2, 2).T.ravel() + v).reshape(2, 2)[k, k]

    check(f, np.arange(1.0, 5.0), k, threads=threads)
    check(lambda v: f(v, k), np.arange(1.0, 5.0), threads=threads)


# ---- memory beside arrays: the fixture of this folder looks at it


@pytest.mark.parametrize(
    "kinds", ["i8 i2", "i8 i1", "i8 i4", "i4 i2", "i4 i1", "i2 i1", "u8 u2", "f8 i2", "f8 f4", "i8 ?"]
)
def test_a_last_element_that_is_narrowed_is_written_alone(kinds):
    wide, narrow = kinds.split()
    for n in (1, 9, 17, 33, 65, 129):
        x = np.arange(n).astype(wide)
        np.testing.assert_array_equal(jit(lambda x: x.astype(narrow))(x), x.astype(narrow))
