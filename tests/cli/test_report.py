from dataclasses import replace

import numpy as np
import pytest

from wengert.cli import _train, main
from wengert.cli._report import report_of


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
    for kind in ("gradient_norm", "weight_norm"):
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
