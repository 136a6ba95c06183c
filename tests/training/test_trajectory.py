"""Paths of optimisers: the points of loops written by hand, bounded memory, kept where they break off."""

import numpy as np
import pytest

from wengert import nn, optim, pytree, random, training
from wengert.errors import DataError, ModelError, ShapeError
from wengert.training import Layout, Trajectory, TrajectoryRecorder, fit, trajectory

A = np.array([[3.0, 0.5], [0.5, 1.0]])
START = np.array([1.0, -2.0])


def quadratic(x):
    return 0.5 * x @ A @ x


def by_hand(update, steps):
    """The points of θ ← θ − update(gradient, t)."""
    points = [START]
    for t in range(1, steps + 1):
        points.append(points[-1] - update(A @ points[-1], t))
    return np.array(points)


def heavy_ball(rate, decay):
    v = np.zeros(2)

    def update(g, _t):
        nonlocal v
        v = decay * v + g
        return rate * v

    return update


def adaptive_moments(rate, b1=0.9, b2=0.999, eps=1e-8):
    m = v = np.zeros(2)

    def update(g, t):
        nonlocal m, v
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        return rate * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)

    return update


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("optimizer", "update"),
    [
        (optim.sgd(0.1), lambda: lambda g, t: 0.1 * g),
        (optim.momentum(0.05, 0.8), lambda: heavy_ball(0.05, 0.8)),
        (optim.adam(0.2), lambda: adaptive_moments(0.2)),
    ],
    ids=["sgd", "momentum", "adam"],
)
def test_points_are_those_of_a_loop_written_by_hand(optimizer, update, compiled):
    path = trajectory(quadratic, START, optimizer, steps=40, compiled=compiled)
    points = by_hand(update(), 40)
    np.testing.assert_allclose(path.points, points, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(path.losses, [0.5 * p @ A @ p for p in points], rtol=1e-12)
    assert path.steps.tolist() == list(range(41))


def test_the_lectures_descent_stops_where_points_no_longer_move():
    path = trajectory(quadratic, START, optim.sgd(0.1), until=1e-4)
    descent = optim.gradient_descent(quadratic, START, step=0.1, tol=1e-4, record=True)
    assert path.ended == "converged" and len(path) == len(descent.trajectory)
    np.testing.assert_allclose(path.points, np.array(descent.trajectory), rtol=1e-13)
    moves = np.linalg.norm(np.diff(path.points, axis=0), axis=1)
    assert moves[-1] <= 1e-4 < moves[-2]


def test_trees_come_back_as_they_were():
    start = {"w": np.array([[1.0, 2.0]], np.float32), "b": 3}
    path = trajectory(lambda p: np.sum(p["w"] ** 2) + p["b"] ** 2, start, optim.sgd(0.25), steps=1)
    assert path[0]["w"].dtype == np.float32 and path[0]["w"].shape == (1, 2)
    assert path[1]["b"] == 1.5 and path[1]["w"].tolist() == [[0.5, 1.0]]
    assert [type(tree) for tree in path] == [dict, dict]


def test_name_and_rate_are_the_optimisers():
    chained = optim.chain(optim.clip_by_global_norm(1.0), optim.adam(0.01))
    path = trajectory(quadratic, START, chained, steps=1)
    assert (path.name, path.learning_rate) == ("adam", 0.01)
    assert trajectory(quadratic, START, chained, steps=1, name="mine").name == "mine"
    assert [o(0.1).name for o in (optim.sgd, optim.momentum, optim.nesterov, optim.adagrad, optim.rmsprop, optim.adamw)] == [
        "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adamw",
    ]  # fmt: skip


def test_long_paths_are_thinned_evenly_and_keep_their_ends():
    path = trajectory(quadratic, START, optim.sgd(1e-4), steps=5000, most=100)
    whole = trajectory(quadratic, START, optim.sgd(1e-4), steps=5000, most=10_000)
    assert len(path) <= 101 and (path.steps[0], path.steps[-1]) == (0, 5000)
    assert set(np.diff(path.steps[:-1])) == {path.stride}
    np.testing.assert_array_equal(path.points, whole.points[path.steps])


def test_a_path_that_swings_still_swings_when_it_is_thinned():
    path = trajectory(lambda x: x @ x, np.array([1.0]), optim.sgd(0.999), steps=300, most=40)
    assert path.stride > 1 and np.all(path.points[:-2] * path.points[1:-1] < 0)


def test_memory_is_bounded_and_large_points_are_narrow():
    size = 150_000
    path = trajectory(lambda x: np.sum(x**2), np.ones(size), optim.sgd(1e-3), steps=40, memory=10 * size * 4)
    assert path.points.dtype == np.float32 and path.points.nbytes <= 11 * size * 4
    assert path[0].dtype == np.float64


def test_what_diverges_ends_there_with_finite_points():
    path = trajectory(quadratic, START, optim.sgd(10.0), steps=5000)
    assert path.ended == "diverged" and path.steps[-1] < 5000
    assert np.isfinite(path.points).all()


@pytest.mark.parametrize("steps", [10, 1000])
def test_ctrl_c_keeps_what_was_recorded(steps):
    calls = []

    def f(x):
        calls.append(1)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return x @ x

    path = trajectory(f, START, optim.sgd(0.1), steps=steps, compiled=False)
    assert path.ended == "interrupted" and len(path) == 7
    np.testing.assert_allclose(path.points, START * 0.8 ** np.arange(7)[:, None])


def test_what_cannot_be_staged_goes_on_in_python():
    path = trajectory(lambda x: x @ x if x[0] > 0 else 2 * x @ x, START, optim.sgd(0.1), steps=400)
    assert len(path) == 401


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ({"z": 1 + 1j}, "z is complex"),
        ({"name": "x"}, "name is no number"),
        ({}, "nothing is learned"),
        (None, "nothing is learned"),
    ],
)
def test_what_is_no_point_is_refused_by_name(start, words):
    with pytest.raises(ModelError, match=words):
        trajectory(lambda p: 0.0, start, optim.sgd(0.1))


@pytest.mark.parametrize(
    "options", [{"steps": -1}, {"steps": 2.5}, {"most": 1}, {"memory": 0}, {"until": -1}, {"until": "x"}]
)
def test_options_without_sense_are_refused(options):
    with pytest.raises(ModelError):
        trajectory(quadratic, START, optim.sgd(0.1), **options)


def test_a_number_is_no_optimiser():
    with pytest.raises(ModelError, match=r"optim.sgd\(0.1\)"):
        trajectory(quadratic, START, 0.1)


# ---- in training


def model_and_data():
    x = np.linspace(-1, 1, 40)[:, None]
    return nn.mlp(random.key(0), [1, 6, 1]), x, x**2


def recorded(every, compiled=False, epochs=3, **options):
    model, x, y = model_and_data()
    record = TrajectoryRecorder(every)
    fit(model, x, y, loss=nn.mse, optimizer=optim.sgd(0.1), epochs=epochs, batch_size=10, validation=None, progress="none",
        callbacks=[record], compiled=compiled, **options)  # fmt: skip
    return record.trajectory


def test_the_recorder_has_the_start_and_every_epoch():
    model, x, y = model_and_data()
    seen = []
    record = TrajectoryRecorder()
    result = fit(model, x, y, loss=nn.mse, optimizer=optim.sgd(0.1), epochs=3, validation=None, progress="none",
                 callbacks=[record, lambda told: seen.append(told.model)])  # fmt: skip
    path = record.trajectory
    layout = Layout(model)
    np.testing.assert_array_equal(path.points, [layout.row(tree) for tree in [model, *seen]])
    assert np.isnan(path.losses[0]) and path.losses[1:].tolist() == result.history["loss"]
    assert (
        path.unit == "epoch" and repr(path) == "<Trajectory sgd, learning rate 0.1: 4 points of 19 numbers, to epoch 3>"
    )


@pytest.mark.parametrize("compiled", [False, True])
def test_the_recorder_has_every_third_step(compiled):
    path = recorded(3, compiled)
    assert path.steps.tolist() == [0, 3, 6, 9, 12] and path.unit == "step"
    np.testing.assert_allclose(path.points, recorded(1).points[::3], rtol=1e-12)


def test_pauses_do_not_change_what_is_learned():
    model, x, y = model_and_data()
    plain = fit(model, x, y, loss=nn.mse, optimizer=optim.sgd(0.1), epochs=3, batch_size=10, validation=None,
                progress="none", compiled=True)  # fmt: skip
    np.testing.assert_array_equal(recorded(3, True).points[-1], Layout(model).row(plain.model))


def test_a_recorder_keeps_what_it_has_after_ctrl_c():
    def stop(told):
        if told.number == 2:
            raise KeyboardInterrupt

    model, x, y = model_and_data()
    record = TrajectoryRecorder()
    fit(model, x, y, loss=nn.mse, optimizer=optim.sgd(0.1), epochs=9, progress="none", callbacks=[record, stop])
    assert record.trajectory.steps.tolist() == [0, 1, 2]


def test_a_recorder_begins_anew_with_each_training():
    model, x, y = model_and_data()
    record = TrajectoryRecorder()
    for epochs in (4, 2):
        fit(model, x, y, loss=nn.mse, optimizer=optim.sgd(0.1), epochs=epochs, progress="none", callbacks=[record])
    assert len(record.trajectory) == 3


def test_a_recorder_says_that_training_diverged_and_forgets_it():
    model, x, y = model_and_data()
    record = TrajectoryRecorder(every=1)
    with pytest.raises(ModelError), np.errstate(all="ignore"):
        fit(model, x, y, loss=nn.mse, optimizer=optim.sgd(1e200), epochs=9, progress="none", callbacks=[record])
    assert record.trajectory.ended == "diverged"
    fit(model, x, y, loss=nn.mse, optimizer=optim.sgd(0.1), epochs=2, progress="none", callbacks=[record])
    assert record.trajectory.ended == "steps"


def test_a_recorder_that_was_not_used_says_so():
    with pytest.raises(DataError, match="nothing was recorded"):
        TrajectoryRecorder().trajectory  # noqa: B018
    with pytest.raises(ModelError, match="every is 0"):
        TrajectoryRecorder(0)


def test_what_a_model_remembers_is_no_part_of_its_path():
    model = nn.Sequential([nn.Dense(np.ones((1, 3))), nn.BatchNorm.init(3), nn.Dense(np.ones((3, 1)))])
    x = np.linspace(-1, 1, 40)[:, None]
    record = TrajectoryRecorder()
    result = fit(model, x, x, loss=nn.mse, optimizer=optim.sgd(0.1), epochs=2, validation=None, progress="none",
                 callbacks=[record])  # fmt: skip
    path = record.trajectory
    assert path.layout.size == nn.count_parameters(model)
    for mine, its in zip(pytree.leaves(path[-1]), pytree.leaves(result.model), strict=True):
        np.testing.assert_array_equal(mine, its)


# ---- rows and names


def test_elements_are_found_by_the_names_one_writes():
    layout = Layout(nn.mlp(random.key(0), [2, 3, 1]))
    assert layout.place("layers[0].weight[1, 2]") == layout.place(".layers[0].weight[1,-1]") == 5
    assert layout.name(5) == "layers[0].weight[1, 2]" and layout.names()[5] == layout.name(5)
    assert Layout({"a": {"w": 1.0}, "b": 2.0}).place("['a']['w']") == Layout({"a": {"w": 1.0}}).place("a.w") == 0
    for wrong in ("layers[0].weight", "layers[0].weight[9, 0]", "layers[0].weight[0]", "w"):
        with pytest.raises(DataError, match="layers"):
            layout.place(wrong)


def test_dicts_in_another_order_are_the_same_tree():
    layout = Layout({"a": 1.0, "b": 2.0})
    assert layout.row({"b": 4.0, "a": 3.0}).tolist() == [3.0, 4.0]
    with pytest.raises(ShapeError):
        layout.row({"a": 1.0, "c": 2.0})
    with pytest.raises(ShapeError, match="b has shape"):
        layout.row({"a": 1.0, "b": np.zeros(2)})


def test_points_recorded_elsewhere_become_a_path():
    path = Trajectory.of([{"x": 1.0}, {"x": 0.5}], [1.0, 0.25], name="mine")
    assert path.points.tolist() == [[1.0], [0.5]] and path[1] == {"x": 0.5}
    with pytest.raises(DataError, match="as many losses"):
        Trajectory.of([1.0, 2.0], [1.0])
    with pytest.raises(DataError, match="one point at least"):
        Trajectory.of([])
    assert training.Trajectory is Trajectory
