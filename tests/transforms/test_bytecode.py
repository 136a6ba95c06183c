"""Names that code loads, decoded as ``dis`` decodes them."""

import dis
import importlib
from pathlib import Path

import pytest

from wengert.transforms.bytecode import attribute_names, codes_in, loads, read_names

LOADS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_ATTR", "LOAD_METHOD")
OTHERS = ("CACHE", "PUSH_NULL", "EXTENDED_ARG")


@pytest.mark.parametrize(
    "name", ["argparse", "inspect", "typing", "unittest.mock", "asyncio.base_events", "many names"]
)
def test_loads_are_those_that_dis_tells(name):
    if name == "many names":  # more names than a byte counts
        source = "def f():\n" + "".join(f"    a{k}.b{k}.c{k}()\n" for k in range(400))
    else:
        module = importlib.import_module(name)
        source = Path(module.__file__).read_text(encoding="utf-8")
    for code in codes_in(compile(source, name, "exec")):
        told = [s for s in dis.get_instructions(code) if s.opname not in OTHERS]
        assert list(loads(code)) == [(s.opname, s.argval) if s.opname in LOADS else ("", "") for s in told]


def test_chains_of_attributes():
    def outer(x):
        def inner():
            return here.there.everywhere(x) + here.now

        return inner, x.own

    here = None
    assert read_names(outer.__code__)["here"] == {("there",), ("there", "everywhere"), ("now",)}
    assert {"there", "everywhere", "now", "own"} <= attribute_names(outer.__code__)
