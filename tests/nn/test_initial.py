"""Initial values against the variances and limits of the papers."""

import numpy as np
import pytest

from wengert import nn, random
from wengert.errors import ModelError
from wengert.nn import initial

INPUTS, OUTPUTS = 300, 500
# name -> (variance, largest possible number)
EXPECTED = {
    "xavier_uniform": (2 / 800, np.sqrt(6 / 800)),
    "glorot_uniform": (2 / 800, np.sqrt(6 / 800)),
    "xavier_normal": (2 / 800, np.inf),
    "glorot_normal": (2 / 800, np.inf),
    "he_uniform": (2 / 300, np.sqrt(6 / 300)),
    "he_normal": (2 / 300, np.inf),
    "lecun_uniform": (1 / 300, np.sqrt(3 / 300)),
    "lecun_normal": (1 / 300, np.inf),
    "normal": (1e-4, np.inf),
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_variance_and_limit(name, dtype):
    w = initial.by_name(name)(random.key(1), (INPUTS, OUTPUTS), dtype)
    variance, limit = EXPECTED[name]
    assert w.shape == (INPUTS, OUTPUTS)
    assert w.dtype == dtype
    assert abs(float(w.mean())) < 5 * np.sqrt(variance / w.size)
    assert float(w.var()) == pytest.approx(variance, rel=0.02)
    assert float(np.abs(w).max()) <= limit
    if np.isfinite(limit):
        assert float(np.abs(w).max()) > 0.999 * limit


@pytest.mark.parametrize(("name", "value"), [("zeros", 0), ("ones", 1), ("constant", 0.1)])
def test_constants(name, value):
    w = initial.by_name(name)(random.key(0), (2, 3), np.float32)
    assert w.dtype == np.float32
    np.testing.assert_array_equal(w, np.full((2, 3), value, np.float32))


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
def test_orthogonal(shape):
    w = initial.by_name("orthogonal")(random.key(0), shape, np.float64)
    assert w.shape == shape
    small = w.T @ w if shape[0] >= shape[1] else w @ w.T
    np.testing.assert_allclose(small, np.eye(min(shape)), atol=1e-14)


def test_orthogonal_matrices_point_everywhere():
    # the factor Q of a QR factorisation alone has a first entry of one sign
    corners = [initial.orthogonal(key, (3, 3))[0, 0] for key in random.split(random.key(0), 60)]
    assert 15 < sum(corner > 0 for corner in corners) < 45


def test_another_key_gives_other_values():
    he = initial.by_name("he_normal")
    a, b = (he(random.key(seed), (3, 3), np.float64) for seed in (0, 1))
    assert not np.array_equal(a, b)


def test_refusals():
    with pytest.raises(ModelError, match='did you mean "he_normal"'):
        initial.by_name("he_norma")
    with pytest.raises(ModelError, match=r"not for shape \(3,\)"):
        initial.orthogonal(random.key(0), (3,))
    with pytest.raises(ModelError, match="no initial value 'no'"):
        nn.mlp(random.key(0), [2, 1], init="no")
