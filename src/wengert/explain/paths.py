"""The derivative as a sum over paths: on each path the product of the derivatives on its edges.

L. B. Rall, "Automatic differentiation: techniques and applications", 1981; F. L. Bauer, "Computational
graphs and rounding error", SIAM Journal on Numerical Analysis 11 (1974).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.core.types import shape_of
from wengert.errors import UnsupportedError, at_line
from wengert.explain.graph import Edge, Step, size_of
from wengert.explain.text import describe_paths

__all__ = ["Path", "Paths", "count_paths", "find_paths"]

MAX_PATHS = 100_000
MAX_JACOBIAN = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One way from an input to the output: its edges in order, and the product of their derivatives.

    ``names`` are those of the steps on the way, both ends included; ``factors`` the derivatives on the
    edges, numbers where the steps are numbers and else Jacobian matrices. ``product`` has the shape of the output, then
    that of the input.
    """

    names: tuple[str, ...]
    edges: tuple[Edge, ...]
    factors: tuple[Any, ...]
    product: Any


@dataclass(frozen=True, slots=True, eq=False)
class Paths(Sequence[Path]):
    """All paths from ``source`` to ``target``, and what their sum costs beside reverse mode.

    ``total`` is the sum of the paths' products; ``products`` counts the multiplications done for them.
    ``reverse_total`` is the same derivative by one walk back over the same edges, ``reverse_edges`` and
    ``reverse_products`` count the edges it visited and its multiplications. A multiplication is one of an
    upstream gradient by one edge's derivative, beginning with ∂output/∂output = 1 in both.

    Example:
        >>> import wengert
        >>> paths = wengert.explain(lambda x: (x + 1) * (x + 2))(3.0).paths("x")
        >>> [path.names for path in paths]
        [('x', 'v1', 'v3'), ('x', 'v2', 'v3')]
        >>> [float(path.product) for path in paths], float(paths.total)
        ([5.0, 4.0], 9.0)
        >>> paths.products, paths.reverse_products, paths.reverse_edges
        (4, 4, 4)
    """

    source: Step
    target: Step
    paths: tuple[Path, ...]
    total: Any
    products: int
    reverse_total: Any
    reverse_products: int
    reverse_edges: int

    def __getitem__(self, index: Any) -> Any:
        return self.paths[index]

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[Path]:
        return iter(self.paths)

    def __str__(self) -> str:
        return describe_paths(self)

    __repr__ = __str__


def between(source: Step, target: Step, edges: Sequence[Edge]) -> list[Edge]:
    """The edges that lie on some path, in the order of the list."""
    after: set[Step] = {source}
    for edge in edges:
        if edge.source in after:
            after.add(edge.target)
    before: set[Step] = {target}
    kept: list[Edge] = []
    for edge in reversed(edges):
        if edge.target in before and edge.source in after:
            before.add(edge.source)
            kept.append(edge)
    return kept[::-1]


def count_paths(source: Step, target: Step, edges: Sequence[Edge]) -> int:
    """How many paths there are, without walking them: each step has the sum of its predecessors' numbers."""
    ways: defaultdict[Step, int] = defaultdict(int, {source: 1})
    for edge in edges:
        ways[edge.target] += ways[edge.source]
    return ways[target]


def find_paths(source: Step, target: Step, edges: Sequence[Edge]) -> Paths:
    """Every path from ``source`` to ``target``, with the sum by paths and by reverse mode.

    Raises:
        UnsupportedError: if there are more than 100 000 paths, or a Jacobian on the way is large.
    """
    edges = between(source, target, edges)
    check_sizes(source, target, edges)
    ends = [source, target, *(step for edge in edges for step in (edge.source, edge.target))]
    scalar = all(size_of(step.value) == 1 and not isinstance(step.value, tuple) for step in ends)
    factors = {edge: np.ravel(edge.local)[0] if scalar else _matrix(edge) for edge in edges}
    total: Any = 0.0 if scalar else np.zeros((size_of(target.value), size_of(source.value)))
    products = 0
    paths: list[Path] = []
    for way in walk(source, target, edges):
        product: Any = 1.0 if scalar else np.eye(size_of(target.value))
        for edge in reversed(way):
            product = product * factors[edge] if scalar else product @ factors[edge]
            products += 1
        total = total + product
        names = (source.name, *(edge.target.name for edge in way))
        paths.append(Path(names, way, tuple(factors[e] for e in way), _shaped(product, source, target)))
    reverse_total, reverse_products, visited = walk_back(source, target, edges, factors, scalar)
    return Paths(
        source, target, tuple(paths), _shaped(total, source, target), products,
        _shaped(reverse_total, source, target), reverse_products, visited,
    )  # fmt: skip


def check_sizes(source: Step, target: Step, edges: Sequence[Edge]) -> None:
    """Refuse what would fill the memory; reverse mode has the derivative all the same."""
    n = count_paths(source, target, edges)
    if n > MAX_PATHS:
        raise UnsupportedError(
            f"{n} paths lead from {source.name} to {target.name}, too many to list: at most {MAX_PATHS}"
            f"{at_line()}\n"
            f'  reverse mode sums them over {len(edges)} edges: explanation["{source.name}"].gradient'
        )
    for edge in edges:
        rows, columns = size_of(edge.target.value), size_of(edge.source.value)
        if rows * columns > MAX_JACOBIAN:
            raise UnsupportedError(
                f"the edge {edge.source.name} → {edge.target.name} has a Jacobian of {rows} × {columns} "
                f"numbers, too large to multiply along paths: at most {MAX_JACOBIAN}{at_line()}\n"
                "  write: explain with fewer samples or units; gradients are there for any size: "
                f'explanation["{source.name}"].gradient'
            )


def _matrix(edge: Edge) -> Any:
    return edge.jacobian().reshape(size_of(edge.target.value), size_of(edge.source.value))


def _shaped(product: Any, source: Step, target: Step) -> Any:
    if isinstance(source.value, tuple) or isinstance(target.value, tuple):
        return product
    shape = (*shape_of(target.value), *shape_of(source.value))
    return np.reshape(product, shape) if shape else np.reshape(product, -1)[0]


def walk(source: Step, target: Step, edges: Sequence[Edge]) -> Iterator[tuple[Edge, ...]]:
    """The paths, edge by edge, in the order of the list; without recursion, for lists are long."""
    outgoing: defaultdict[Step, list[Edge]] = defaultdict(list)
    for edge in edges:
        outgoing[edge.source].append(edge)
    if source is target:
        yield ()
    way: list[Edge] = []
    branches = [iter(outgoing[source])]
    while branches:
        edge = next(branches[-1], None)
        if edge is None:
            branches.pop()
            if way:
                way.pop()
        elif edge.target is target:
            yield (*way, edge)
        else:
            way.append(edge)
            branches.append(iter(outgoing[edge.target]))


def walk_back(
    source: Step, target: Step, edges: Sequence[Edge], factors: dict[Edge, Any], scalar: bool
) -> tuple[Any, int, int]:
    """The derivative by one walk back over ``edges``, and how many products and edges it took."""
    size = size_of(target.value)
    gradients: dict[Step, Any] = {source: 0.0 if scalar else np.zeros((size, size_of(source.value)))}
    gradients[target] = 1.0 if scalar else np.eye(size)
    products = 0
    visited: set[Edge] = set()
    for edge in reversed(edges):
        upstream, factor = gradients[edge.target], factors[edge]
        gradients[edge.source] = gradients.get(edge.source, 0.0) + (upstream * factor if scalar else upstream @ factor)
        products += 1
        visited.add(edge)
    return gradients[source], products, len(visited)
