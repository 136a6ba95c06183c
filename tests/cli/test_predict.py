import csv
import io
import json

import numpy as np
import pytest

from wengert import data
from wengert.cli import main


@pytest.fixture(scope="module")
def rides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("predict")
    x = np.linspace(0, 1, 120)
    lines = [f"{v:.4f},{'wet' if i % 3 else 'dry'},{200 + 100 * v:.3f}" for i, v in enumerate(x)]
    (folder / "rides.csv").write_text("temp,sky,n\n" + "\n".join(lines) + "\n")
    (folder / "new.csv").write_text("sky,temp\ndry,0.25\nwet,0.75\n")
    main(["train", str(folder / "rides.csv"), "--target", "n", "--out", str(folder / "run"), "--quiet"])
    return folder


@pytest.fixture(scope="module")
def moons(tmp_path_factory):
    folder = tmp_path_factory.mktemp("moons")
    main(["train", "moons", "--out", str(folder / "run"), "--json", "--quiet"])
    return folder / "run"


@pytest.fixture(autouse=True)
def _quiet(rides, moons, capsys):
    capsys.readouterr()


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_numbers_are_in_the_targets_units(rides, capsys):
    assert main(["predict", str(rides / "run"), str(rides / "new.csv")]) == 0
    found = [float(row["prediction"]) for row in rows(capsys.readouterr().out)]
    assert found == pytest.approx([225, 275], abs=10)


def test_classes_come_with_probabilities(moons, capsys):
    assert main(["predict", str(moons), "moons"]) == 0
    found = rows(capsys.readouterr().out)
    assert list(found[0]) == ["prediction", "p(0)", "p(1)"]
    labels = [int(row["prediction"]) for row in found]
    assert np.mean(labels == data.moons()["label"]) > 0.95
    for row, label in zip(found, labels, strict=True):
        p = [float(row["p(0)"]), float(row["p(1)"])]
        assert sum(p) == pytest.approx(1)
        assert p[label] == max(p)


def test_into_a_file(rides, capsys, tmp_path):
    out = tmp_path / "p.csv"
    assert main(["predict", str(rides / "run"), str(rides / "new.csv"), "--out", str(out)]) == 0
    assert capsys.readouterr().out == ""
    assert len(rows(out.read_text())) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["p.csv"]


def test_an_unknown_category_is_a_note(rides, capsys, tmp_path):
    (tmp_path / "new.csv").write_text("sky,temp\nsnow,0.25\n")
    assert main(["predict", str(rides / "run"), str(tmp_path / "new.csv")]) == 0
    assert 'note: column "sky" has "snow"' in capsys.readouterr().err


@pytest.fixture
def refused(capsys, tmp_path):
    def run(*words):
        assert main(["predict", *map(str, words)]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("wengert: "), "Traceback" in err) == ("", 1, False)
        return err

    return run


def test_a_column_is_missing(rides, refused, tmp_path):
    (tmp_path / "new.csv").write_text("sky,tmp\nwet,0.25\n")
    assert '"new" has no column "temp". Did you mean "tmp"?' in refused(rides / "run", tmp_path / "new.csv")


def test_a_column_became_text(rides, refused, tmp_path):
    (tmp_path / "new.csv").write_text("sky,temp\nwet,warm\n")
    assert 'column "temp" was numbers' in refused(rides / "run", tmp_path / "new.csv")


def test_no_run(rides, refused, tmp_path):
    assert "holds no run" in refused(tmp_path, rides / "new.csv")
    assert "holds no run" in refused(tmp_path / "absent", rides / "new.csv")


@pytest.mark.parametrize("content", ["{", "[]", '{"settings": {}}', json.dumps({"settings": {"hidden": [], "x": 1}})])
def test_a_config_of_something_else(rides, refused, tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    assert "train again" in refused(tmp_path, rides / "new.csv")


def test_a_model_file_that_is_gone(rides, refused, tmp_path):
    (tmp_path / "config.json").write_text((rides / "run/config.json").read_text())
    assert "model.safetensors" in refused(tmp_path, rides / "new.csv")


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("p.txt", "does not end in .csv"),
        ("absent/p.csv", "there is no directory"),
        ("dir.csv", "is a directory"),
    ],
)
def test_files_that_cannot_be_written(rides, refused, tmp_path, out, message):
    (tmp_path / "dir.csv").mkdir()
    assert message in refused(rides / "run", rides / "new.csv", "--out", tmp_path / out)


def test_the_table_is_not_overwritten(rides, capsys, tmp_path):
    table = tmp_path / "new.csv"
    table.write_text((rides / "new.csv").read_text())
    (tmp_path / "link.csv").symlink_to(table)
    (tmp_path / "sub").mkdir()
    before = table.read_text()
    for out in (table, tmp_path / "link.csv", tmp_path / "sub" / ".." / "new.csv"):
        assert main(["predict", str(rides / "run"), str(table), "--out", str(out)]) == 2
        message = f'wengert: --out "{out}" is the table itself, which would be lost; name another file for --out\n'
        assert capsys.readouterr().err == message
    assert table.read_text() == before
    assert (tmp_path / "link.csv").is_symlink()
