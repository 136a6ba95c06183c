"""Corners of the rules where a slip would show nowhere else: lengths of one and zero, stacks, complex phases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special as sc

import wengert.scipy.special
from wengert import grad, jacrev, jvp, make_program, vmap
from wengert.core.types import Aval
from wengert.errors import DerivativeError
from wengert.ops import fft as transforms
from wengert.ops import gaps, householder, index, products, singular, spectra

assert wengert.scipy.special  # its rules are loaded on their first use

RNG = np.random.default_rng(29)
A33, A43, A34 = RNG.normal(size=(3, 3)), RNG.normal(size=(4, 3)), RNG.normal(size=(3, 4))
C33, C43, C34 = (
    A33 + 1j * RNG.normal(size=(3, 3)),
    A43 + 1j * RNG.normal(size=(4, 3)),
    A34 + 1j * RNG.normal(size=(3, 4)),
)
ROTATION = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
# eigenvalues 1, 1, 2
TWICE = (lambda a: (a + a.T) / 2)((ROTATION * [1.0, 1.0, 2.0]) @ ROTATION.T)


def close(got: Any, want: Any, tol: float = 1e-12) -> None:
    assert np.shape(got) == np.shape(want)
    np.testing.assert_allclose(got, want, rtol=tol, atol=tol)


def difference(f: Callable[[Any], Any], x: Any, t: Any, h: float = 2e-4) -> Any:
    """The central difference of fourth order of ``f`` at ``x`` along ``t``: right to about 1e-10."""
    near, far = f(x + h * t) - f(x - h * t), f(x + 2 * h * t) - f(x - 2 * h * t)
    return (8 * near - far) / (12 * h)


# ---- reflections


@pytest.mark.parametrize("a", [
    A33, A43, A34, C33, C43, C34, C33[:1], C33[:, :1], np.stack([C33, C33.T]),
    np.triu(C33), np.triu(C43), np.triu(A33), C33 * [1, 0, 1], A33 * [0, 1, 1], C43 * [1, 0, 1],
], ids=lambda a: f"{a.dtype}{a.shape}")  # fmt: skip
def test_reflections_are_those_of_lapack(a: Any) -> None:
    # a column that is zero below, or a complex number at the end, is turned as LAPACK turns it
    for got, want in zip(householder.complete(a), np.linalg.qr(a, "complete"), strict=True):
        close(got, want, 1e-13)
    for got, want in zip(householder.raw(a), np.linalg.qr(a, "raw"), strict=True):
        close(got, want, 1e-13)


@pytest.mark.parametrize(("a", "t"), [(C33, C43[:3]), (np.triu(C33), C33), (A43, A34.T), (A34, A43.T), (C43, C34.T)])
def test_reflections_move_as_those_of_lapack(a: Any, t: Any) -> None:
    qr: Any = np.linalg.qr
    for mode in ("complete", "raw"):
        for k in (0, 1):
            got = jvp(lambda a, mode=mode, k=k: qr(a, mode)[k], (a,), (t,))[1]
            close(got, difference(lambda a, mode=mode, k=k: qr(a, mode)[k], a, t), 1e-9)


# ---- eigenvectors of general matrices


def test_eigenvectors_have_the_scale_and_the_sign_of_lapack() -> None:
    # the largest element of a complex vector is real; in a real matrix's it may be negative
    negative = 0
    for a in np.random.default_rng(0).normal(size=(30, 3, 3)):
        v = np.linalg.eig(a)[1]
        if v.dtype.kind != "c":
            continue
        largest = np.take_along_axis(v, np.argmax(np.abs(v), axis=0)[None], 0)
        negative += int(np.sum(np.real(largest) < 0))
        close(spectra.scaled(v.astype(complex)), v, 1e-14)
        # every vector stays as long and as turned as it was, whatever it is multiplied with
        close(spectra.scaled(3.0 * v), v, 1e-13)
    assert negative > 0
    stack = RNG.normal(size=(2, 3, 3))
    for vectors in (stack, stack + 1j * stack[::-1]):
        np.testing.assert_array_equal(spectra.scaled(vectors), np.stack([spectra.scaled(v) for v in vectors]))
    close(spectra.scaled(stack), stack / np.linalg.norm(stack, axis=1, keepdims=True), 1e-14)


# ---- values that repeat


def test_a_stack_is_refused_where_one_of_its_matrices_depends_on_the_choice() -> None:
    row = np.array([[[1.0, 1.0, 2.0]]] * 3)
    p = np.zeros((3, 3, 3))
    p[1, 0, 1] = 1.0  # P is not symmetric in the space of the value 1
    with pytest.raises(DerivativeError, match=r"repeats \(positions 0 and 1\) of the matrix at index \(1,\)"):
        gaps.TESTS["vectors, reverse"](p, row)
    gaps.TESTS["vectors, reverse"](p + np.swapaxes(p, -1, -2), row)
    with pytest.raises(DerivativeError, match=r"at index \(1, 2\) of the stack"):
        gaps.TESTS["vectors, reverse"](np.stack([0 * p, p[[0, 0, 1]]]), np.stack([row, row]))


@pytest.mark.parametrize(("test", "x", "where"), [
    ("values, forward", [[0, 0, 9], [0, 0, 9], [9, 9, 5]], None),
    ("values, forward", [[1, 0, 9], [0, 1, 9], [9, 9, 5]], None),
    ("values, forward", [[1, 0, 0], [0, 2, 0], [0, 0, 5]], "repeats .positions 0 and 1"),
    ("values, forward", [[1, 1, 0], [1, 1, 0], [0, 0, 5]], "repeats .positions 0 and 1"),
    ("values, reverse", [[3, 3, 5]], None),
    ("values, reverse", [[3, 5, 5]], "repeats .positions 0 and 1"),
    ("vectors, forward", [[0, 0, 0], [0, 0, 0], [0, 0, 0]], "repeats .positions 0 and 1"),
    ("vectors, reverse", [[0, 1, 9], [1, 0, 7], [2, 3, 4]], None),
    ("vectors, reverse", [[0, 1, 0], [-1, 0, 0], [0, 0, 0]], "repeats .positions 0 and 1"),
    ("vectors, reverse", [[1, 0, 0], [0, 1, 0], [0, 0, 1j]], "at position 2.*phase"),
    ("vectors, distinct", [[0, 1, 0], [1, 0, 0], [0, 0, 0]], "repeats .positions 0 and 1"),
])  # fmt: skip
def test_conditions_at_values_that_repeat(test: str, x: Any, where: str | None) -> None:
    row = np.array([[1.0, 1.0, 2.0]])
    matrix = np.array(x, complex if np.iscomplexobj(x) else float)
    if where is None:
        gaps.TESTS[test](matrix, row)
        return
    with pytest.raises(DerivativeError, match="(?s)" + where):
        gaps.TESTS[test](matrix, row)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_what_repeats_does_not_depend_on_the_scale(size: float) -> None:
    pair = np.zeros((3, 3), bool)
    pair[0, 1] = pair[1, 0] = True
    np.testing.assert_array_equal(gaps.repeats(size * np.array([[1.0, 1.0 + 1e-14, 2.0]])), pair)
    assert not gaps.repeats(size * np.array([[1.0, 1.0 + 1e-8, 2.0]])).any()
    assert gaps.vanishing(size * np.array([[1.0, 1e-14]])).tolist() == [[False, False], [False, True]]
    assert not gaps.vanishing(size * np.array([[1.0, 1e-8]])).any()
    assert gaps.repeats(np.zeros((1, 2))).tolist() == [[False, True], [True, False]]
    assert gaps.vanishing(np.zeros((1, 1))).all()


def test_zero_is_refused_by_its_position() -> None:
    gaps.TESTS["full rank"](np.zeros((1, 3)), np.array([[2.0, 1.0, 1e-3]]))
    with pytest.raises(DerivativeError, match="at position 2"):
        gaps.TESTS["full rank"](np.zeros((1, 3)), np.array([[2.0, 1.0, 1e-16]]))


def test_a_program_refuses_a_stack_that_depends_on_the_choice_of_vectors() -> None:
    stack = np.stack([np.diag([1.0, 2.0, 3.0]), TWICE])
    f = grad(lambda a: np.sum(np.linalg.eigh(a)[1][:, 0, 0] ** 2))
    program = make_program(f)(stack)
    with pytest.raises(DerivativeError, match="repeat"):
        program(stack)
    other = np.stack([np.diag([1.0, 2.0, 3.0]), A33 + A33.T])
    close(program(other), f(other), 1e-13)


def test_vectors_that_nobody_differentiates_are_those_of_numpy() -> None:
    stack = np.stack([np.eye(3), TWICE, A33])
    for got, want in zip(singular.svd(stack), np.linalg.svd(stack), strict=True):
        np.testing.assert_array_equal(got, want)
    for got, want in zip(vmap(lambda a: tuple(np.linalg.svd(a)))(stack), np.linalg.svd(stack), strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(("f", "slope"), [
    (lambda w: wengert.scipy.special.sici(w)[0], lambda w: np.sin(w) / w),
    (lambda w: wengert.scipy.special.sici(w)[1], lambda w: np.cos(w) / w),
])  # fmt: skip
def test_several_outputs_of_values_that_repeat(f: Any, slope: Any) -> None:
    # Daleckii and Krein: at a multiple of the identity the derivative of f(A) is f'(a) dA
    def through(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return np.sum(A33 * ((v * f(w)) @ v.T))

    got = grad(through)(1.5 * np.eye(3))
    close(np.tril(got), got)
    close(got, slope(1.5) * (np.tril(A33) + np.triu(A33, 1).T), 1e-12)


def test_a_decomposition_of_a_function_of_values_that_repeat() -> None:
    # log det exp(A) = tr A, by decompositions of several outputs
    def through(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return np.linalg.slogdet((v * np.exp(w)) @ v.T)[1]

    close(grad(through)(TWICE), np.eye(3), 1e-12)


# ---- special functions that are flat in an operand


def test_a_function_is_flat_in_its_count() -> None:
    # P(k, m) = Γ(⌊k⌋+1, m)/⌊k⌋!: in m the derivative is −m^⌊k⌋ e^−m/⌊k⌋!, in k zero
    by_count, by_mean = grad(wengert.scipy.special.pdtr, argnums=(0, 1))(2.3, 1.7)
    assert by_count == 0.0
    close(by_mean, -(1.7**2) * np.exp(-1.7) / 2)
    value, slope = jvp(wengert.scipy.special.pdtr, (2.3, 1.7), (1.0, 0.0))
    close(value, sc.pdtr(2.3, 1.7))
    assert slope == 0.0


# ---- chains of views


def test_a_chain_by_traced_integers_needs_primitives() -> None:
    with pytest.raises(TypeError, match="traced integers"):
        index.step_into(np.ones(3), ("by", ((index.ARRAY,), (np.array(0),))))


def test_the_layout_of_a_part_of_an_axis_of_length_one() -> None:
    base = np.arange(6.0).reshape(1, 2, 3)
    chain = [("transpose", (1, 0, 2)), ("by", ((slice(None), index.ARRAY), (object(),))), ("index", (1,))]
    got = index.follow_layout(base, chain)
    np.testing.assert_array_equal(got, base[0, 1])
    assert np.may_share_memory(got, base)


def test_a_chain_is_followed_alike_on_arrays_and_by_primitives() -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    chains: list[tuple[Any, Any]] = [
        ([("gather", np.array([[5, 0], [23, 5]]))], x.ravel()[[[5, 0], [23, 5]]]),
        ([("transpose", (2, 0, 1)), ("index", 1)], np.transpose(x, (2, 0, 1))[1]),
        ([("diagonal", (1, 1, 2))], x.diagonal(1, 1, 2)),
        ([("windows", (2, 1))], np.lib.stride_tricks.sliding_window_view(x, 2, 1)),
        ([("broadcast", (5, 2, 3, 4))], np.broadcast_to(x, (5, 2, 3, 4))),
        ([("reshape", (4, 6)), ("einsum", "ij->ji")], x.reshape(4, 6).T),
        ([("index", (0, slice(1, None))), ("gather", np.array([7, 7, 1]))], x[0, 1:].ravel()[[7, 7, 1]]),
    ]
    for chain, want in chains:
        np.testing.assert_array_equal(index.follow(x, chain), want)
        np.testing.assert_array_equal(index.follow_traced(x, chain), want)
    by = [
        ("index", (0,)),
        ("by", ((slice(None), index.ARRAY), (np.array(2),))),
        ("by", ((index.ARRAY,), (np.array(1),))),
    ]
    np.testing.assert_array_equal(index.follow_traced(x, by), x[0, 1, 2])
    assert index.last_by(by) == 2
    assert index.last_by(by[:2]) == 1
    assert index.last_by(by[:1]) == -1
    assert index.last_by([]) == -1


def test_where_a_write_is_refused() -> None:
    for kind in ("diagonal", "broadcast", "windows"):
        assert index.is_read_only([("index", 0), (kind, ())])
        with pytest.raises(ValueError, match="read-only"):
            index.refuse_read_only([("index", 0), (kind, ())])
    for kind in ("index", "transpose", "reshape", "einsum", "part", "by"):
        assert not index.is_read_only([(kind, ())])
        index.refuse_read_only([(kind, ())])
    with pytest.raises(index.UnsupportedError, match="without a rule"):
        index.refuse_read_only([("gather", 0), ("index", 0)])
    with pytest.raises(index.UnsupportedError, match="reshaped"):
        index.refuse_read_only([("unknown", 0), ("gather", 0)])


def test_a_write_that_does_not_fit_is_refused_before_it_runs() -> None:
    def infer(*shape: int) -> Aval:
        x, v = (Aval(s, np.dtype(float), "array") for s in ((4, 3), shape))
        return index.update.infer(x, v, chain=(("transpose", (1, 0)),), index=(slice(0, 2),))

    for shape in ((4,), (2, 4), (2, 1), (1, 2, 4), (1, 1, 1, 4), ()):
        assert infer(*shape).shape == (4, 3)
    for shape in ((3,), (3, 4), (1, 3, 4), (1, 2, 3), (1, 1, 3)):
        with pytest.raises(ValueError, match="broadcast"):
            infer(*shape)


def test_a_write_by_traced_integers_through_views() -> None:
    def write(x: Any, v: Any, k: Any) -> Any:
        x = x.copy()
        x[k][1:] = v
        x.T[:, k][0] = 2.0 * v[0]
        return x

    x, v = A43, np.array([0.3, -0.4])
    program = make_program(write)(x, v, 1)
    for k in (0, 3, -1):
        np.testing.assert_array_equal(program(x, v, k), write(x, v, k))
        slope = jvp(lambda v, k=k: program(x, v, k), (v,), (np.array([1.0, 10.0]),))[1]
        want = np.zeros((4, 3))
        want[k] = [2.0, 1.0, 10.0]
        np.testing.assert_array_equal(slope, want)


TEMPLATES: list[tuple[tuple[int, ...], Any, tuple[Any, ...]]] = [
    ((3, 4), (None, index.ARRAY, None), (np.array([2, 0, 2]),)),
    ((3, 4), (index.ARRAY, None, index.ARRAY), (np.array([2, 0]), np.array([[1], [1]]))),
    ((3, 4), (slice(1, None), None, index.ARRAY), (np.array([[3, 0], [3, 3]]),)),
    ((2, 3, 4), (1, slice(None), index.ARRAY), (np.array([3, 0, 3]),)),
    ((2, 3, 4), (Ellipsis, 1, index.ARRAY), (np.array([3, 0, 3]),)),
    ((2, 3, 4), (index.ARRAY, Ellipsis, None, index.ARRAY), (np.array([1, 0]), np.array([2, 2]))),
    ((2, 3, 4), (None, Ellipsis, 0, slice(None, None, -1)), ()),
    ((2, 3, 4), (slice(None), index.ARRAY, None), (np.array([[0, 2]]),)),
]


@pytest.mark.parametrize(("shape", "template", "arrays"), TEMPLATES)
def test_reading_and_scattering_with_new_axes(shape: Any, template: Any, arrays: Any) -> None:
    n = int(np.prod(shape))
    x = RNG.normal(size=(3, *shape))
    at = index.fill(template, arrays)
    numbers = np.arange(n).reshape(shape)[at]
    read = index.getitem(x[0], *arrays, index=template)
    np.testing.assert_array_equal(read, x[0].ravel()[numbers])
    # one after another, and all at once, with indices that differ from one to the next
    batches = [np.stack([a, a[::-1], np.roll(a, 1)]) for a in arrays]
    got = vmap(lambda x, *arrays: index.getitem(x, *arrays, index=template))(x, *batches)
    want = [x[k][index.fill(template, [b[k] for b in batches])] for k in range(3)]
    np.testing.assert_array_equal(got, want)
    g = np.arange(1.0, 1.0 + 3 * numbers.size).reshape(3, *numbers.shape)
    summed = [np.bincount(numbers.ravel(), g[k].ravel(), n).reshape(shape) for k in range(3)]
    np.testing.assert_array_equal(index.scatter_add(g[0], *arrays, shape=shape, index=template), summed[0])
    got = vmap(lambda g: index.scatter_add(g, *arrays, shape=shape, index=template))(g)
    np.testing.assert_array_equal(got, summed)
    if arrays:
        got = vmap(lambda b: index.scatter_add(g[0], b, *arrays[1:], shape=shape, index=template))(batches[0])
        for k in range(3):
            where = np.arange(n).reshape(shape)[index.fill(template, [batches[0][k], *arrays[1:]])]
            np.testing.assert_array_equal(got[k], np.bincount(where.ravel(), g[0].ravel(), n).reshape(shape))


@pytest.mark.parametrize(("shape", "template", "arrays"), TEMPLATES)
def test_writing_with_new_axes(shape: Any, template: Any, arrays: Any) -> None:
    x = RNG.normal(size=shape)
    at = index.fill(template, arrays)
    v = RNG.normal(size=x[at].shape)

    def write(x: Any, v: Any) -> Any:
        return index.update(x, v, *arrays, chain=(), index=template)

    want = x.copy()
    want[at] = v
    np.testing.assert_array_equal(write(x, v), want)
    # of what is written to a place more than once the last stays, and it alone has a slope
    ones = np.arange(1.0, 1.0 + v.size).reshape(v.shape)
    moved = np.zeros(shape)
    moved[at] = ones
    np.testing.assert_array_equal(jvp(lambda v: write(x, v), (v,), (ones,))[1], moved)
    weights = np.arange(1.0, 1.0 + x.size).reshape(shape)
    by_x, by_v = grad(lambda x, v: np.sum(weights * write(x, v)), argnums=(0, 1))(x, v)
    assert np.sum(by_v * ones) == np.sum(weights * moved)
    kept = weights.copy()
    kept[at] = 0.0
    np.testing.assert_array_equal(by_x, kept)


# ---- sums of products


@pytest.mark.parametrize(("labels", "shapes"), [
    ("ij,jk->ik", ((2, 0), (0, 3))), ("ij,jk->ik", ((0, 2), (2, 3))), ("ij->j", ((0, 3),)), ("ij->", ((3, 0),)),
    ("ii->i", ((0, 0),)), ("i,i->i", ((1,), (0,))), ("i,i->i", ((1,), (3,))), ("ij,ij->ij", ((1, 3), (2, 1))),
    ("ij,ij->j", ((2, 1), (2, 3))), ("iij->ij", ((2, 2, 1),)), ("iij,k->jk", ((2, 2, 3), (4,))),
    ("ij,k->k", ((2, 3), (1,))), ("iji->j", ((2, 3, 2),)), ("ii,jj->", ((2, 2), (3, 3))),
    # a summed axis of length one beside a longer one
    ("i,i->", ((3,), (1,))), ("ij,i->", ((3, 2), (1,))), ("ij,i->j", ((3, 2), (1,))), ("ij,ik->", ((1, 2), (3, 4))),
    ("ij,ik->jk", ((3, 2), (1, 4))), ("ii,i->", ((3, 3), (1,))), ("i,i,i->", ((1,), (3,), (1,))),
    ("ij,i->", ((0, 2), (1,))), ("ij,i->j", ((0, 2), (1,))), ("i,i->", ((1,), (0,))), ("ii,i->", ((0, 0), (1,))),
])  # fmt: skip
def test_sums_of_products_over_axes_of_length_one_and_zero(labels: str, shapes: Any) -> None:
    inputs, output = labels.split("->")
    names = tuple(inputs.split(","))
    xs = [RNG.normal(size=shape) for shape in shapes]
    want = np.einsum(labels, *xs)
    inferred = products.einsum.infer(
        *(Aval(x.shape, np.dtype(float), "array") for x in xs), inputs=names, output=output
    )
    assert inferred.shape == want.shape
    g = RNG.normal(size=want.shape)
    got = products.einsum.vjp(g, want, xs, [True] * len(xs), {"inputs": names, "output": output})
    for k, x in enumerate(xs):
        slope = np.empty(x.shape)
        for at in np.ndindex(*x.shape):  # linear in each operand: the unit vectors give the derivative
            unit = np.zeros(x.shape)
            unit[at] = 1.0
            slope[at] = np.sum(g * np.einsum(labels, *xs[:k], unit, *xs[k + 1 :]))
        close(got[k], slope, 1e-13)


def test_a_number_stretched_along_a_summed_axis() -> None:
    # Σ_i s · 2 over three: 6 s
    def f(s: Any) -> Any:
        return np.einsum("i,i->", np.broadcast_to(s, (3,)), np.array([2.0]))

    assert grad(f)(1.5) == jvp(f, (1.5,), (1.0,))[1] == 6.0
    assert make_program(grad(f))(1.5)(1.5) == 6.0


# ---- Fourier transforms of other lengths


@pytest.mark.parametrize("shape", [(2, 6), (5, 3), (2, 3), (5, 6), (3, 4), (1, 4), (3, 9)])
def test_cropped_and_filled_up(shape: tuple[int, int]) -> None:
    m, n = (min(a, b) for a, b in zip((3, 4), shape, strict=True))
    want = np.zeros(shape)
    want[:m, :n] = A34[:m, :n]
    np.testing.assert_array_equal(transforms.resize(A34, shape), want)
    kept = np.outer(np.arange(3) < m, np.arange(4) < n)
    np.testing.assert_array_equal(grad(lambda x: np.sum(transforms.resize(x, shape)))(A34), kept)


@pytest.mark.parametrize("shape", [(2, 6), (5, 3), (2, 3), (5, 6)])
def test_transforms_of_other_lengths(shape: tuple[int, int]) -> None:
    def f(x: Any) -> Any:
        return np.fft.irfft2(np.fft.rfft2(x, shape) * 1j, shape).ravel()

    units = np.eye(12).reshape(12, 3, 4)
    close(jacrev(f)(A34), np.stack([f(u) for u in units], axis=-1).reshape(-1, 3, 4), 1e-13)
