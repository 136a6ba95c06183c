"""Loss surfaces: planes by NumPy's svd, values that are f's own, minima in closed form, pictures that fit."""

import json
import math
import re
import warnings
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import wengert
from wengert import nn, optim, random, training
from wengert.errors import DataError, ModelError
from wengert.explain.surface import Evaluator, principal_plane, random_plane
from wengert.training import Layout, Trajectory, trajectory

SVG = "{http://www.w3.org/2000/svg}"


def rosenbrock(p):
    return (1 - p["x"]) ** 2 + 100 * (p["y"] - p["x"] ** 2) ** 2


def himmelblau(p):
    x, y = p
    return (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2


def bowl(p):
    return np.sum(np.array([0.2, 1.0, 5.0, 25.0]) * (p - 1.0) ** 2) + 0.1 * p[0] ** 4


@pytest.fixture(scope="module")
def race():
    """Two optimisers on a function of four parameters."""
    return {
        "sgd": trajectory(bowl, np.array([-1.0, 2.0, 0.3, 3.0]), optim.sgd(0.036), steps=40),
        "adam": trajectory(bowl, np.array([-1.0, 2.0, 0.3, 3.0]), optim.adam(0.2), steps=40),
    }


@pytest.fixture(scope="module")
def surface(race):
    return wengert.draw_surface(bowl, race, resolution=31)


# ---- the plane


@pytest.mark.parametrize("shape", [(5, 40), (40, 5), (7, 7), (2, 9)])
def test_principal_directions_are_those_of_numpys_svd(rng, shape):
    points = rng.normal(size=shape) * np.geomspace(1, 1e-4, shape[1])
    plane = principal_plane(points, points[-1])
    centred = points - points.mean(0)
    _, s, vh = np.linalg.svd(centred, full_matrices=False)
    kept = 1 if shape[0] == 2 else 2  # two points have one direction
    for mine, its in list(zip(plane.directions, vh, strict=False))[:kept]:
        np.testing.assert_allclose(abs(mine @ its), 1.0, rtol=1e-12)
    np.testing.assert_allclose(plane.explained[:kept], (s**2 / np.sum(s**2))[:kept], rtol=1e-9)
    np.testing.assert_allclose(plane.directions @ plane.directions.T, np.eye(2), atol=1e-12)


def test_explained_variance_by_hand():
    # variances 8, 2 and 0 of these points along the axes: 80 % and 20 %
    points = np.array([[4.0, 0, 0], [-4, 0, 0], [0, 2, 0], [0, -2, 0]]) / 2 + 5
    plane = principal_plane(points, points[0])
    np.testing.assert_allclose(plane.explained, (0.8, 0.2))
    assert np.abs(plane.directions).round(12).tolist() == [[1, 0, 0], [0, 1, 0]]


def test_the_surface_states_the_shares(surface, race):
    points = np.concatenate([path.points for path in race.values()])
    s = np.linalg.svd(points - points.mean(0), compute_uv=False)
    np.testing.assert_allclose(surface.explained, s[:2] ** 2 / np.sum(s**2), rtol=1e-10)
    share = f"{100 * sum(surface.explained):.1f}%"
    assert share in surface.html() and share in surface.svg()


def test_places_and_distances_are_a_right_angle(surface, race):
    for course, path in zip(surface.scene.courses, race.values(), strict=True):
        plane = surface.scene.plane
        by_hand = (path.points - plane.origin) @ plane.directions.T
        np.testing.assert_allclose(course.places, by_hand, atol=1e-12)
        away = np.linalg.norm(path.points - plane.origin - by_hand @ plane.directions, axis=1)
        np.testing.assert_allclose(course.distances, away, atol=1e-10)


def test_the_plane_goes_through_the_lowest_end_or_where_it_is_told(race):
    for origin, point in (("start", race["sgd"].points[0]), (np.ones(4), np.ones(4)),
                          ("mean", np.concatenate([p.points for p in race.values()]).mean(0))):  # fmt: skip
        plane = wengert.draw_surface(bowl, race, origin=origin, resolution=5).scene.plane
        np.testing.assert_allclose(plane.origin, point)
    lowest = min(race.values(), key=lambda path: bowl(path.points[-1]))
    np.testing.assert_allclose(wengert.draw_surface(bowl, race, resolution=5).scene.plane.origin, lowest.points[-1])


def test_random_directions_are_as_long_as_the_filters():
    model = nn.mlp(random.key(0), [5, 4, 3])
    layout = Layout(model)
    origin = layout.row(model)
    plane = random_plane(layout, origin, seed=3)
    for direction in plane.directions:
        tree = layout.tree(direction)
        for k in (0, 2):
            norms = [np.linalg.norm(m.layers[k].weight, axis=0) for m in (tree, model)]
            np.testing.assert_allclose(*norms, rtol=1e-12)
            assert not tree.layers[k].bias.any()
    assert (random_plane(layout, origin, seed=3).directions == plane.directions).all()
    assert (random_plane(layout, origin, seed=4).directions != plane.directions).any()


# ---- the values


def test_values_on_the_plane_are_those_of_the_function(surface):
    scene = surface.scene
    for i, j in [(0, 0), (3, 17), (30, 30), (12, 5)]:
        theta = (
            scene.plane.origin
            + scene.grid.xs[j] * scene.plane.directions[0]
            + scene.grid.ys[i] * scene.plane.directions[1]
        )
        assert scene.grid.values[i, j] == pytest.approx(bowl(theta), rel=1e-12)


def test_true_losses_and_those_on_the_plane_are_those_of_the_function(surface, race):
    for course, path in zip(surface.scene.courses, race.values(), strict=True):
        np.testing.assert_allclose(course.losses, [bowl(p) for p in path.points], rtol=1e-12)
        projected = surface.scene.plane.points(course.places)
        np.testing.assert_allclose(course.on_plane, [bowl(p) for p in projected], rtol=1e-12)
        np.testing.assert_allclose(course.gaps, course.on_plane - course.losses)


def test_models_are_values_of_the_plane_too():
    x = np.linspace(-1, 1, 20)[:, None]
    model = nn.mlp(random.key(0), [1, 5, 1], dtype=np.float32)
    loss = lambda m: nn.mse(m(x.astype(np.float32)), x**2)
    path = trajectory(loss, model, optim.adam(0.05), steps=20)
    scene = wengert.draw_surface(loss, path, resolution=7).scene
    theta = scene.plane.points(np.array([[scene.grid.xs[2], scene.grid.ys[5]]]))[0]
    assert scene.grid.values[5, 2] == pytest.approx(float(loss(path.layout.tree(theta))), rel=1e-5)


@pytest.mark.parametrize("memory", [1, 2000, 2**25])
def test_batches_do_not_change_values(memory):
    layout = Layout(np.zeros(4))
    evaluator = Evaluator(bowl, layout, memory)
    rows = np.random.default_rng(0).normal(size=(37, 4))
    np.testing.assert_allclose(evaluator.at(rows), [bowl(row) for row in rows], rtol=1e-12)
    assert evaluator.batch == max(1, memory // int(8 * evaluator.numbers))


def test_functions_that_cannot_be_staged_are_called():
    branching = lambda p: p[0] ** 2 if p[0] > 0 else -p[0]
    plain = lambda p: math.log(float(p[0])) if p[0] < 5 else 1.0
    for f in (branching, plain):
        evaluator = Evaluator(f, Layout(np.zeros(2)))
        assert evaluator.at(np.array([[2.0, 0.0], [0.5, 1.0]])).tolist() == [f([2.0, 0]), f([0.5, 1])]
    assert np.isnan(evaluator.at(np.array([[-1.0, 0.0]]))).all()  # outside of log's domain


# ---- minima


def test_linear_regression_has_its_closed_form_minimum_and_ellipses(rng):
    x = rng.normal(size=60) + 0.8
    y = 2 * x + 1 + 0.3 * rng.normal(size=60)
    design = np.stack([x, np.ones(60)], 1)
    mse = lambda p: np.mean((p["w"] * x + p["b"] - y) ** 2)
    path = trajectory(mse, {"w": -1.0, "b": 3.0}, optim.sgd(0.1), steps=60)
    surface = wengert.draw_surface(mse, path)
    exact = np.linalg.lstsq(design, y, rcond=None)[0]
    np.testing.assert_allclose(surface.minimum.place, exact, atol=1e-6)
    assert surface.minimum.value == pytest.approx(mse({"w": exact[0], "b": exact[1]}), rel=1e-10)
    # contour lines are ellipses with the Hessian's axes: √(2 c/λ) long at the height c over the minimum
    values, axes = np.linalg.eigh(2 / 60 * design.T @ design)
    grid, height = surface.scene.grid, 0.4
    lines = wengert.explain.surface.contour_lines(grid.xs, grid.ys, grid.values, surface.minimum.value + height)
    (line,) = lines
    along = (line - exact) @ axes
    np.testing.assert_allclose(np.abs(along).max(0), np.sqrt(2 * height / values), rtol=2e-3)


def test_himmelblaus_function_has_four_minima():
    path = trajectory(himmelblau, np.zeros(2), optim.adam(0.3), steps=30)
    found = wengert.draw_surface(himmelblau, path, window=((-6, 6), (-6, 6))).scene.minima
    published = [(3.0, 2.0), (-2.805118, 3.131312), (-3.779310, -3.283186), (3.584428, -1.848126)]
    assert len(found) == 4
    for place in published:
        assert min(np.hypot(*np.subtract(place, low.place)) for low in found) < 1e-5


def test_a_window_without_a_minimum_marks_none():
    path = trajectory(lambda p: p[0] + p[1] ** 2, np.zeros(2), optim.sgd(0.1), steps=5)
    assert wengert.draw_surface(lambda p: p[0] + p[1] ** 2, path).minimum is None


# ---- what may be given


def test_elements_are_chosen_by_name_number_or_direction(race):
    path = race["sgd"]
    named = wengert.draw_surface(bowl, path, along=("p[0]", "[2]"), resolution=5).scene
    counted = wengert.draw_surface(bowl, path, along=(0, -2), resolution=5).scene
    np.testing.assert_allclose(named.grid.values, counted.grid.values)
    assert named.plane.names == ("p[0]", "p[2]")
    # places are the elements' own values
    np.testing.assert_allclose(named.courses[0].places, path.points[:, [0, 2]], atol=1e-12)
    slanted = wengert.draw_surface(bowl, path, along=(np.array([1.0, 1, 0, 0]), 2), resolution=5).scene
    np.testing.assert_allclose(
        slanted.courses[0].places[0],
        np.linalg.lstsq(slanted.plane.directions.T, path.points[0] - slanted.plane.origin)[0],
    )


def test_paths_of_one_name_are_told_apart():
    paths = [trajectory(himmelblau, np.zeros(2), optim.sgd(rate), steps=3) for rate in (0.01, 0.02, 0.02)]
    names = [c.name for c in wengert.draw_surface(himmelblau, paths, resolution=5).scene.courses]
    assert names == ["sgd, λ = 0.01", "sgd, λ = 0.02 (1)", "sgd, λ = 0.02 (2)"]


def test_recorders_and_descents_are_paths_too():
    x = np.linspace(-1, 1, 20)[:, None]
    record = training.TrajectoryRecorder(every=1)
    training.fit(nn.mlp(random.key(0), [1, 2, 1]), x, x, loss=nn.mse, optimizer=optim.sgd(0.1), epochs=4, progress="none",
                 validation=None, callbacks=[record])  # fmt: skip
    loss = lambda m: nn.mse(m(x), x)
    assert wengert.draw_surface(loss, record, resolution=5).scene.courses[0].name == "sgd"
    descent = optim.gradient_descent(himmelblau, np.zeros(2), 0.01, record=True)
    assert wengert.draw_surface(himmelblau, descent, resolution=5).scene.courses[0].name == "gradient descent"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: wengert.draw_surface(bowl, []), "no path"),
        (lambda: wengert.draw_surface(bowl, Trajectory.of([np.zeros(4)])), "no directions: it has one point"),
        (lambda: wengert.draw_surface(bowl, Trajectory.of([np.ones(4)] * 3)), "3 points are one and the same"),
        (lambda: wengert.draw_surface(bowl, {"a": Trajectory.of([{"w": 1.0, "b": 2.0}]),
                                             "b": Trajectory.of([{"w": 1.0, "c": np.zeros(2)}])}),
         r'"a" and "b".*b of shape \(\) against c of shape \(2,\)'),
        (lambda: wengert.draw_surface(lambda p: p, Trajectory.of([np.zeros(2)])), r"an array of shape \(2,\)"),
        (lambda: wengert.draw_surface(lambda p: 1j * p[0], Trajectory.of([np.zeros(2)])), "complex"),
        (lambda: wengert.draw_surface(bowl, Trajectory.of([np.zeros(4), np.ones(4)]), along=("w", "b")), r'"w"; there are \[0\]'),
        (lambda: wengert.draw_surface(bowl, Trajectory.of([np.zeros(4), np.ones(4)]), along=("p[0]", "p[9]")), r"p\[9\]"),
        (lambda: wengert.draw_surface(bowl, Trajectory.of([np.zeros(4), np.ones(4)]), along=(1, 1)), "one direction"),
        (lambda: wengert.draw_surface(bowl, Trajectory.of([np.zeros(4), np.ones(4)]), along=(1,)), "two names"),
        (lambda: wengert.draw_surface(bowl, Trajectory.of([np.zeros(4), np.ones(4)]), along=(1, 9)), "no element 9"),
        (lambda: wengert.draw_surface(bowl, Trajectory.of([np.zeros(4), np.ones(4)]), along="pca"), "principal"),
        (lambda: wengert.draw_surface(bowl, Trajectory.of([np.zeros(4), np.ones(4)]), window=((0, 0), (0, 1))), "window"),
        (lambda: wengert.draw_surface(bowl, Trajectory.of([np.zeros(4), np.ones(4)]), resolution=2), "resolution"),
        (lambda: wengert.draw_surface(bowl, np.zeros(4)), "training.trajectory"),
        (lambda: wengert.draw_surface(bowl, optim.gradient_descent(bowl, np.zeros(4), 0.01)), "record=True"),
    ],
)  # fmt: skip
def test_what_makes_no_picture_is_refused_in_words(call, words):
    with pytest.raises(DataError, match=re.compile(words, re.DOTALL)):
        call()


def test_points_that_lie_nowhere_are_left_out_and_a_path_of_them_is_refused():
    points = [np.array([1.0, 2.0]), np.array([np.nan, 0.0]), np.array([0.5, 1.0])]
    surface = wengert.draw_surface(lambda p: p @ p, Trajectory.of(points, [5.0, 1.0, 1.25]))
    assert len(surface.html()) > 1000
    with pytest.raises(DataError, match='no point of the path "lost" is finite'):
        wengert.draw_surface(lambda p: p @ p, Trajectory.of([points[1]], name="lost"))
    with pytest.raises(DataError, match="not NoneType"):
        wengert.draw_surface(lambda p: p @ p, None)


def test_losses_near_the_end_of_floats_have_a_minimum_and_no_warning():
    path = Trajectory.of([np.array([1.0, 1.0]), np.array([0.5, 0.5])])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        surface = wengert.draw_surface(
            lambda p: 1e200 * ((p[0] - 0.5) ** 2 + p[1] ** 2), path, window=((-1, 1), (-1, 1))
        )
    np.testing.assert_allclose(surface.minimum.place, [0.5, 0.0], atol=2e-3)


def test_complex_parameters_are_refused_by_name():
    with pytest.raises(ModelError, match="z is complex"):
        Trajectory.of([{"z": 1j}])


def test_errors_of_the_function_are_its_own():
    with pytest.raises(ZeroDivisionError):
        wengert.draw_surface(lambda p: 1 / 0, Trajectory.of([np.zeros(2), np.ones(2)]))


# ---- pictures


def elements(text, tag):
    return list(ET.fromstring(text).iter(SVG + tag))


def classed(text, name):
    return [e for e in ET.fromstring(text).iter() if e.get("class") == name]


def test_a_picture_is_wellformed_and_the_same_again(surface, race):
    svg = surface.svg()
    ET.fromstring(svg)
    assert svg == wengert.draw_surface(bowl, race, resolution=31).svg()
    assert surface.html() == wengert.draw_surface(bowl, race, resolution=31).html()


def test_a_theme_writes_its_colours_out(surface):
    for theme, paper in (("light", "#ffffff"), ("dark", "#181b20")):
        svg = surface.svg(theme)
        assert "var(" not in svg and "<style" not in svg and paper in svg
        ET.fromstring(svg)


def test_where_the_map_misleads_the_path_is_dashed():
    # the path swings out of its plane, where the function is steep
    x = np.linspace(-5.0, 0.0, 40)
    points = np.stack([x, 0.5 * x**2, 0.3 * np.sin(2 * x)], 1)
    steep = lambda p: p[0] ** 2 + p[1] ** 2 + 500 * p[2] ** 2
    surface = wengert.draw_surface(steep, Trajectory.of(list(points)), resolution=21)
    scene, course = surface.scene, surface.scene.courses[0]
    bands = [np.searchsorted(scene.levels.values, values, side="right") for values in (course.losses, course.on_plane)]
    np.testing.assert_array_equal(scene.apart(course), np.abs(bands[0] - bands[1]) > 1)
    assert scene.apart(course).any() and not scene.apart(course).all()
    assert course.gaps[np.argmax(course.distances)] < -10  # the plane knows nothing of the steep direction
    dashed, told = (classed(surface.svg(), name)[0].get("d") for name in ("apart", "told"))
    assert dashed and told and "dashed" in surface.svg()


def test_of_two_parameters_nothing_is_projected():
    path = trajectory(himmelblau, np.zeros(2), optim.sgd(0.01), steps=9)
    surface = wengert.draw_surface(himmelblau, path, resolution=9)
    assert surface.explained == () and not surface.scene.apart(surface.scene.courses[0]).any()
    assert "distance from the plane" not in surface.svg() and "p[0]" in surface.svg()


def test_of_one_parameter_there_is_a_curve():
    f = lambda x: np.sin(3 * x) + x * x / 2
    surface = wengert.draw_surface(f, trajectory(f, 3.0, optim.sgd(0.1), steps=30))
    assert surface.scene.grid.values.shape == (1, 401)
    np.testing.assert_allclose(surface.scene.grid.values[0], f(surface.scene.grid.xs), rtol=1e-12)
    ET.fromstring(surface.svg())


def test_what_is_not_finite_is_hatched():
    f = lambda p: -np.log(p[0] * (1 - p[0])) - np.log(p[1]) + p[1]
    path = trajectory(f, np.array([0.1, 0.2]), optim.adam(0.02), steps=30)
    surface = wengert.draw_surface(f, path, window=((-0.5, 1.5), (-0.5, 2)), resolution=41)
    (unknown,) = classed(surface.svg(), "unknown")
    assert unknown.get("fill").startswith("url(#") and "hatched" in surface.svg()
    assert len(elements(surface.svg(), "pattern")) == 1


def test_a_path_that_diverges_does_not_set_the_window():
    paths = [trajectory(bowl, np.zeros(4), optim.sgd(rate), steps=400) for rate in (0.3, 0.03)]
    surface = wengert.draw_surface(bowl, paths, resolution=15)
    tame = surface.scene.courses[1].places
    assert np.ptp(surface.scene.grid.xs) < 10 * np.ptp(tame[:, 0])
    assert "diverged" in surface.svg() and "e+" not in surface.svg()
    # nor does one that is only on its way there
    rising = trajectory(bowl, np.zeros(4), optim.sgd(0.09), steps=40)
    assert rising.ended == "steps" and rising.losses[-1] > 1e6
    both = wengert.draw_surface(bowl, [rising, paths[1]], resolution=15)
    assert np.ptp(both.scene.grid.xs) < 10 * np.ptp(both.scene.courses[1].places[:, 0])
    alone = wengert.draw_surface(bowl, paths[0], resolution=15)
    assert np.ptp(alone.scene.grid.xs) < 100


def test_long_paths_make_small_pages():
    path = trajectory(lambda p: p @ p, np.array([1.0, 2.0]), optim.sgd(1e-4), steps=20_000)
    assert len(wengert.draw_surface(lambda p: p @ p, path, resolution=31).html()) < 200_000


def test_names_are_escaped():
    path = Trajectory.of([np.zeros(2), np.ones(2)])
    surface = wengert.draw_surface(lambda p: p @ p, {"</script><b>x": path}, title="<i>t", resolution=5)
    assert "<b>x" not in surface.html() and "<i>t" not in surface.html()
    ET.fromstring(surface.svg())


def test_files_take_the_form_of_their_name(surface, tmp_path):
    for name, begins in (("a.svg", b"<svg"), ("a.html", b"<!DOCTYPE")):
        surface.save(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(begins)
    with pytest.raises(DataError, match=r"\.svg, \.html, \.png or \.gif"):
        surface.save(tmp_path / "a.pdf")


def test_pixels_and_animation(surface, tmp_path):
    pytest.importorskip("matplotlib")
    for theme in ("light", "dark"):
        assert surface.png(dpi=40, theme=theme)[:8] == b"\x89PNG\r\n\x1a\n"
    surface.gif(tmp_path / "race.gif", frames=4, seconds=1, dpi=30)
    with pytest.importorskip("PIL.Image").open(tmp_path / "race.gif") as image:
        assert image.format == "GIF" and image.n_frames >= 3
    with pytest.raises(DataError, match="frames"):
        surface.gif(tmp_path / "b.gif", frames=1)


# ---- pages


@pytest.fixture(scope="module")
def valley():
    start = {"x": -1.5, "y": 2.0}
    optimizers = (optim.sgd(1e-3), optim.momentum(3e-4), optim.adam(0.05), optim.rmsprop(0.01))
    paths = [trajectory(rosenbrock, start, optimizer, steps=600) for optimizer in optimizers]
    return wengert.draw_surface(rosenbrock, paths, title="Rosenbrock's valley")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 480])
def test_a_surface_fits_its_window(visit, valley, width, scheme):
    page = visit(valley.html(), width=width, scheme=scheme)
    page.keep(f"surface-{width}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def overlaps(boxes):
    def touch(a, b, side, size):
        return a[side] < b[side] + b[size] - 1 and b[side] < a[side] + a[size] - 1

    return [
        (a["text"], b["text"])
        for k, a in enumerate(boxes)
        for b in boxes[k + 1 :]
        if touch(a, b, "x", "width") and touch(a, b, "y", "height")
    ]


def test_words_on_the_map_do_not_touch(visit, valley, surface):
    for shown in (valley, surface):
        page = visit(shown.html())
        boxes = page.evaluate(
            """[...document.querySelectorAll("#race-map .word, #race-map .level")]
            .filter(e => !(e.getAttribute("transform") || "").match(/rotate\\((-?[2-6]\\d)/))
            .map(e => { const b = e.getBoundingClientRect();
                        return {text: e.textContent, x: b.x, y: b.y + b.height * .15, width: b.width, height: b.height * .7}; })"""
        )
        assert len(boxes) > 4 and overlaps(boxes) == []


def test_the_race_is_played_by_button_slider_and_keys(visit, valley):
    page = visit(valley.html())
    now = page.locator("#race-now")
    assert now.inner_text() == "step 600 of 600"
    page.keyboard.press("ArrowLeft")
    assert now.inner_text() == "step 599 of 600"
    page.locator("#race-step").fill("100")
    assert now.inner_text() == "step 100 of 600"
    expected = valley.scene.courses[0].losses[list(valley.scene.courses[0].steps).index(100)]
    assert float(page.locator("#race-table tbody tr td").nth(1).inner_text()) == pytest.approx(expected, rel=1e-3)
    hidden = page.evaluate(
        "[...document.querySelectorAll('.mark')].filter(m => m.style.visibility === 'hidden').length"
    )
    assert hidden > 0
    page.keep("surface-step-100")
    page.locator("#race-play").focus()
    page.keyboard.press("End")
    assert now.inner_text() == "step 600 of 600"
    page.locator("#race-play").click()
    page.wait_for_function("!document.getElementById('race-now').textContent.startsWith('step 600')")
    assert page.locator("#race-play").inner_text() == "Pause"
    page.keyboard.press("Space")
    assert page.locator("#race-play").inner_text() == "Play"
    assert page.locator("#race-step").get_attribute("aria-valuetext").startswith("step ")


def test_the_head_stands_where_the_path_is(visit, valley):
    page = visit(valley.html())
    data = json.loads(page.locator("#race-data").text_content())
    page.locator("#race-step").fill("300")
    course = data["courses"][2]
    at = course["steps"].index(300)
    box = page.evaluate(
        "(() => { const b = document.querySelectorAll('.head')[2].getBBox(), m = document.querySelectorAll('.head')[2].transform"
        ".baseVal.consolidate().matrix; return [b.x + b.width / 2 + m.e, b.y + b.height / 2 + m.f]; })()"
    )
    np.testing.assert_allclose(box, [course["x"][at], course["y"][at]], atol=0.3)
    drawn = page.evaluate("document.querySelectorAll('.course')[2].querySelector('.told').getAttribute('d')")
    last = re.findall(r"L(-?[\d.]+) (-?[\d.]+)", drawn)[-1]
    np.testing.assert_allclose(np.array(last, float), [course["x"][at], course["y"][at]], atol=0.3)


def test_without_scripts_the_whole_paths_are_there(visit, valley):
    page = visit(valley.html(), scripts=False)
    assert page.locator(".course").count() == 4 and not page.locator("#race-player").is_visible()
    assert page.locator("#race-table").inner_text().count("\n") >= 4


def test_projected_paths_and_zoom(visit, surface):
    page = visit(surface.html(), zoom=2.0)
    page.keep("surface-projected-zoom")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#race-step").fill("10")
    course = surface.scene.courses[0]
    cells = page.locator("#race-table tbody tr").nth(0).locator("td")
    told = [float(cells.nth(k).inner_text()) for k in (1, 2, 3)]
    np.testing.assert_allclose(told, [course.losses[10], course.on_plane[10], course.distances[10]], rtol=1e-3)


def test_a_notebook_shows_a_frame(surface):
    shown = surface._repr_html_()
    assert shown.startswith("<iframe") and "srcdoc=" in shown and 'sandbox="allow-scripts"' in shown
