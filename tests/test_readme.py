"""The README's examples run, and print what it says they print."""

import doctest
import re
from pathlib import Path

import pytest

from wengert import explain

README = Path(__file__).parents[1] / "README.md"


SEEING = README.parent / "docs" / "seeing.md"


def blocks(kind: str, file: Path = README) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", file.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("file", [README, SEEING], ids=lambda file: file.name)
def test_examples(file):
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
    example = doctest.DocTestParser().get_doctest("\n".join(blocks("python", file)), {}, file.name, str(file), 0)
    assert len(example.examples) > 15
    printed: list[str] = []
    results = doctest.DocTestRunner(optionflags=flags).run(example, out=printed.append)
    assert not results.failed, "".join(printed)


def test_the_text_of_an_explanation():
    (shown,) = blocks("text")
    text = str(explain(lambda x, y, z: (x + y) * z)(-2.0, 5.0, -4.0))
    without_lines = [re.sub(r"\s+\S+\.py:\d+: .*$", "", line.rstrip()) for line in text.splitlines()]
    assert without_lines == [re.sub(r"\s+demo\.py.*$", "", line.rstrip()) for line in shown.splitlines()]


def test_the_error_shown_is_the_error_raised():
    import math

    from wengert import EscapeError, grad

    with pytest.raises(EscapeError) as raised:
        grad(lambda x: math.sin(x) * x)(1.0)
    first, _, last = str(raised.value).splitlines()
    text = README.read_text(encoding="utf-8")
    assert first in text
    assert last in text


def test_files_that_it_names_exist():
    for name in re.findall(r"\]\(([\w./-]+)\)", README.read_text(encoding="utf-8")):
        assert (README.parent / name).exists(), name
