"""Assignment, augmented assignment and views, with NumPy's aliasing; plain NumPy is the oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.frontend._harness import Case, check, check_gradient, check_value, draw

import wengert.numpy as wnp
from wengert import grad, hessian, jacfwd, jacrev, jvp, make_program, value_and_grad, vmap

V, X = draw("V", 3), draw("X", 2, 3)
K = np.arange(1.0, 7.0).reshape(2, 3) ** 2
MASK = np.array([[True, False, True], [True, True, False]])

Function = Callable[[Any], Any]
BASES: dict[str, Callable[[Any], Any]] = {
    "an array of zeros": lambda x: np.zeros((2, 3)),
    "a computed array": lambda x: np.multiply.outer(np.array([1.0, 2.0]), x),
    "a transposed array": lambda x: np.multiply.outer(x, np.array([1.0, 2.0])).T,
    "a stacked array": lambda x: np.stack([x, x * x]),
    "a product": lambda x: np.tensordot(np.ones((2, 3)), np.outer(x, x), 1),
    "a linspace": lambda x: np.linspace(np.zeros(3), np.ones(3), 2),
    "a reshaped array": lambda x: np.arange(6.0).reshape(2, 3),
}


def row(a: Any, x: Any) -> None:
    a[0] = x


def element(a: Any, x: Any) -> None:
    a[1, 2] = x[0] * x[1]


def constant(a: Any, x: Any) -> None:
    a[1] = 7.0


def column(a: Any, x: Any) -> None:
    a[:, 1] = x[:2]


def part(a: Any, x: Any) -> None:
    a[:, ::2] = x[0]


def everything(a: Any, x: Any) -> None:
    a[...] = x


def everything_by_slices(a: Any, x: Any) -> None:
    a[:] = x[None]


def leading_axes(a: Any, x: Any) -> None:
    a[0] = x.reshape(1, 1, 3)


def backwards(a: Any, x: Any) -> None:
    a[::-1, ::-1] = x


def fancy(a: Any, x: Any) -> None:
    a[[0, 1], [2, 0]] = x[1:]


def fancy_rows(a: Any, x: Any) -> None:
    a[np.array([1, 0])] = np.stack([x, 2 * x])


def duplicate_last_wins(a: Any, x: Any) -> None:
    a[0, [1, 1, 0]] = x


def duplicates_two_dimensional(a: Any, x: Any) -> None:
    a[[[0, 0], [1, 0]], [[1, 1], [1, 1]]] = np.outer(x[:2], x[1:])


def boolean(a: Any, x: Any) -> None:
    a[MASK] = np.concatenate([x, x[:1]])


def boolean_number(a: Any, x: Any) -> None:
    a[MASK] = x[2]


def boolean_row(a: Any, x: Any) -> None:
    a[:, np.array([True, False, True])] = x[1:]


def a_list(a: Any, x: Any) -> None:
    a[0] = [x[0], 1.0, x[2]]


def a_list_of_numbers(a: Any, x: Any) -> None:
    a[1] = [1, 2, 3]


def nested_lists(a: Any, x: Any) -> None:
    a[:] = [[x[0], 1, 2], [3, x[1], x[0] * x[2]]]


def augmented(a: Any, x: Any) -> None:
    a += x


def augmented_row(a: Any, x: Any) -> None:
    a[1] *= x


def augmented_element(a: Any, x: Any) -> None:
    a[1, 1] += x[0] ** 2
    a[1, 1] -= 3.0


def augmented_fancy(a: Any, x: Any) -> None:
    a[0, [1, 1, 2]] += x


def augmented_boolean(a: Any, x: Any) -> None:
    a[MASK] *= 2.0 * x[0]


def from_itself(a: Any, x: Any) -> None:
    a[0] = a[1] * x


def overlapping(a: Any, x: Any) -> None:
    a[0, 1:] = a[0, :-1] + x[:2]


def overlapping_backwards(a: Any, x: Any) -> None:
    a[0] = a[0, ::-1]
    a[1] += x


def swap_rows(a: Any, x: Any) -> None:
    a[[0, 1]] = a[[1, 0]]
    a *= x


def swap_by_tuple(a: Any, x: Any) -> None:
    a[0], a[1] = a[1].copy(), a[0].copy()
    a += x


def swap_views_without_copies(a: Any, x: Any) -> None:
    a[0], a[1] = a[1], a[0]
    a += x


def through_a_row(a: Any, x: Any) -> None:
    view = a[1]
    view[:] = x * x
    a[1, 0] = 5.0
    view[1] += view[0]


def through_a_view_of_a_view(a: Any, x: Any) -> None:
    inner = a[:, 1:][0]
    outer = a[0]
    inner[0] = x[0] * x[1]
    outer *= 2.0
    inner += outer[:2]


def through_the_transpose(a: Any, x: Any) -> None:
    a.T[1] = x[:2]
    t = a.T
    t[2, 1] *= x[2]


def through_a_reshape(a: Any, x: Any) -> None:
    flat = a.reshape(-1)
    flat[1:4] = x
    flat *= 2.0


def through_a_reshape_from_itself(a: Any, x: Any) -> None:
    flat = a.reshape(-1)
    a += x
    a[1] *= 2.0
    flat[::-1] = flat


def through_ravel(a: Any, x: Any) -> None:
    np.ravel(a)[::2] = x


def through_an_axis(a: Any, x: Any) -> None:
    a[None, :, :, None][0, :, :, 0][1] = x
    np.expand_dims(a, 0)[0, 0] += x
    np.squeeze(a[:, None])[0, 0] = 3.0


def through_swapaxes(a: Any, x: Any) -> None:
    a.swapaxes(0, 1)[0] = x[:2]
    np.moveaxis(a, 0, 1)[2] += x[1:]


def through_flips(a: Any, x: Any) -> None:
    np.flip(a)[0, 0] = x[0]
    np.flipud(a)[0] *= x
    np.rot90(a)[1] += x[:2]


def through_splits(a: Any, x: Any) -> None:
    left, right = np.split(a, [2], axis=1)
    left[0] = x[:2]
    right *= x[2]


def through_the_diagonal(a: Any, x: Any) -> None:
    np.einsum("ii->i", a[:, :2])[:] = x[:2]
    np.einsum("ij->ji", a)[2] += x[1:]


def through_iteration(a: Any, x: Any) -> None:
    for k, line in enumerate(a):
        line[k] = x[k] ** 2
        line += 1.0


def through_broadcast_arrays(a: Any, x: Any) -> None:
    np.broadcast_arrays(a, a)[0][0] = x


def through_a_view_without_axes(a: Any, x: Any) -> None:
    corner = a[1, 2, ...]
    corner += x[0]
    corner[...] = corner * x[1]
    corner[()] *= 2.0


def a_view_sees_later_writes(a: Any, x: Any) -> None:
    view = a[:, 1]
    a[0] = x
    a[1] = view[0] * x
    view += 1.0


def a_copy_does_not(a: Any, x: Any) -> None:
    copies = [a.copy(), a * 1.0, +a, np.array(a), a[[0, 1]], a.flatten().reshape(2, 3), np.copy(a)]
    for c in copies:
        c[0] = 9.0
    a[0] = x
    a[1] += sum(c[0] for c in copies)


def the_written_value_is_copied(a: Any, x: Any) -> None:
    line = x * 2.0
    a[0] = line
    line[:] = 0.0
    a[1] += line


def fill_and_sort(a: Any, x: Any) -> None:
    a[1].fill(x[0])
    a[0] = -x
    a[0].sort()


def by_copyto(a: Any, x: Any) -> None:
    np.copyto(a, x, where=MASK)
    np.copyto(a[1], 2.0)


def by_out(a: Any, x: Any) -> None:
    np.multiply(a, x, out=a)
    np.add(x, 1.0, out=a[1])
    np.sum(a, axis=0, out=a[0])


def emptied(a: Any, x: Any) -> None:
    a[0:0] = x
    a[:, []] = 3.0
    a += x


WRITES = [
    row, element, constant, column, part, everything, everything_by_slices, leading_axes, backwards, fancy, fancy_rows,
    duplicate_last_wins, duplicates_two_dimensional, boolean, boolean_number, boolean_row, a_list, a_list_of_numbers,
    nested_lists, augmented, augmented_row, augmented_element, augmented_fancy, augmented_boolean, from_itself,
    overlapping, overlapping_backwards, swap_rows, swap_by_tuple, swap_views_without_copies, through_a_row,
    through_a_view_of_a_view, through_the_transpose, through_a_reshape, through_a_reshape_from_itself, through_ravel, through_an_axis, through_swapaxes,
    through_flips, through_splits, through_the_diagonal, through_iteration, through_broadcast_arrays,
    through_a_view_without_axes,
    a_view_sees_later_writes, a_copy_does_not, the_written_value_is_copied, fill_and_sort, by_copyto, by_out, emptied,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Numpy has detected that you:DeprecationWarning")
@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("write", WRITES, ids=lambda w: w.__name__)
def test_write(write: Callable[[Any, Any], None], base: str) -> None:
    def f(x: Any) -> Any:
        a = BASES[base](x)
        before = np.sin(a)  # what was read before the write keeps its value
        views = a[:, 1:], a[0], a.T
        residuals = sum(np.sum(np.exp(v)) for v in views)
        write(a, x)
        return np.sum(K * a) + np.sum(before * K) + residuals + sum(np.sum(v * v) for v in views)

    order = 2 if base in ("an array of zeros", "a stacked array") else 1
    check(Case(write.__name__, f, (V,), order=order))


@pytest.mark.parametrize("write", WRITES, ids=lambda w: w.__name__)
@pytest.mark.filterwarnings("ignore:Numpy has detected that you:DeprecationWarning")
def test_write_of_plain_values_into_a_constant(write: Callable[[Any, Any], None]) -> None:
    plain = np.array([0.4, 1.1, 0.7])

    def f(x: Any) -> Any:
        a = np.ones((2, 3))
        view = a[:, 1:]
        write(a, plain)
        return a * x + np.sum(view)

    check(Case("constants", f, (V,), order=1))


@pytest.mark.parametrize("write", WRITES, ids=lambda w: w.__name__)
@pytest.mark.filterwarnings("ignore:Numpy has detected that you:DeprecationWarning")
def test_write_into_the_argument(write: Callable[[Any, Any], None]) -> None:
    """Arguments come in as handles: the function sees its writes, the caller does not."""

    def f(a: Any, x: Any) -> Any:
        view = a[1]
        write(a, x)
        return a * K + view * x

    for ufunc in (np.asarray, np.asfortranarray):
        check_value(Case("argument", f, (ufunc(X), V)))
        check_gradient(Case("argument", f, (ufunc(X), V)))


def test_callers_arrays_never_change() -> None:
    def f(x: Any, constant: Any, model: Any, *, option: Any) -> Any:
        for array in (x, constant, model["w"][0], option):
            array += 1.0
            array[0] = x[1]
        return np.sum(x * constant * model["w"][0] * option)

    arrays = [V.copy() for _ in range(4)]
    x, constant, w, option = arrays
    for run in (grad(f), grad(f, 1), value_and_grad(f, (0, 1)), jacfwd(f), jacrev(f), hessian(f), jacfwd(f, (0, 1))):
        run(x, constant, {"w": [w]}, option=option)
    vmap(f, in_axes=(0, None, None))(np.stack([x, x]), constant, {"w": [w]}, option=option)
    jvp(lambda x, c: f(x, c, {"w": [np.array(w)]}, option=np.array(option)), (x, constant), (x, constant))
    make_program(f)(x, constant, {"w": [w]}, option=option)
    for array in arrays:
        np.testing.assert_array_equal(array, V)


def test_arguments_are_read_after_a_write() -> None:
    def f(x: Any, c: Any) -> Any:
        c[0] = x[0] ** 2
        c *= x
        return np.sum(c)

    c = np.ones(3)
    check(Case("constant argument", lambda x: f(x, np.array(c)), (V,)))
    want = grad(lambda x: f(x, wnp.array(c)))(V)
    np.testing.assert_allclose(grad(f)(V, c), want, rtol=1e-14)
    np.testing.assert_allclose(jacfwd(f)(V, c), want, rtol=1e-14)
    np.testing.assert_allclose(vmap(grad(f), in_axes=(0, None))(V[None], c)[0], want, rtol=1e-14)
    np.testing.assert_array_equal(c, 1.0)


PARTS: dict[str, Callable[[Any], Any]] = {
    "real": lambda a: a.real, "imaginary": lambda a: a.imag,
    "of a reshape": lambda a: a.reshape(3, 2).imag, "reshaped": lambda a: a.imag.reshape(3, 2),
    "of a ravel": lambda a: a.ravel().real[1:5], "of a column": lambda a: a[:, 1].imag,
    "of the transpose reshaped": lambda a: a.T.imag.T.reshape(6)[::2],
}  # fmt: skip


@pytest.mark.parametrize("name", PARTS)
def test_write_into_a_part_of_complex_numbers(name: str) -> None:
    """Real and imaginary parts are views, also of reshapes and reshaped."""

    def f(x: Any) -> Any:
        a = np.multiply.outer(np.array([1.0, 2.0j]), x * (1.0 + 0.5j))
        before = np.sum(a)
        view = PARTS[name](a)
        view[...] = x[0] * x[1]
        view += np.sin(view) * x[2]
        return np.sum(K * np.abs(a) ** 2) + np.sum(view**2) + np.imag(before**2)

    check(Case(name, f, (V,), order=1))


@pytest.mark.parametrize("shape", [(2, 2, 3), (2, 3), (4, 1, 2, 3)])
@pytest.mark.parametrize("axes", [(0, 1), (1, 0)])
def test_what_is_computed_of_a_broadcast_array_lies_as_numpys_does(
    shape: tuple[int, ...], axes: tuple[int, int]
) -> None:
    """Whether ``ravel`` is a view depends on it."""

    def f(x: Any) -> Any:
        a = np.broadcast_to(
            (x.reshape(2, 3).transpose(axes) * 1.0).reshape(2, 3, order="A" if axes == (0, 1) else "F"), shape
        )
        b = a + a
        b.ravel()[...] = 5.0 * x[0]
        c = np.sin(a)
        c.reshape(-1)[1:] += x[1:2]
        return b * c

    check(Case("broadcast", f, (draw("six", 6),)))
    turned = lambda x: np.broadcast_to(x.reshape(3, 2).T * 1.0, shape)
    check(
        Case(
            "turned", lambda x: (b := turned(x) * 2.0, b.ravel().__setitem__(..., 5.0 * x[0]), b)[0], (draw("six", 6),)
        )
    )
