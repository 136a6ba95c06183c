import errno
import json
import tempfile
from pathlib import Path

import pytest

from wengert.cli._files import check_directory, new_directory, read_json, write_json
from wengert.errors import DataError


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_json_has_no_nan(tmp_path):
    write_json(tmp_path / "a.json", {"loss": [1.0, float("nan"), float("inf")], "deep": {"x": (2,)}})
    assert json.loads((tmp_path / "a.json").read_text()) == {"loss": [1.0, None, None], "deep": {"x": [2]}}


def test_bad_json(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(DataError, match=r"a\.json\" is not JSON .*; train again"):
        read_json(tmp_path / "a.json")
    with pytest.raises(DataError, match=r"cannot be read: No such file"):
        read_json(tmp_path / "b.json")


def test_a_new_directory_appears_whole(tmp_path):
    out = tmp_path / "runs" / "deep" / "one"
    with new_directory(out) as folder:
        (folder / "config.json").write_text("{}")
        assert not out.exists()
    assert everything(tmp_path) == ["runs", "runs/deep", "runs/deep/one", "runs/deep/one/config.json"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_directory_that_fails_leaves_nothing(tmp_path, error):
    def fail(folder):
        (folder / "config.json").write_text("{}")
        raise error

    with pytest.raises(type(error)), new_directory(tmp_path / "runs" / "one") as folder:
        fail(folder)
    assert everything(tmp_path) == []


def test_an_earlier_run_is_replaced_file_by_file(tmp_path):
    out = tmp_path / "one"
    for number in "12":
        check_directory(out)
        with new_directory(out) as folder:
            (folder / "config.json").write_text(number)
    assert (out / "config.json").read_text() == "2"
    assert everything(tmp_path) == ["one", "one/config.json"]


def test_two_runs_that_make_one_directory_at_a_time(tmp_path, monkeypatch):
    out, exists = tmp_path / "one", Path.exists
    with new_directory(out) as slow:
        (slow / "config.json").write_text("slow")
        with new_directory(out) as quick:
            (quick / "config.json").write_text("quick")
        # as if the quick one had made it after the slow one looked
        monkeypatch.setattr(Path, "exists", lambda path: path != out and exists(path))
    assert (out / "config.json").read_text() == "slow"
    assert everything(tmp_path) == ["one", "one/config.json"]


def test_ctrl_c_while_files_are_moved_leaves_one_run_whole(tmp_path, monkeypatch):
    out, replace, pressed = tmp_path / "one", Path.replace, []
    with new_directory(out) as folder:
        for name in ("model.safetensors", "config.json"):
            (folder / name).write_text("1")

    def press(path, target):
        if len(pressed) == 1:
            pressed.append(path)
            raise KeyboardInterrupt
        pressed.append(path)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", press)

    def run():
        with new_directory(out) as folder:
            for name in ("model.safetensors", "config.json"):
                (folder / name).write_text("2")

    with pytest.raises(KeyboardInterrupt):
        run()
    assert [(out / name).read_text() for name in ("model.safetensors", "config.json")] == ["2", "2"]
    assert everything(tmp_path) == ["one", "one/config.json", "one/model.safetensors"]


def test_a_directory_of_something_else_is_not_touched(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(DataError, match="is not empty and holds no run; choose a new directory for --out"):
        check_directory(tmp_path)


def test_a_file_is_no_directory(tmp_path):
    (tmp_path / "a").write_text("x")
    for out in (tmp_path / "a", tmp_path / "a" / "b"):
        with pytest.raises(DataError, match=r'a" is a file and no directory'):
            check_directory(out)


def test_a_directory_that_cannot_be_written(tmp_path, monkeypatch):
    def denied(*_args, **_kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", denied)
    with pytest.raises(DataError, match=r"nothing can be written to .* \(Permission denied\); choose another"):
        check_directory(tmp_path / "new")


def test_checking_leaves_no_trace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_directory(Path("runs/one"))
    assert everything(tmp_path) == []
