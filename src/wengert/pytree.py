"""Trees of values: dict, list, tuple, named tuple, dataclass and None, taken apart and rebuilt.

A *leaf* is anything that is not one of these containers. Dataclasses are nodes; a field made by
:func:`static` is part of the structure, not a child; one made by :func:`state` is a child that is remembered rather
than learned. Dict entries are ordered by insertion, and two
dicts with the same keys in another order have the same structure as far as :func:`map` goes.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from wengert.errors import ShapeError

__all__ = [
    "LEAF", "TreeDef", "flatten", "flatten_with_paths", "leaves", "map", "map_learned", "nodes_with_paths", "register",
    "replace_nodes", "state", "state_mask", "static", "unflatten",
]  # fmt: skip

_STATIC, _STATE = "wengert.static", "wengert.state"


def static(**kwargs: Any) -> Any:
    """A dataclass field that belongs to the structure of the tree (a name, a rate), not to its leaves.

    Takes the arguments of :func:`dataclasses.field`.

    Example:
        >>> from dataclasses import dataclass
        >>> from wengert import pytree
        >>> @dataclass(frozen=True)
        ... class Layer:
        ...     weight: float
        ...     name: str = pytree.static(default="dense")
        >>> pytree.leaves(Layer(2.0, "hidden"))
        [2.0]
    """
    metadata = {**kwargs.pop("metadata", {}), _STATIC: True}
    return dataclasses.field(metadata=metadata, **kwargs)


def state(**kwargs: Any) -> Any:
    """A dataclass field whose leaves are remembered and not learned: running means, say.

    They are leaves like any other: saved with the model, batched and staged. But :func:`map_learned`, hence every
    optimiser, leaves them alone; a layer gives them new values through :func:`wengert.nn.apply`. Takes the
    arguments of :func:`dataclasses.field`.

    Example:
        >>> from dataclasses import dataclass
        >>> from wengert import optim, pytree
        >>> @dataclass(frozen=True)
        ... class Centred:
        ...     shift: float
        ...     mean: float = pytree.state()
        >>> optim.apply_updates(Centred(1.0, 5.0), Centred(0.5, 0.5))
        Centred(shift=1.5, mean=5.0)
    """
    metadata = {**kwargs.pop("metadata", {}), _STATE: True}
    return dataclasses.field(metadata=metadata, **kwargs)


class TreeDef:
    """The structure of a tree: its container type, what is static in it, and its children."""

    __slots__ = ("_hash", "children", "kind", "meta", "size")

    # not a dataclass: one is made at each node of each flattening, and a frozen one costs a microsecond
    def __init__(self, kind: Any, meta: Any, children: tuple[TreeDef, ...], size: int) -> None:
        self.kind, self.meta, self.children, self.size = kind, meta, children, size
        self._hash: int | None = None

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, TreeDef)
            and self.kind is other.kind
            and self.meta == other.meta
            and self.children == other.children
        )

    def __hash__(self) -> int:
        found = self._hash
        if found is None:
            found = self._hash = hash((self.kind, self.meta, self.children))
        return found

    def __repr__(self) -> str:
        return f"<TreeDef {self}>"

    def __str__(self) -> str:
        if self is LEAF:
            return "*"
        inner = ", ".join(str(child) for child in self.children)
        if self.kind is dict:
            return "{" + ", ".join(f"{k!r}: {c}" for k, c in zip(self.meta, self.children, strict=True)) + "}"
        if self.kind is type(None):
            return "None"
        name = "" if self.kind in (list, tuple) else self.kind.__name__
        opening, closing = ("[", "]") if self.kind is list else ("(", ")")
        return f"{name}{opening}{inner}{closing}"


LEAF = TreeDef(None, None, (), 1)

# kind -> (node -> (meta, children), (meta, children) -> node, meta -> names of the children)
_Split = Callable[[Any], tuple[Any, Iterable[Any]]]
_Join = Callable[[Any, list[Any]], Any]
_Names = Callable[[Any, int], Iterable[str]]
_NODES: dict[type, tuple[_Split, _Join, _Names]] = {
    tuple: (lambda t: (None, t), lambda _, c: tuple(c), lambda _, n: [f"[{i}]" for i in range(n)]),
    list: (lambda t: (None, t), lambda _, c: list(c), lambda _, n: [f"[{i}]" for i in range(n)]),
    dict: (
        lambda t: (tuple(t), t.values()),
        lambda keys, c: dict(zip(keys, c, strict=True)),
        lambda keys, _: [f"[{k!r}]" for k in keys],
    ),
    type(None): (lambda _: (None, ()), lambda _m, _c: None, lambda _m, _n: ()),
}


def register(kind: type, split: _Split, join: _Join) -> None:
    """Make ``kind`` a node: ``split(node) -> (static part, children)``, ``join(static part, children)``.

    Example:
        >>> from wengert import pytree
        >>> class Pair:
        ...     def __init__(self, a, b): self.a, self.b = a, b
        >>> pytree.register(Pair, lambda p: (None, (p.a, p.b)), lambda _, c: Pair(*c))
        >>> pytree.leaves(Pair(1.0, [2.0]))
        [1.0, 2.0]
    """
    _KNOWN[kind] = (split, join, lambda _, n: [f"[{i}]" for i in range(n)])


def _dataclass_node(kind: type) -> tuple[_Split, _Join, _Names]:
    fields = dataclasses.fields(kind)
    dynamic = tuple(f.name for f in fields if not f.metadata.get(_STATIC))
    fixed = tuple(f.name for f in fields if f.metadata.get(_STATIC))

    def split(node: Any) -> tuple[Any, Iterable[Any]]:
        return tuple(getattr(node, name) for name in fixed), [getattr(node, name) for name in dynamic]

    def join(meta: Any, children: list[Any]) -> Any:
        # not through __init__: its checks are about shapes, and children may be anything
        node = object.__new__(kind)
        for name, value in zip(fixed, meta, strict=True):
            object.__setattr__(node, name, value)
        for name, value in zip(dynamic, children, strict=True):
            object.__setattr__(node, name, value)
        return node

    return split, join, lambda _m, _n: [f".{name}" for name in dynamic]


def _namedtuple_node(kind: Any) -> tuple[_Split, _Join, _Names]:
    return lambda t: (None, t), lambda _, c: kind(*c), lambda _m, _n: [f".{name}" for name in kind._fields]


_Handlers = tuple[_Split, _Join, _Names]
# Every type that was asked for, leaves with None.
_KNOWN: dict[type, _Handlers | None] = {}


def _node(kind: Any) -> _Handlers | None:
    """The handlers of a container type, found once and kept; None for leaves."""
    try:
        return _KNOWN[kind]
    except KeyError:
        handlers = _KNOWN[kind] = _NODES.get(kind) or _derived(kind)
        return handlers


def _derived(kind: type[Any]) -> _Handlers | None:
    if dataclasses.is_dataclass(kind):
        return _dataclass_node(kind)
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _namedtuple_node(kind)
    if issubclass(kind, dict):
        return _NODES[dict][0], functools.partial(_join_dict, kind), _NODES[dict][2]
    return None


def _join_dict(kind: type[dict[Any, Any]], keys: Any, children: list[Any]) -> Any:
    node = kind.__new__(kind)  # a subclass may want other arguments than pairs
    node.update(dict(zip(keys, children, strict=True)))
    return node


def flatten(tree: Any) -> tuple[list[Any], TreeDef]:
    """Take ``tree`` apart: its leaves from left to right, and its structure.

    Example:
        >>> from wengert import pytree
        >>> pytree.flatten({"w": [1.0, 2.0], "b": None})[0]
        [1.0, 2.0]
    """
    found: list[Any] = []
    return found, _flatten(tree, found)


def _flatten(tree: Any, found: list[Any]) -> TreeDef:
    kind = type(tree)
    node = _KNOWN[kind] if kind in _KNOWN else _node(kind)
    if node is None:
        found.append(tree)
        return LEAF
    start = len(found)
    meta, children = node[0](tree)
    return TreeDef(kind, meta, tuple([_flatten(child, found) for child in children]), len(found) - start)


def unflatten(treedef: TreeDef, leaves: Iterable[Any]) -> Any:
    """Rebuild the tree of structure ``treedef`` from its leaves.

    Raises:
        ShapeError: if the number of leaves is not the structure's.

    Example:
        >>> from wengert import pytree
        >>> leaves, treedef = pytree.flatten((1, {"a": 2}))
        >>> pytree.unflatten(treedef, [10, 20])
        (10, {'a': 20})
    """
    values = list(leaves)
    if len(values) != treedef.size:
        raise ShapeError(f"a tree of {treedef.size} leaves, {treedef}, cannot be built from {len(values)}")
    return _unflatten(treedef, iter(values))


def _unflatten(treedef: TreeDef, values: Any) -> Any:
    if treedef is LEAF or treedef.kind is None:
        return next(values)
    node = _node(treedef.kind)
    assert node is not None
    return node[1](treedef.meta, [_unflatten(child, values) for child in treedef.children])


def leaves(tree: Any) -> list[Any]:
    """The leaves of ``tree``, left to right.

    Example:
        >>> from wengert import pytree
        >>> pytree.leaves(((1, 2), [3]))
        [1, 2, 3]
    """
    return flatten(tree)[0]


def flatten_with_paths(tree: Any) -> list[tuple[str, Any]]:
    """Leaves with the path that leads to each, as one would write it in Python.

    Example:
        >>> from wengert import pytree
        >>> pytree.flatten_with_paths({"w": [1.0, 2.0]})
        [("['w'][0]", 1.0), ("['w'][1]", 2.0)]
    """
    return [(path, x) for path, x, is_leaf, _ in _walk(tree) if is_leaf]


def nodes_with_paths(tree: Any) -> list[tuple[str, Any]]:
    """The containers in ``tree``, each before what it holds, with their paths; a leaf has none.

    Example:
        >>> from wengert import pytree
        >>> pytree.nodes_with_paths({"w": [1.0]})
        [('', {'w': [1.0]}), ("['w']", [1.0])]
    """
    return [(path, x) for path, x, is_leaf, _ in _walk(tree) if not is_leaf]


def _walk(tree: Any, path: str = "", remembered: bool = False) -> Iterator[tuple[str, Any, bool, bool]]:
    """Containers and leaves in order: the path, the thing itself, whether it is a leaf, and whether it is state."""
    node = _node(type(tree))
    yield path, tree, node is None, remembered
    if node is not None:
        meta, children = node[0](tree)
        children, state = list(children), _state_names(type(tree))
        for name, child in zip(node[2](meta, len(children)), children, strict=True):
            yield from _walk(child, path + name, remembered or name in state)


@functools.cache
def _state_names(kind: type) -> frozenset[str]:
    """The fields of a node that are state, as they stand in paths."""
    if not dataclasses.is_dataclass(kind):
        return frozenset()
    return frozenset(f".{f.name}" for f in dataclasses.fields(kind) if f.metadata.get(_STATE))


def state_mask(tree: Any) -> list[bool]:
    """For each leaf, left to right, whether it is :func:`state`: remembered and not learned.

    Example:
        >>> from wengert import nn, pytree
        >>> pytree.state_mask(nn.BatchNorm.init(3))  # scale, shift; mean, variance
        [False, False, True, True]
    """
    return [remembered for _, _, is_leaf, remembered in _walk(tree) if is_leaf]


def replace_nodes(tree: Any, change: Callable[[Any], Any]) -> Any:
    """``tree`` with ``change(node)`` in the place of each node or leaf for which that is not None.

    Example:
        >>> from wengert import pytree
        >>> pytree.replace_nodes([(1, 2), [3]], lambda node: "a pair" if isinstance(node, tuple) else None)
        ['a pair', [3]]
    """
    new = change(tree)
    if new is not None:
        return new
    node = _node(type(tree))
    if node is None:
        return tree
    meta, children = node[0](tree)
    return node[1](meta, [replace_nodes(child, change) for child in children])


def map(f: Callable[..., Any], tree: Any, *rest: Any) -> Any:  # noqa: A001 - the field's name for it
    """Apply ``f`` to each leaf of ``tree`` and the leaves that stand in the same place in ``rest``.

    Raises:
        ShapeError: if a tree of ``rest`` has another structure; the message shows both.

    Example:
        >>> from wengert import pytree
        >>> pytree.map(lambda a, b: a + b, {"w": 1}, {"w": 10})
        {'w': 11}
    """
    return _map_all(f, tree, rest, False) if rest else _map(f, tree)


def map_learned(f: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """:func:`map` over what is learned; what is :func:`state` stays as it is in ``tree``.

    Example:
        >>> from wengert import nn, pytree
        >>> doubled = pytree.map_learned(lambda leaf: 2 * leaf, nn.BatchNorm.init(2))
        >>> doubled.scale, doubled.variance
        (array([2., 2.]), array([1., 1.]))
    """
    return _map_all(f, tree, rest, True)


def _map_all(f: Callable[..., Any], tree: Any, rest: tuple[Any, ...], learned: bool) -> Any:
    node = _node(type(tree))
    if node is None:
        for other in rest:
            if _node(type(other)) is not None:
                raise ShapeError(f"trees differ in structure: * and {flatten(other)[1]}")
        return f(tree, *rest)
    meta, children = node[0](tree)
    rows = list(zip(children, *[_children_like(tree, meta, node, other) for other in rest], strict=True))
    remembered: frozenset[str] = _state_names(type(tree)) if learned else frozenset()
    if not remembered:
        return node[1](meta, [_map_all(f, row[0], row[1:], learned) for row in rows])
    names = node[2](meta, len(rows))
    return node[1](
        meta,
        [
            row[0] if name in remembered else _map_all(f, row[0], row[1:], learned)
            for name, row in zip(names, rows, strict=True)
        ],
    )


def _map(f: Callable[[Any], Any], tree: Any) -> Any:
    """The case of one tree, which stands at the door of every transform."""
    kind = type(tree)
    if kind is list:
        return [_map(f, child) for child in tree]
    if kind is tuple:
        return tuple([_map(f, child) for child in tree])
    node = _node(kind)
    if node is None:
        return f(tree)
    meta, children = node[0](tree)
    return node[1](meta, [_map(f, child) for child in children])


def _children_like(tree: Any, meta: Any, node: _Handlers, other: Any) -> Iterable[Any]:
    """The children of ``other``, which must be a node like ``tree``, in ``tree``'s order."""
    if type(other) is type(tree):
        other_meta, children = node[0](other)
        children = list(children)
        if isinstance(tree, dict):
            if set(meta) == set(other_meta):
                return [other[key] for key in meta]
        elif len(children) == len(list(node[0](tree)[1])):
            return children
    raise ShapeError(f"trees differ in structure: {flatten(tree)[1]} and {flatten(other)[1]}")
