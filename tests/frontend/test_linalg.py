"""numpy.linalg on traced values: NumPy's own values, types, options and errors."""

import numpy as np
import pytest

from wengert import check_grads, grad, jvp, vjp, vmap

GENERATOR = np.random.default_rng(11)


def matrix(*shape: int) -> np.ndarray:
    return GENERATOR.normal(size=shape)


A, S, T = matrix(3, 3), matrix(3, 3), matrix(4, 3)
S = S @ S.T + np.eye(3)
STACK = matrix(2, 5, 3, 3)
LA = np.linalg


def same(f, *args):
    """What ``f`` gives on traced values is what NumPy gives, bit for bit, in type, dtype and shape."""
    want = f(*args)
    got, _ = vjp(f, *args)
    assert type(got) is type(want)
    pairs = zip(got, want, strict=True) if isinstance(want, tuple) else [(got, want)]
    for g, w in pairs:
        assert type(g) is type(w)
        assert g.dtype == w.dtype
        np.testing.assert_array_equal(g, w)


@pytest.mark.parametrize("f", [
    lambda a: LA.inv(a), lambda a: LA.det(a), lambda a: LA.slogdet(a), lambda a: LA.eigh(a),
    lambda a: LA.eigh(a, UPLO="U"), lambda a: LA.eigh(a, "u"), lambda a: LA.eigvalsh(a, "L"),
    lambda a: LA.eigvalsh(a, UPLO="U"), lambda a: LA.svd(a), lambda a: LA.svd(a, compute_uv=False),
    lambda a: LA.svd(a, False), lambda a: LA.svdvals(a), lambda a: LA.qr(a), lambda a: LA.qr(a, "r"),
    lambda a: LA.qr(a, mode="complete"), lambda a: LA.pinv(a), lambda a: LA.pinv(a, 1e-8),
    lambda a: LA.pinv(a, rtol=None), lambda a: LA.matrix_power(a, 0), lambda a: LA.matrix_power(a, 1),
    lambda a: LA.matrix_power(a, -2), lambda a: LA.matrix_transpose(a), lambda a: LA.diagonal(a),
    lambda a: LA.diagonal(a, offset=1), lambda a: LA.matmul(a, a), lambda a: LA.solve(a, a),
])  # fmt: skip
@pytest.mark.parametrize("a", [A, STACK], ids=["one", "a stack"])
def test_values_and_types_are_numpys(f, a):
    same(f, a)


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky(upper):
    same(lambda a: LA.cholesky(a, upper=upper), S)
    same(lambda a: LA.cholesky(a, upper=upper), np.stack([S, 2 * S]))


def test_results_have_names():
    g = grad(lambda a: np.sum(LA.eigh(a).eigenvectors[0] ** 3) + LA.eigh(a).eigenvalues[0])(S)
    h = grad(lambda a: np.sum(LA.eigh(a)[1][0] ** 3) + LA.eigh(a)[0][0])(S)
    np.testing.assert_array_equal(g, h)
    np.testing.assert_allclose(grad(lambda a: LA.slogdet(a).logabsdet)(S), LA.inv(S), rtol=1e-12)
    u = LA.svd(T, full_matrices=False)
    g = grad(lambda a: LA.svd(a, full_matrices=False).S[0])(T)
    np.testing.assert_allclose(g, np.outer(u.U[:, 0], u.Vh[0]))
    assert type(vmap(LA.eigh)(np.stack([S, S]))) is type(LA.eigh(S))


VECTOR_ORDERS = [None, 0, 1, 2, 3, 0.5, -1, -2.5, np.inf, -np.inf]
MATRIX_ORDERS = [None, "fro", "f", "nuc", 1, -1, 2, -2, np.inf, -np.inf]


def close(got, want):
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-14)


@pytest.mark.filterwarnings("ignore::wengert.errors.FlatDerivativeWarning")  # a count has the derivative 0
@pytest.mark.parametrize("order", VECTOR_ORDERS)
@pytest.mark.parametrize("keepdims", [False, True])
def test_norms_of_vectors(order, keepdims):
    x = STACK[0, :4]
    for axis in (0, -1, (1,)):
        close(vjp(lambda x, a=axis: LA.norm(x, order, a, keepdims), x)[0], LA.norm(x, order, axis, keepdims))
    close(vjp(lambda x: LA.norm(x, order), A[0])[0], LA.norm(A[0], order))
    options = {"keepdims": keepdims} | ({} if order is None else {"ord": order})
    for axis in (None, 1, (0, 2), (2, 0, 1)):
        value, _ = vjp(lambda x, a=axis: LA.vector_norm(x, axis=a, **options), x)
        close(value, LA.vector_norm(x, axis=axis, **options))
    if order != 0:
        check_grads(lambda x: LA.norm(x, order, axis=1, keepdims=keepdims), (x,), order=1)


@pytest.mark.parametrize("order", MATRIX_ORDERS)
@pytest.mark.parametrize("keepdims", [False, True])
def test_norms_of_matrices(order, keepdims):
    x = matrix(2, 4, 3)
    for axis in ((0, 1), (2, 0), (-1, -2)):
        close(vjp(lambda x, a=axis: LA.norm(x, order, a, keepdims), x)[0], LA.norm(x, order, axis, keepdims))
        check_grads(lambda x, a=axis: LA.norm(x, order, a, keepdims), (x,), order=1)
    close(vjp(lambda x: LA.norm(x, order), T)[0], LA.norm(T, order))
    options = {"keepdims": keepdims} | ({} if order is None else {"ord": order})
    close(vjp(lambda x: LA.matrix_norm(x, **options), x)[0], LA.matrix_norm(x, **options))


def test_norm_of_everything():
    x = matrix(2, 4, 3)
    close(vjp(LA.norm, x)[0], LA.norm(x))
    close(vjp(lambda x: LA.norm(x, keepdims=True), x)[0], LA.norm(x, keepdims=True))
    assert grad(lambda x: LA.norm(x))(-2.0) == -1.0
    np.testing.assert_allclose(grad(LA.norm)(x), x / LA.norm(x), rtol=1e-14)


def test_solve_takes_vectors_matrices_and_stacks():
    b = matrix(3)
    same(LA.solve, A, b)
    same(LA.solve, A, matrix(3, 2))
    same(LA.solve, STACK, matrix(3))
    same(LA.solve, STACK, matrix(5, 3, 1))
    # NumPy 2: b with two axes is a matrix, whatever the number of matrices
    same(LA.solve, STACK[0, :3], matrix(3, 3))
    for other in (A, matrix(5, 3, 3)):
        check_grads(lambda a, v: LA.solve(a + 3 * np.eye(3), v), (other, b))


def test_integers_and_mixed_types():
    integers = np.array([[2, 1], [1, 3]])
    np.testing.assert_allclose(grad(lambda b: np.sum(LA.solve(integers, b)))(np.ones(2)), [0.4, 0.2])
    np.testing.assert_allclose(grad(lambda b: np.sum(LA.solve([[2, 1], [1, 3]], b)))(np.ones(2)), [0.4, 0.2])
    single = A.astype(np.float32)
    y, t = jvp(lambda a: LA.solve(a, integers[:, :1].repeat(2, 1).repeat(2, 0)[:3]), (single,), (single,))
    assert y.dtype == t.dtype == np.float64  # as NumPy: integers count as float64
    assert grad(lambda a: np.sum(LA.solve(a, np.ones(3))))(single).dtype == np.float32


def test_constants_stay_constants():
    def f(x):
        base = np.eye(2) * 2.0
        w, _ = LA.eigh(base)
        return np.sum(x * LA.inv(base)) + LA.det(base) * w[0] + LA.norm(base)

    np.testing.assert_array_equal(grad(f)(np.ones((2, 2))), np.eye(2) / 2)


def test_products():
    a, b, c, d = matrix(3), matrix(3, 7), matrix(7, 2), matrix(2)
    np.testing.assert_allclose(vjp(lambda *xs: LA.multi_dot(xs), b, c, d)[0], LA.multi_dot([b, c, d]))
    check_grads(lambda *xs: LA.multi_dot(list(xs)), (a, b, c, d))
    check_grads(lambda x: LA.multi_dot([a, x]), (b,))
    check_grads(lambda x, y: LA.cross(x, y), (matrix(4, 3), matrix(4, 3)))
    check_grads(lambda x, y: LA.cross(x, y, axis=0), (matrix(3, 2), matrix(3, 2)))
    check_grads(lambda x: LA.outer(x, a), (a,))
    check_grads(lambda x: LA.vecdot(x, b, axis=1), (b + 1,))
    check_grads(lambda x: LA.tensordot(x, b, axes=1), (A,))
    check_grads(lambda x: LA.trace(x, offset=1), (STACK,))
    check_grads(LA.diagonal, (STACK[0],))
    check_grads(lambda x: LA.matmul(x, LA.matrix_transpose(x)), (T,))


def test_products_of_many_factors_take_the_cheapest_order():
    # (10×100)(100×5)(5×50): 7500 multiplications from the left, 75000 from the right (Cormen et al., 15.2)
    shapes = []

    class Spy(np.ndarray):
        def __matmul__(self, other):
            shapes.append((self.shape, other.shape))
            return (np.asarray(self) @ np.asarray(other)).view(Spy)

    from wengert.frontend.linalg import multi_dot

    multi_dot([np.ones(s).view(Spy) for s in ((10, 100), (100, 5), (5, 50))])
    assert shapes == [((10, 100), (100, 5)), ((10, 5), (5, 50))]
    shapes.clear()
    multi_dot([np.ones(s).view(Spy) for s in ((50, 5), (5, 100), (100, 10))])
    assert shapes == [((5, 100), (100, 10)), ((50, 5), (5, 10))]


def test_tensors():
    a = matrix(2, 3, 6)
    same(LA.tensorsolve, a, matrix(2, 3))
    same(LA.tensorinv, a)
    moved = matrix(2, 3, 6).transpose(0, 2, 1)
    check_grads(lambda a, b: LA.tensorsolve(a, b, axes=(1,)), (moved, matrix(2, 3)))
    check_grads(lambda a: LA.tensorinv(a, ind=1), (matrix(6, 2, 3),))


# ---- errors


@pytest.mark.parametrize("name", ["inv", "det", "slogdet", "cholesky", "eigh", "eigvalsh"])
def test_matrices_that_are_not_square(name):
    f = getattr(LA, name)
    text = rf"(?s)np.linalg.{name}: Last 2 dimensions of the array must be square.*\(4, 3\)"
    with pytest.raises(LA.LinAlgError, match=text):
        vjp(f, T)
    with pytest.raises(LA.LinAlgError, match="1-dimensional array given"):
        vjp(f, A[0])
    text = r"(?s)array type float16 is unsupported in linalg.*\n  write: x.astype\(float\)"
    with pytest.raises(TypeError, match=text):
        vjp(f, A.astype(np.float16))


@pytest.mark.parametrize(("f", "error", "text"), [
    (lambda a: LA.solve(a, np.ones(4)), ValueError, r"(?s)needs 3 rows.* shape \(4,\).*\n  write: b of"),
    (lambda a: LA.solve(a, 1.0), ValueError, r"b needs 3 rows, and it has shape \(\)"),
    (lambda a: LA.solve(STACK + a, np.ones((4, 3, 1))), ValueError, "do not broadcast"),
    (lambda a: LA.eigh(a, "X"), ValueError, "UPLO argument must be 'L' or 'U', and is 'X'"),
    (lambda a: LA.qr(a, "nonsense"), ValueError, "Unrecognized mode 'nonsense'"),
    (lambda a: LA.matrix_power(a, 1.5), TypeError, "exponent must be an integer, not 1.5"),
    (lambda a: LA.multi_dot([a]), ValueError, "Expecting at least two arrays, got 1"),
    (lambda a: LA.multi_dot([a, T, a]), ValueError, "do not chain"),
    (lambda a: LA.multi_dot([a, STACK, a]), LA.LinAlgError, "must be two-dimensional"),
    (lambda a: LA.cross(a[:, :2], a), ValueError, "they are 2 and 3 dimensional instead"),
    (lambda a: LA.norm(a, 7), ValueError, r"(?s)Invalid norm order for matrices: 7.*\n  write: 'fro'"),
    (lambda a: LA.norm(a[0], "nuc"), ValueError, "Invalid norm order 'nuc' for vectors"),
    (lambda a: LA.norm(STACK * a[0, 0], 2), ValueError, "Improper number of dimensions to norm: ord=2"),
    (lambda a: LA.norm(a, axis=(0, 0)), ValueError, "Duplicate axes given"),
    (lambda a: LA.norm(a, axis="x"), TypeError, "an integer or a tuple of integers, not 'x'"),
    (lambda a: LA.norm(a, axis=2), ValueError, "out of bounds"),
    (lambda a: LA.tensorinv(a, 0), ValueError, "Invalid ind argument"),
    (lambda a: LA.tensorsolve(a[:2], np.ones(2)), LA.LinAlgError, "square system"),
    (lambda a: LA.pinv(a, 1e-9, rtol=1e-9), ValueError, "can't be both set"),
    (lambda a: LA.lstsq(a, np.ones(4)), LA.LinAlgError, r"Incompatible dimensions: a has shape \(3, 3\), b has shape \(4,\)"),
    (lambda a: LA.lstsq(STACK * a[0, 0], np.ones(3)), LA.LinAlgError, "Array must be two-dimensional"),
    (lambda a: LA.eig(a * np.nan), LA.LinAlgError, "Array must not contain infs or NaNs"),
    (lambda a: LA.eigvals(a[:2]), LA.LinAlgError, "must be square"),
    (lambda a: LA.cond(a[:0]), LA.LinAlgError, "cond is not defined on empty arrays"),
])  # fmt: skip
def test_errors_say_what_happened_and_where(f, error, text):
    with pytest.raises(error, match=text) as caught:
        vjp(f, A)
    assert "out of bounds" in text or "test_linalg.py" in str(caught.value)
