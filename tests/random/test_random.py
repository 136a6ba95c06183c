"""Random numbers against Philox written out by hand, the published vectors of its authors, and statistics."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from scipy import stats
from tests.ops._random import MASK, philox

from wengert import grad, make_program, pytree, random, vmap
from wengert.errors import DataError, ShapeError, UnsupportedError
from wengert.random._normal import normal_quantile


def test_the_hand_written_philox_gives_the_published_vectors():
    # Random123, kat_vectors, philox4x64-10
    assert philox([0] * 4, [0] * 2) == [
        0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B,
    ]  # fmt: skip
    assert philox([MASK] * 4, [MASK] * 2) == [
        0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0,
    ]  # fmt: skip


def blocks(key, purpose, data, n):
    """The first n blocks of a purpose; NumPy steps the counter before it takes a block."""
    return [philox([b + 1, 0, data, purpose], [int(w) for w in key]) for b in range(n)]


def test_uniform_is_philox_by_counter():
    key = random.key(12345)
    raw = [w for block in blocks(key, 0, 0, 3) for w in block][:10]
    assert random.uniform(key, (2, 5)).ravel().tolist() == [(w >> 11) * 2.0**-53 for w in raw]
    assert random.uniform(key, 10, np.float32).tolist() == [(w >> 40) * 2.0**-24 for w in raw]


def test_split_and_fold_in_are_philox_in_blocks_of_their_own():
    key = random.key(3)
    assert [k.tolist() for k in random.split(key, 3)] == [b[:2] for b in blocks(key, 1, 0, 3)]
    assert random.fold_in(key, 99).tolist() == blocks(key, 2, 99, 1)[0][:2]


def test_the_first_split_keys_do_not_depend_on_how_many_are_wanted():
    key = random.key(0)
    np.testing.assert_array_equal(random.split(key, 5)[:2], random.split(key, 2))


def test_pinned_numbers():
    # written down once: a change of these is a change of every user's results
    key = random.key(2026)
    assert random.integers(key, 0, 1000, 5).tolist() == [7, 8, 262, 880, 477]
    assert [z.hex() for z in random.normal(key, 4).tolist()] == [
        "-0x1.92d365673e190p-3", "-0x1.9f6469ee7e46cp-2", "-0x1.378881526fa4ep+0", "0x1.b554dcd905187p+0",
    ]  # fmt: skip
    assert random.permutation(key, 8).tolist() == [2, 6, 1, 7, 0, 4, 5, 3]


@given(st.integers(0, MASK), st.integers(0, 40))
def test_the_same_key_gives_the_same_bits_and_another_key_others(seed, n):
    a, b = random.key(seed), random.key(seed)
    np.testing.assert_array_equal(random.normal(a, n), random.normal(b, n))
    other = random.key((seed + 1) & MASK)
    if n > 3:
        assert not np.array_equal(random.normal(a, n), random.normal(other, n))


def test_normal_quantile_against_scipy():
    tails = 2.0 ** -np.arange(2.0, 53.0)
    u = np.concatenate([np.linspace(1e-6, 1 - 1e-6, 10001), tails, 1 - tails])
    np.testing.assert_allclose(normal_quantile(u), stats.norm.ppf(u), rtol=2e-14, atol=1e-15)


def test_normal_quantile_is_odd_to_the_bit():
    u = np.arange(1, 2000) / 4096
    np.testing.assert_array_equal(normal_quantile(u), -normal_quantile(1 - u))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_distributions(dtype):
    n = 50_000
    keys = random.split(random.key(1), 4)
    assert stats.kstest(random.uniform(keys[0], n, dtype), "uniform").pvalue > 1e-3
    assert stats.kstest(random.normal(keys[1], n, dtype), "norm").pvalue > 1e-3
    assert stats.binomtest(int(random.bernoulli(keys[2], 0.3, n).sum()), n, 0.3).pvalue > 1e-3
    counts = np.bincount(random.integers(keys[3], 0, 7, n))
    assert stats.chisquare(counts).pvalue > 1e-3


def test_streams_of_split_keys_are_not_correlated():
    draws = np.array([random.normal(k, 5000) for k in random.split(random.key(0), 20)])
    off_diagonal = np.corrcoef(draws)[~np.eye(20, dtype=bool)]
    assert np.abs(off_diagonal).max() < 5 / np.sqrt(5000)


def test_dtypes_and_shapes():
    key = random.key(0)
    assert random.uniform(key).shape == ()
    assert random.normal(key, (2, 0, 3)).shape == (2, 0, 3)
    assert random.normal(key, 4, np.float32).dtype == np.float32
    assert random.normal(key).shape == ()
    assert random.bernoulli(key, 0.5, (3,)).dtype == np.bool_
    assert random.bernoulli(key).shape == ()
    assert random.integers(key, -3, 3).dtype == np.int64


def test_permutation_is_one_and_every_order_comes():
    orders = {tuple(random.permutation(k, 3).tolist()) for k in random.split(random.key(0), 100)}
    assert len(orders) == 6
    assert sorted(random.permutation(random.key(0), 1000).tolist()) == list(range(1000))


def test_integers_over_the_whole_range():
    drawn = random.integers(random.key(0), -(1 << 63), 1 << 63, 1000)
    assert drawn.min() < -(1 << 61)
    assert drawn.max() > 1 << 61
    assert set(random.integers(random.key(0), -2, 1, 100).tolist()) == {-2, -1, 0}


def test_bernoulli_at_the_ends():
    key = random.key(0)
    assert not random.bernoulli(key, 0.0, 100).any()
    assert random.bernoulli(key, 1.0, 100).all()
    assert random.bernoulli(key, 1 - 2.0**-53, 100).all()


def test_generator_repeats_and_does_not_share_numbers():
    key = random.key(0)
    drawn = random.generator(key).random(100)
    np.testing.assert_array_equal(drawn, random.generator(key).random(100))
    assert not np.intersect1d(drawn, random.uniform(key, 1000)).size


def test_keys_are_leaves():
    key = random.key(0)
    assert pytree.leaves({"key": key})[0] is key


@pytest.mark.parametrize("seed", [-1, 1 << 64, 1.5, "a", None])
def test_a_seed_that_is_none(seed):
    with pytest.raises(DataError, match="a seed must"):
        random.key(seed)


@pytest.mark.parametrize("key", [0, np.zeros(2), np.zeros(3, np.uint64)])
def test_a_key_that_is_none(key):
    with pytest.raises(ShapeError, match=r"wengert\.random\.key\(0\)"):
        random.normal(key, 3)


def test_refusals():
    key = random.key(0)
    with pytest.raises(DataError, match=r"p is 1\.5"):
        random.bernoulli(key, 1.5)
    with pytest.raises(DataError, match="low < high"):
        random.integers(key, 3, 3)
    with pytest.raises(UnsupportedError, match="float16"):
        random.normal(key, 3, np.float16)


# ---- traced keys

DRAWS = {
    "uniform": lambda k: random.uniform(k, (3, 7)),
    "uniform of float32": lambda k: random.uniform(k, (3, 7), np.float32),
    "normal": lambda k: random.normal(k, (500,)),
    "one normal of float32": lambda k: random.normal(k, (), np.float32),
    "bernoulli": lambda k: random.bernoulli(k, 0.3, (9,)),
    "bernoulli, certain": lambda k: random.bernoulli(k, 1.0, (2,)),
    "one bernoulli": lambda k: random.bernoulli(k, 0.3),
    "integers": lambda k: random.integers(k, -3, 9, (2, 9)),
    "all integers": lambda k: random.integers(k, -(1 << 63), 1 << 63, (9,)),
    "permutation": lambda k: random.permutation(k, 9),
    "split": lambda k: np.stack(random.split(k, 3)),
    "fold_in": lambda k: random.fold_in(k, 7),
    "a chain": lambda k: random.normal(random.split(random.fold_in(k, 7))[1], (2, 2)),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_traced_keys_give_the_bits_of_plain_ones(draw):
    keys = random.split(random.key(11), 4)
    program = make_program(draw)(keys[0])
    want = [draw(key) for key in keys]
    for key, w in zip(keys, want, strict=True):
        got = program(key)
        assert got.dtype == w.dtype
        np.testing.assert_array_equal(got, w)
    stack = np.stack(keys)
    for got in (vmap(draw)(stack), make_program(vmap(draw))(stack)(stack)):
        assert got.dtype == want[0].dtype
        np.testing.assert_array_equal(got, np.stack(want))


def test_traced_normal_numbers_in_the_tails():
    key = random.key(0)
    draw = lambda k: random.normal(k, (40_000,))
    want = draw(key)
    assert np.abs(want).max() > 3.5
    np.testing.assert_array_equal(make_program(draw)(key)(key), want)


def test_the_traced_quantile_is_the_plain_one_to_the_bit():
    tails = 2.0 ** -np.arange(2.0, 54.0)
    u = np.concatenate([np.linspace(1e-6, 1 - 1e-6, 10001), tails, 1 - tails[:-1], [0.075, 0.925]])
    np.testing.assert_array_equal(make_program(normal_quantile)(u)(u), normal_quantile(u))


def test_fold_in_of_traced_numbers():
    keys, steps = np.stack(random.split(random.key(4), 3)), np.arange(4)
    want = np.array([[random.fold_in(k, i) for i in steps] for k in keys])
    np.testing.assert_array_equal(vmap(vmap(random.fold_in, (None, 0)), (0, None))(keys, steps), want)
    np.testing.assert_array_equal(vmap(vmap(random.fold_in, (0, None)), (None, 0))(keys, steps), want.swapaxes(0, 1))
    program = make_program(random.fold_in)(keys[0], 1)
    np.testing.assert_array_equal(program(keys[2], 3), want[2, 3])
    with pytest.raises(DataError, match="traced"):
        make_program(random.fold_in)(keys[0], 1.0)


def test_keys_of_traced_seeds():
    np.testing.assert_array_equal(vmap(random.key)(np.arange(3)), [random.key(i) for i in range(3)])
    np.testing.assert_array_equal(make_program(random.key)(1)(7), random.key(7))


def test_draws_inside_a_gradient_are_constants():
    key = random.key(8)
    f = lambda w, k, i: np.sum(w * random.normal(random.fold_in(k, i), (3,)))
    want = random.normal(random.fold_in(key, 2), (3,))
    np.testing.assert_array_equal(grad(f)(np.ones(3), key, np.int64(2)), want)
    np.testing.assert_array_equal(
        make_program(grad(f))(np.ones(3), key, np.int64(2))(np.ones(3), key, np.int64(2)), want
    )
