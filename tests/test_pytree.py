"""Trees: taken apart, rebuilt, mapped; every container, and what does not fit."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from wengert import pytree
from wengert.errors import ShapeError

Pair = namedtuple("Pair", "a b")


class Typed(NamedTuple):
    left: Any
    right: Any = 3


@dataclass(frozen=True)
class Frozen:
    w: Any
    name: str = pytree.static(default="n")
    inner: Any = None


@dataclass
class Checked:
    n: int

    def __post_init__(self) -> None:
        if not isinstance(self.n, int):
            raise TypeError("n must be an integer")


@dataclass(frozen=True, slots=True)
class Slotted:
    a: Any
    rate: float = pytree.static(default=0.5)


@dataclass
class WithFactory:
    xs: list[Any] = field(default_factory=list)
    tags: tuple[str, ...] = pytree.static(default=(), metadata={"doc": "names"})


TREES: list[tuple[Any, list[Any], list[str], str]] = [
    (1.0, [1.0], [""], "*"),
    (None, [], [], "None"),
    ([], [], [], "[]"),
    ((), [], [], "()"),
    ({}, [], [], "{}"),
    ([1, (2, 3)], [1, 2, 3], ["[0]", "[1][0]", "[1][1]"], "[*, (*, *)]"),
    ({"b": 1, "a": [2, None]}, [1, 2], ["['b']", "['a'][0]"], "{'b': *, 'a': [*, None]}"),
    ({1: "x", (2, 3): "y"}, ["x", "y"], ["[1]", "[(2, 3)]"], "{1: *, (2, 3): *}"),
    (Pair(1, [2]), [1, 2], [".a", ".b[0]"], "Pair(*, [*])"),
    (Typed(1), [1, 3], [".left", ".right"], "Typed(*, *)"),
    (Frozen([1, 2], "x", {"k": 3}), [1, 2, 3], [".w[0]", ".w[1]", ".inner['k']"], "Frozen([*, *], {'k': *})"),
    (Slotted(7), [7], [".a"], "Slotted(*)"),
    (WithFactory([1], ("t",)), [1], [".xs[0]"], "WithFactory([*])"),
    (Checked(3), [3], [".n"], "Checked(*)"),
    ("text", ["text"], [""], "*"),
    ({"set": {1}, "range": range(2)}, [{1}, range(2)], ["['set']", "['range']"], "{'set': *, 'range': *}"),
]


@pytest.mark.parametrize(("tree", "leaves", "paths", "text"), TREES, ids=[t[3] for t in TREES])
def test_apart_and_together(tree: Any, leaves: list[Any], paths: list[str], text: str) -> None:
    found, treedef = pytree.flatten(tree)
    assert found == leaves == pytree.leaves(tree)
    assert str(treedef) == text
    assert treedef.size == len(leaves)
    rebuilt = pytree.unflatten(treedef, found)
    assert rebuilt == tree
    assert type(rebuilt) is type(tree)
    assert pytree.flatten_with_paths(tree) == list(zip(paths, leaves, strict=True))
    assert pytree.map(lambda x: x, tree) == tree
    assert pytree.flatten(pytree.map(lambda x: object(), tree))[1] == treedef
    assert hash(treedef) == hash(pytree.flatten(tree)[1])


def test_children_may_be_anything_when_rebuilt() -> None:
    rebuilt = pytree.map(lambda x: "not an integer", Checked(3))
    assert rebuilt.n == "not an integer"
    assert type(rebuilt) is Checked


def test_static_fields_belong_to_the_structure() -> None:
    a, b = Frozen(1.0, "a"), Frozen(1.0, "b")
    assert pytree.flatten(a)[1] != pytree.flatten(b)[1]
    assert pytree.map(lambda x: 2 * x, a) == Frozen(2.0, "a")
    assert pytree.map(lambda x, y: x + y, a, b) == Frozen(2.0, "a")
    assert WithFactory.__dataclass_fields__["tags"].metadata["doc"] == "names"


def test_dicts_keep_their_order_and_are_matched_by_key() -> None:
    a, b = {"x": 1, "y": 2}, {"y": 10, "x": 20}
    assert pytree.leaves(b) == [10, 20]
    assert pytree.map(lambda p, q: (p, q), a, b) == {"x": (1, 20), "y": (2, 10)}
    nested = pytree.map(lambda p, q: p - q, {"t": [a, 1]}, {"t": [b, 2]})
    assert nested == {"t": [{"x": -19, "y": -8}, -1]}
    assert list(pytree.map(lambda p: p, b)) == ["y", "x"]


def test_kinds_of_dict() -> None:
    ordered = OrderedDict(b=1, a=2)
    assert type(pytree.map(lambda x: -x, ordered)) is OrderedDict
    assert list(pytree.map(lambda x: -x, ordered).items()) == [("b", -1), ("a", -2)]
    assert dict(pytree.map(lambda x: -x, Counter(a=2.5))) == {"a": -2.5}
    made = pytree.map(lambda x: -x, defaultdict(list, a=1))
    assert type(made) is defaultdict
    assert made == {"a": -1}

    class Strange(dict[str, Any]):
        def __init__(self, name: str, **items: Any) -> None:
            super().__init__(**items)
            self.name = name

    assert pytree.map(lambda x: -x, Strange("s", a=1)) == {"a": -1}


def test_registered_kinds() -> None:
    class Interval:
        def __init__(self, low: Any, high: Any, label: str) -> None:
            self.low, self.high, self.label = low, high, label

    assert pytree.leaves(Interval(1, 2, "i"))[0].label == "i"  # a leaf until it is registered
    pytree.register(Interval, lambda i: (i.label, (i.low, i.high)), lambda label, c: Interval(*c, label))
    moved = pytree.map(lambda x: x + 1, {"i": Interval(1, 2, "i")})["i"]
    assert (moved.low, moved.high, moved.label) == (2, 3, "i")
    assert pytree.flatten_with_paths(moved) == [("[0]", 2), ("[1]", 3)]


def test_numpy_values_are_leaves() -> None:
    values = [np.zeros(3), np.float64(1), np.array(["a"])]
    found = pytree.leaves({"a": values})
    assert all(a is b for a, b in zip(found, values, strict=True))


DIFFERENT: list[tuple[Any, Any]] = [
    ([1], (1,)), ([1], [1, 2]), ({"a": 1}, {"b": 1}), ({"a": 1}, {"a": 1, "b": 2}), (1, [1]), ([1], 1), (None, 1), ({"a": [1]}, {"a": 1}),
    (Pair(1, 2), (1, 2)), (Frozen(1), Slotted(1)), ({"a": 1}, OrderedDict(a=1)),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), DIFFERENT, ids=str)
def test_trees_that_differ(a: Any, b: Any) -> None:
    assert pytree.flatten(a)[1] != pytree.flatten(b)[1]
    with pytest.raises(ShapeError, match=r"trees differ in structure: .* and "):
        pytree.map(lambda x, y: x, a, b)


def test_the_wrong_number_of_leaves() -> None:
    treedef = pytree.flatten([1, {"a": 2}])[1]
    for leaves in ([], [1], [1, 2, 3]):
        with pytest.raises(
            ShapeError, match=rf"a tree of 2 leaves, \[\*, \{{'a': \*\}}\], cannot be built from {len(leaves)}"
        ):
            pytree.unflatten(treedef, leaves)
    assert pytree.unflatten(treedef, iter([1, 2])) == [1, {"a": 2}]


def test_map_over_several_trees() -> None:
    assert pytree.map(lambda a, b, c: a + b * c, [1, {"k": 2}], [3, {"k": 4}], [5, {"k": 6}]) == [16, {"k": 26}]
    assert pytree.map(lambda a: None, [1, 2]) == [None, None]


trees = st.recursive(
    st.integers() | st.none() | st.text(max_size=2),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.text(max_size=2), children, max_size=3)
        | st.tuples(children, children)
        | st.builds(Frozen, children, st.text(max_size=1), children)
    ),
    max_leaves=12,
)


@given(trees)
def test_every_tree_comes_back(tree: Any) -> None:
    leaves, treedef = pytree.flatten(tree)
    assert pytree.unflatten(treedef, leaves) == tree
    assert [x for _, x in pytree.flatten_with_paths(tree)] == leaves
    assert len(dict(pytree.flatten_with_paths(tree))) == len(leaves)  # no two leaves have one path
    assert pytree.map(lambda x, y: (x, y), tree, tree) == pytree.map(lambda x: (x, x), tree)
    assert pytree.flatten(tree)[1] == treedef
