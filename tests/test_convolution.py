"""The convolution with channels against SciPy, one channel and one output at a time."""

import numpy as np
import pytest
from scipy import signal

from wengert import check_grads, convolution, grad, make_program, vmap
from wengert.errors import ShapeError

RNG = np.random.default_rng(2)


def by_scipy(x, kernel):
    """Every pair of channel and output by scipy.signal.correlate, added up; stride 1, no padding."""
    *_, inputs, outputs = kernel.shape
    return np.stack([
        np.stack([
            sum(signal.correlate(sample[..., i], kernel[..., i, o], "valid", "direct") for i in range(inputs))
            for o in range(outputs)
        ], axis=-1)
        for sample in x
    ])  # fmt: skip


@pytest.mark.parametrize(("spatial", "window"), [((7,), (3,)), ((6, 5), (3, 2)), ((4, 5, 3), (2, 3, 1))])
def test_is_a_correlation_in_each_pair_of_channels(spatial, window):
    x, kernel = RNG.normal(size=(2, *spatial, 3)), RNG.normal(size=(*window, 3, 4))
    y = convolution.conv(x, kernel)
    np.testing.assert_allclose(y, by_scipy(x, kernel), rtol=1e-13, atol=1e-13)
    # a stride keeps every other place, zeros around make more of them
    np.testing.assert_array_equal(
        convolution.conv(x, kernel, strides=2), y[(slice(None), *(slice(None, None, 2),) * len(spatial))]
    )
    around = np.pad(x, [(0, 0), *[(2, 2)] * len(spatial), (0, 0)])
    np.testing.assert_allclose(convolution.conv(x, kernel, padding=2), by_scipy(around, kernel), rtol=1e-13, atol=1e-13)


def test_dilation_is_a_kernel_with_zeros_in_it():
    x, kernel = RNG.normal(size=(2, 9, 8, 2)), RNG.normal(size=(3, 2, 2, 3))
    sparse = np.zeros((5, 4, 2, 3))
    sparse[::2, ::3] = kernel
    np.testing.assert_allclose(
        convolution.conv(x, kernel, dilation=(2, 3)), by_scipy(x, sparse), rtol=1e-13, atol=1e-13
    )


def test_groups_are_convolutions_of_their_own():
    x, kernel = RNG.normal(size=(2, 6, 6)), RNG.normal(size=(3, 2, 9))
    parts = [convolution.conv(x[..., 2 * g : 2 * g + 2], kernel[..., 3 * g : 3 * g + 3]) for g in range(3)]
    np.testing.assert_allclose(convolution.conv(x, kernel, groups=3), np.concatenate(parts, -1), rtol=1e-14)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_same_has_a_place_for_every_stride(stride, width):
    for n in range(1, 9):
        x, kernel = RNG.normal(size=(1, n, 1)), RNG.normal(size=(width, 1, 1))
        y = convolution.conv(x, kernel, strides=stride, padding="same")
        assert y.shape == (1, -(-n // stride), 1)
        if stride == 1:
            before = (width - 1) // 2
            want = np.correlate(np.pad(x.ravel(), (before, width - 1 - before)), kernel.ravel())
            np.testing.assert_allclose(y.ravel(), want, rtol=1e-13, atol=1e-14)


def test_a_stride_turned_round_is_an_input_dilation():
    # ⟨conv(x), y⟩ = ⟨x, conv transposed(y)⟩ is what makes a transposed convolution
    x, kernel = RNG.normal(size=(2, 9, 3)), RNG.normal(size=(3, 3, 4))
    y = RNG.normal(size=(2, 4, 4))
    back = convolution.conv(y, kernel[::-1].swapaxes(1, 2), input_dilation=2, padding=2)
    np.testing.assert_allclose(
        grad(lambda x: np.sum(convolution.conv(x, kernel, strides=2) * y))(x), back, rtol=1e-12, atol=1e-13
    )


def test_many_samples_are_taken_some_at_a_time():
    # more windows than are laid out at once
    x, kernel = RNG.normal(size=(70, 20, 20, 8)).astype("f4"), RNG.normal(size=(3, 3, 8, 2)).astype("f4")
    y = convolution.conv(x, kernel)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y[::23], by_scipy(x[::23], kernel), rtol=1e-4, atol=1e-4)  # float32, sums of 72 terms


def test_all_derivatives_of_a_strided_grouped_one():
    x, kernel = RNG.normal(size=(2, 5, 6, 4)), RNG.normal(size=(2, 3, 2, 4))
    f = lambda x, k: np.sin(
        convolution.conv(x, k, strides=(2, 1), padding=((1, 0), 1), dilation=(1, 2), groups=2)
    ).sum()
    check_grads(f, (x, kernel), order=2)
    program = make_program(grad(f))(x, kernel)
    np.testing.assert_array_equal(program(x, kernel), grad(f)(x, kernel))
    stack = np.stack([kernel, -2 * kernel, kernel + 1])
    np.testing.assert_allclose(
        vmap(grad(f), (None, 0))(x, stack), np.stack([grad(f)(x, k) for k in stack]), rtol=1e-12, atol=1e-12
    )


def test_refusals():
    x, kernel = np.ones((2, 5, 5, 3)), np.ones((3, 3, 3, 4))
    with pytest.raises(ShapeError, match=r"x\[\.\.\., None\]"):
        convolution.conv(x[..., 0], kernel)
    with pytest.raises(ShapeError, match="channels first"):
        convolution.conv(np.moveaxis(x, -1, 1), kernel)
    with pytest.raises(ShapeError, match="equal runs"):
        convolution.conv(np.ones((1, 5, 6)), np.ones((2, 2, 4)), groups=3)
    with pytest.raises(ShapeError, match="has no place"):
        convolution.conv(x[:, :2], kernel)
    with pytest.raises(ShapeError, match="apart"):
        convolution.conv(x, kernel, dilation=3)
    with pytest.raises(ShapeError, match="strides is"):
        convolution.conv(x, kernel, strides=0)
    with pytest.raises(ShapeError, match="dilation is"):
        convolution.conv(x, kernel, dilation=(1, 2, 3))
    with pytest.raises(ShapeError, match="padding is"):
        convolution.conv(x, kernel, padding="full")
    with pytest.raises(ShapeError, match="padding is"):
        convolution.conv(x, kernel, padding=(1,))
