import numpy as np
import pytest

from wengert import data
from wengert.errors import DataError

LABELLED = [data.blobs, data.triangle, data.moons, data.circles, data.spirals]


@pytest.mark.parametrize("make", [*LABELLED, data.polynomial_regression])
def test_the_seed_decides(make):
    first, again, other = (make(seed=seed).arrays()[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("make", LABELLED)
def test_sizes_and_labels(make):
    x, labels = make(90).arrays()
    assert x.shape == (90, 2)
    assert sorted(set(labels.tolist())) == list(range(max(labels) + 1))


def test_blobs_have_the_lectures_size_and_spread():
    x, labels = data.blobs().arrays()
    assert len(x) == 200
    assert np.bincount(labels).tolist() == [100, 100]
    residuals = x - np.array([(1.0, 4.3), (2.1, 0.9)])[labels]
    assert residuals.std() == pytest.approx(0.3, rel=0.1)


def test_blobs_take_centers_and_spread():
    x, labels = data.blobs(30, spread=0.0, centers=[(0, 0), (1, 2), (3, 4)]).arrays()
    np.testing.assert_array_equal(x[labels == 2], np.full((10, 2), (3, 4)))


def test_triangle_by_barycentric_coordinates():
    x, labels = data.triangle(500).arrays()
    corners = np.array([(-0.8, -0.7), (0.8, -0.7), (0.0, 0.8)])
    system = np.vstack([corners.T, np.ones(3)])
    weights = np.linalg.solve(system, np.vstack([x.T, np.ones(len(x))]))
    np.testing.assert_array_equal(labels == 1, (weights > 0).all(axis=0))
    assert np.abs(x).max() <= 1
    # the triangle has 1.2 of the square's 4
    assert labels.mean() == pytest.approx(0.3, abs=0.07)


def test_moons_without_noise_lie_on_half_circles():
    x, labels = data.moons(noise=0.0).arrays()
    centers, signs = np.array([(0.0, 0.0), (1.0, 0.5)])[labels], np.array([1, -1])[labels]
    np.testing.assert_allclose(np.hypot(*(x - centers).T), 1.0)
    assert ((x - centers)[:, 1] * signs >= 0).all()


def test_circles_without_noise_have_their_radius():
    x, labels = data.circles(noise=0.0, factor=0.3).arrays()
    np.testing.assert_allclose(np.hypot(*x.T), np.array([1.0, 0.3])[labels])


def test_spirals_wind_with_their_radius():
    x, labels = data.spirals(arms=2, noise=0.0, turns=1.0).arrays()
    radius, angle = np.hypot(*x.T), np.arctan2(x[:, 1], x[:, 0])
    expected = 2 * np.pi * radius + np.pi * labels
    np.testing.assert_allclose(np.exp(1j * angle), np.exp(1j * expected), atol=1e-12)


def test_polynomial_regression_is_a_cosine_and_noise():
    x, y = data.polynomial_regression(1000).arrays()
    residuals = y - np.cos(1.5 * np.pi * x[:, 0])
    assert residuals.std() == pytest.approx(0.1, rel=0.1)
    assert (np.diff(x[:, 0]) >= 0).all()


def test_too_few_points():
    with pytest.raises(DataError, match="2 points are too few: there are 3 groups"):
        data.spirals(2)


@pytest.mark.parametrize("name", data.BUILT_IN)
def test_built_in_sets_load_by_name_and_can_be_encoded(name):
    table = data.load(name)
    assert table.name == name
    encoding = data.Encoding.fit(table)
    assert encoding.inputs(table).shape == (len(table), len(encoding.features))
    assert encoding.task == ("regression" if name in ("diabetes", "polynomial_regression") else "classification")
