import builtins
import datetime

import narwhals
import numpy as np
import polars
import pytest

from wengert.data import Table, load
from wengert.errors import DataError


@pytest.fixture
def write(tmp_path):
    def writer(content, name="rides.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return writer


def refused(path):
    with pytest.raises(DataError) as caught:
        Table.read(path)
    return str(caught.value)


def test_kinds_of_columns_are_found(write):
    path = write("n,x,b,s,d\n1,0.5,true,red,2011-01-01\n2,,false,NA,2011-01-02\n")
    table = Table.read(path)
    assert [c.dtype.kind for c in table.columns.values()] == ["i", "f", "b", "O", "M"]
    assert np.isnan(table["x"][1])
    assert table["s"].tolist() == ["red", None]
    assert table.name == "rides"


def test_whole_numbers_that_turn_into_fractions_late(write):
    path = write("x\n" + "1\n" * 5000 + "0.5\n")
    assert Table.read(path)["x"][-1] == 0.5


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators(write, separator):
    table = Table.read(write(f"a{separator}b\n1{separator}2\n"))
    assert {name: column.tolist() for name, column in table.columns.items()} == {"a": [1], "b": [2]}


def test_a_byte_order_mark_and_windows_line_ends(write):
    assert list(Table.read(write(b"\xef\xbb\xbfa,b\r\n1,2\r\n")).columns) == ["a", "b"]


def test_blank_lines_above_the_names(write):
    assert Table.read(write("\n\na,b\n1,2\n"))["a"].tolist() == [1]


def test_quoted_names_may_hold_the_separator(write):
    assert list(Table.read(write('"a, first",b\n1,2\n')).columns) == ["a, first", "b"]


def test_parquet_reads_as_csv_does(write, tmp_path):
    frame = polars.DataFrame(
        {"n": [1, 2], "x": [0.5, None], "s": ["red", None], "d": [datetime.date(2011, 1, 1), None]}
    )
    frame.write_parquet(tmp_path / "t.parquet")
    frame.write_csv(tmp_path / "t.csv")
    one, other = load(tmp_path / "t.parquet"), load(str(tmp_path / "t.csv"))
    for name in frame.columns:
        np.testing.assert_array_equal(one[name], other[name])
        assert one[name].dtype == other[name].dtype


@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: f.lazy(), narwhals.from_native])
def test_frames_of_several_kinds(wrap):
    frame = polars.DataFrame({"x": [1, None], "s": ["a", "b"]}).with_columns(polars.col("s").cast(polars.Categorical))
    table = Table.from_frame(wrap(frame), name="mine")
    assert (table.name, table["s"].tolist()) == ("mine", ["a", "b"])
    np.testing.assert_array_equal(table["x"], [1.0, np.nan])


def test_nested_columns_are_kept_as_objects():
    assert Table.from_frame(polars.DataFrame({"l": [[1, 2], [3]]}))["l"].dtype == object


def test_what_is_no_frame():
    with pytest.raises(DataError, match=r"a dict is not a dataframe; pass one of polars, pandas"):
        Table.from_frame({"x": [1]})


def test_no_such_file(write, tmp_path):
    write("a\n1\n")
    assert 'there is no file "' in refused(tmp_path / "ride.csv")
    assert 'Did you mean "rides.csv"?' in refused(tmp_path / "ride.csv")


def test_a_directory_lists_its_tables(write, tmp_path):
    write("a\n1\n")
    assert refused(tmp_path).endswith("is a directory; name one file in it (rides.csv)")


def test_an_unknown_ending(write):
    message = refused(write("x", "table.xlsx"))
    assert '"table.xlsx" ends in ".xlsx"' in message
    assert ".csv, .tsv, .txt, .parquet, .pq" in message
    assert "Table.from_frame" in message


@pytest.mark.parametrize("content", ["", "\n\n  \n"])
@pytest.mark.parametrize("name", ["t.csv", "t.tsv"])
def test_an_empty_file(write, content, name):
    assert "is empty; a table has a line of column names" in refused(write(content, name))


def test_an_empty_parquet_file(write):
    assert "is empty" in refused(write("", "t.parquet"))


def test_names_only(write):
    assert "has names of columns and no rows below them" in refused(write("a,b\n"))


@pytest.mark.parametrize(
    "content", [bytes(range(256)), "naïve,b\n1,2\n".encode("latin-1"), "a,b\n1,2\n".encode("utf-16")]
)
def test_a_file_that_is_not_text(write, content):
    assert "is not a text file in UTF-8; save the table as CSV in UTF-8, or as Parquet" in refused(write(content))


def test_bad_bytes_further_down(write):
    assert "cannot be read as a table: invalid utf-8" in refused(write(b"a,b\n" + b"1,2\n" * 300_000 + b"na\xefve,2\n"))


def test_a_broken_parquet_file(write):
    assert "cannot be read as a table" in refused(write("abc", "t.parquet"))


def test_a_row_with_too_many_fields(write):
    assert "a row has more fields than the line of names" in refused(write("a,b\n1,2,3\n"))


def test_two_columns_of_one_name(write):
    message = refused(write("a,b,a\n1,2,3\n"))
    assert 'has 2 columns called "a" (columns 1, 3); give each column a name of its own' in message


def test_two_columns_of_one_name_in_a_frame(monkeypatch):
    def from_native(_frame):  # what narwhals says of a pandas frame
        raise narwhals.exceptions.DuplicateError("Expected unique column names, got:\n- 'a' 2 times")

    monkeypatch.setattr(narwhals, "from_native", from_native)
    with pytest.raises(DataError, match=r"the dataframe cannot be read as a table: .* - 'a' 2 times"):
        Table.from_frame(object())


def test_no_line_of_names(write):
    assert 'the first line of "rides.csv" is numbers (5.1, 3.5)' in refused(write("5.1,3.5\n4.9,3.0\n")).replace(
        ", …", ""
    )


def test_whole_numbers_may_be_names(write):
    assert list(Table.read(write("0,1\n4.9,3.0\n")).columns) == ["0", "1"]


def test_a_file_that_may_not_be_read(write, monkeypatch):
    path = write("a\n1\n")

    def denied(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", denied)
    assert refused(path).endswith("cannot be read: Permission denied")


@pytest.mark.parametrize("package", ["polars", "narwhals"])
def test_without_the_extra_the_error_names_it(write, monkeypatch, package):
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name == package:
            raise ImportError(name)
        return real(name, *args, **kwargs)

    path = write("a\n1\n")
    monkeypatch.setattr(builtins, "__import__", absent)
    assert f"needs {package}, which is not installed: pip install 'wengert[tables]'" in refused(path)


def test_load_knows_neither():
    with pytest.raises(DataError, match=r'"digit" is neither a file nor a built-in set\. Did you mean "digits"\?'):
        load("digit")
    with pytest.raises(DataError, match=r'there is no file "digits\.csv"'):
        load("digits.csv")


def test_line_ends_of_an_old_macintosh(tmp_path):
    path = tmp_path / "old.csv"
    path.write_bytes(b'a,b\r1,"x, y"\r2,\r')
    table = Table.read(path)
    assert (table["a"].tolist(), table["b"].tolist()) == ([1, 2], ["x, y", None])
    path.write_bytes(b"a;b\r1;2")
    assert {name: column.tolist() for name, column in Table.read(path).columns.items()} == {"a": [1], "b": [2]}
