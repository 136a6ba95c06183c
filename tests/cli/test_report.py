from dataclasses import replace

import numpy as np
import pytest

from wengert import random
from wengert.cli import _train, main
from wengert.cli._report import report_of
from wengert.data import Table
from wengert.explain.doctor import Diagnosis, Doctor, Finding
from wengert.explain.report import render
from wengert.training import predict


@pytest.fixture
def report(tmp_path, monkeypatch):
    """The report that a command writes."""

    def of(*words):
        found = []
        monkeypatch.setattr(_train, "write_report", lambda _path, report: found.append(report))
        main(["train", *words, "--epochs", "2", "--hidden", "8", "--quiet", "--out", str(tmp_path / "run")])
        return found[0]

    return of


@pytest.fixture
def table(tmp_path):
    lines = "".join(f"{i},2011-01-{i % 28 + 1:02d},{'wet' if i % 3 else ''},x{i},1,{i / 7:.3f}\n" for i in range(60))
    (tmp_path / "rides.csv").write_text("n,day,sky,note,same,y\n" + lines)
    return str(tmp_path / "rides.csv")


def test_the_data_of_a_regression(table, report):
    data = report(table, "--target", "y", "--drop", "note").data
    assert (data.rows, data.training_rows, data.held_out_rows, data.target) == (60, 48, 12, "y")
    assert [(c.name, c.kind, c.missing) for c in data.columns] == [
        ("n", "number", 0),
        ("day", "date", 0),
        ("sky", "category", 20),
    ]
    assert [c.summary for c in data.columns] == [
        "0 to 59, mean 29.5",
        "2011-01-01 to 2011-01-28",
        "1 values: wet",
    ]
    assert data.dropped == ["note", "same"]
    assert len(data.target_values) == 60


def test_layers_and_norms_go_by_one_name(table, report):
    found = report(table, "--target", "y")
    names = [layer.name for layer in found.layers]
    assert names == ["dense 1", "dense 2"]
    for kind in ("gradient_norm", "update_norm", "weight_norm"):
        assert [key for key in found.history if key.startswith(kind)] == [f"{kind}/{name}" for name in names]
    assert found.parameters == sum(layer.parameters for layer in found.layers)
    assert [layer.activation for layer in found.layers] == ["relu", ""]


def test_predictions_are_in_the_targets_units(table, report):
    found = report(table, "--target", "y")
    assert found.confusion is None
    assert found.predictions.actual.max() > 5
    assert len(found.predictions.actual) == len(found.predictions.predicted) == 12


def test_confusion_and_samples(report):
    found = report("digits")
    counts = np.asarray(found.confusion.counts)
    assert counts.shape == (10, 10)
    assert np.trace(counts) / counts.sum() == pytest.approx(found.metrics["accuracy"])
    # the rows are those of the held-out classes, about a tenth each
    assert counts.sum(axis=1).min() > 25
    wrong = [sample.actual != sample.predicted for sample in found.samples]
    assert wrong == sorted(wrong, reverse=True)
    assert found.samples[0].image.shape == (8, 8)
    assert sum(found.data.target_counts.values()) == 1797


def test_how_to_train_it_again(report):
    found = report("moons")
    assert found.command.startswith("wengert train moons --epochs 2")
    assert found.settings["hidden"] == "8"


def test_an_interruption_is_noted(report, monkeypatch):
    outcomes = []
    monkeypatch.setattr(_train, "report_of", lambda outcome: outcomes.append(outcome) or report_of(outcome))
    assert report("moons").notes == []
    stopped = replace(outcomes[0], result=replace(outcomes[0].result, interrupted=True))
    assert report_of(stopped).notes == ["Training was interrupted; this is the best it had reached."]


# ---- what is seen in the network


def test_importance_is_that_of_the_tables_columns_shuffled_before_they_are_encoded(table, report, monkeypatch):
    outcomes = []
    monkeypatch.setattr(_train, "report_of", lambda outcome: outcomes.append(outcome) or report_of(outcome))
    found = report(table, "--target", "y").importance
    outcome = outcomes[0]
    assert [(each.measure, each.columns) for each in found] == [(m, ["n", "day", "sky"]) for m in ("rmse", "mae")]
    held_out = outcome.table.take(outcome.held_out_rows)
    key = random.split(random.key(outcome.settings.seed), 5)[2]
    order = random.permutation(key, len(held_out))
    for row, name in enumerate(found[0].columns):
        columns = {other: held_out[other][order] if other == name else held_out[other] for other in held_out.columns}
        outputs = predict(outcome.result.model, outcome.encoding.inputs(Table(columns)))
        errors = outcome.encoding.decode(outputs) - held_out["y"]
        assert found[0].shuffled[row, 2] == pytest.approx(np.sqrt(np.mean(errors**2)))
        assert found[1].shuffled[row, 2] == pytest.approx(np.mean(np.abs(errors)))


def test_gradients_are_per_deviation_in_the_targets_unit(table, report, monkeypatch):
    outcomes = []
    monkeypatch.setattr(_train, "report_of", lambda outcome: outcomes.append(outcome) or report_of(outcome))
    found = report(table, "--target", "y", "--activation", "tanh").gradients
    outcome = outcomes[0]
    assert (found.columns, found.unit, found.left_out) == (["n"], "y", ["day", "sky"])
    held_out, training = outcome.table.take(outcome.held_out_rows), outcome.table.take(outcome.training_rows)

    def predicted(step):
        columns = {**held_out.columns, "n": held_out["n"].astype(float) + step}
        return outcome.encoding.decode(predict(outcome.result.model, outcome.encoding.inputs(Table(columns))))

    step = 1e-4
    slopes = (predicted(step) - predicted(-step)) / (2 * step) * training["n"].std()
    np.testing.assert_allclose(found.sizes, [np.abs(slopes).mean()], rtol=1e-6)
    np.testing.assert_allclose(found.directions, [slopes.mean()], rtol=1e-6)


def test_pictures_of_digits(report):
    found = report("digits")
    assert np.shape(found.weights) == (8, 8, 8)
    assert found.image_shape == (8, 8)
    assert [each.label for each in found.saliency] == [str(k) for k in range(10)]
    assert [each.measure for each in found.importance] == ["log_loss"]
    assert np.mean(found.confidences.right) == pytest.approx(found.metrics["accuracy"])
    assert found.gradients is None
    assert found.plane is None


def test_two_columns_of_numbers_have_a_plane(report):
    found = report("moons").plane
    assert found.names == ("x1", "x2")
    assert found.outputs.shape == (len(found.ys), len(found.xs), 2)
    np.testing.assert_allclose(found.outputs.sum(axis=-1), 1)
    assert (len(found.points), np.sum(found.held_out)) == (200, 40)


def test_a_plane_of_levels_is_sampled_at_the_levels(tmp_path, report):
    rows = "".join(f"{i % 12},{i % 7 / 7},{i % 12 + i % 7}\n" for i in range(400))
    (tmp_path / "months.csv").write_text("month,share,y\n" + rows)
    found = report(str(tmp_path / "months.csv"), "--target", "y", "--task", "regression")
    assert list(found.plane.xs) == list(range(12))
    assert found.plane.outputs.shape == (len(found.plane.ys), 12)
    assert found.gradients.left_out == ["month"]


def test_activations_are_named_like_the_layers(report):
    found = report("moons")
    assert [key for key in found.history if key.startswith("flat_share")] == ["flat_share/dense 1"]
    assert len(found.history["flat_share/dense 1"]) == 2


def test_the_doctor_has_looked(report, monkeypatch):
    illness = Finding("unscaled_inputs", "serious", "far from 0", "x - x.mean()")
    monkeypatch.setattr(Doctor, "diagnosis", Diagnosis((illness,)))
    assert list(report("moons").findings) == [illness]


@pytest.mark.parametrize("columns", ["a,b,y", "a,a2,y"])
def test_tables_at_their_limits(tmp_path, report, columns):
    # ten rows, of which two are held out; a class that only training has; gaps
    rows = "".join(f"{i},{i % 3 or ''},{'rare' if i == 4 else 'xy'[i % 2]}\n" for i in range(10))
    (tmp_path / "small.csv").write_text(f"{columns}\n{rows}")
    page = render(report(str(tmp_path / "small.csv"), "--target", "y", "--epochs", "1"))
    assert "Permutation importance" in page
