"""The first step: a layer for each node, so that arcs lead from lower to higher ones and are short."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

__all__ = ["find_cycle", "rank", "topological"]

Triple = tuple[int, int, int]  # from, to, how many layers at least lie between


def rank(count: int, arcs: Sequence[Triple], paths: Sequence[tuple[int, ...]]) -> list[int]:
    """The layer of each of ``count`` nodes; ``paths`` holds for each the groups around it, outermost first.

    Longest paths give the earliest layer; then nodes that more arcs leave than enter move as late as they can, the
    others as early as they can, which shortens arcs (the aim of E. Gansner, E. Koutsofios, S. North, K.-P. Vo, "A
    technique for drawing directed graphs", IEEE Transactions on Software Engineering 19 (1993)). Of two groups side
    by side, one that feeds the other ends before the other begins, where that is possible at all.
    """
    total, more = _sequences(count, arcs, paths)
    arcs = [*arcs, *more]
    order = topological(total, arcs)
    assert order is not None
    after: list[list[Triple]] = [[] for _ in range(total)]
    before: list[list[Triple]] = [[] for _ in range(total)]
    for arc in arcs:
        after[arc[0]].append(arc)
        before[arc[1]].append(arc)
    ranks = [0] * total
    for v in order:
        ranks[v] = max((ranks[u] + gap for u, _, gap in before[v]), default=0)
    for _ in range(2):
        for v in reversed(order):
            if after[v] and len(after[v]) >= len(before[v]):
                ranks[v] = min(ranks[w] - gap for _, w, gap in after[v])
        for v in order:
            if len(before[v]) > len(after[v]):
                ranks[v] = max(ranks[u] + gap for u, _, gap in before[v])
    first = min(ranks[:count])
    return [r - first for r in ranks[:count]]


def topological(count: int, arcs: Sequence[Triple]) -> list[int] | None:
    """Nodes in an order that all arcs follow, or None where there is a cycle."""
    after: list[list[int]] = [[] for _ in range(count)]
    missing = [0] * count
    for u, v, _ in arcs:
        after[u].append(v)
        missing[v] += 1
    order = [v for v in range(count) if not missing[v]]
    for u in order:
        for v in after[u]:
            missing[v] -= 1
            if not missing[v]:
                order.append(v)
    return order if len(order) == count else None


def find_cycle(count: int, arcs: Sequence[Triple]) -> list[int]:
    """The nodes of one cycle, of a graph that has one."""
    before: dict[int, int] = {}
    left = _core(range(count), {(u, v) for u, v, _ in arcs})
    for u, v, _ in arcs:
        if u in left and v in left:
            before[v] = u
    v, seen = min(left), list[int]()
    while v not in seen:
        seen.append(v)
        v = before[v]
    return seen[seen.index(v) :][::-1]


def _core(units: Sequence[int] | range, arcs: set[tuple[int, int]]) -> set[int]:
    """What is left when sources and sinks are taken away again and again: cycles, and what lies between them."""
    left = set(units)
    for forward in (True, False):
        after: defaultdict[int, list[int]] = defaultdict(list)
        missing: defaultdict[int, int] = defaultdict(int)
        for u, v in arcs:
            if u in left and v in left:
                u, v = (u, v) if forward else (v, u)
                after[u].append(v)
                missing[v] += 1
        free = [u for u in left if not missing[u]]
        for u in free:
            left.discard(u)
            for v in after[u]:
                missing[v] -= 1
                if not missing[v]:
                    free.append(v)
    return left


def _sequences(count: int, arcs: Sequence[Triple], paths: Sequence[tuple[int, ...]]) -> tuple[int, list[Triple]]:
    """A beginning and an end for each group, as nodes more, and arcs that set groups one after the other.

    Groups are numbered from 1; the beginning of group g is node ``count + 2g``, its end the one after.
    """
    groups = {g for path in paths for g in path}
    if not groups:
        return count, []
    start = count
    found: list[Triple] = []
    for v, path in enumerate(paths):
        for g in path[-1:]:
            found += [(start + 2 * g, v, 0), (v, start + 2 * g + 1, 0)]
        for outer, g in zip(path, path[1:], strict=False):
            found += [(start + 2 * outer, start + 2 * g, 0), (start + 2 * g + 1, start + 2 * outer + 1, 0)]
    for between in _quotients(arcs, paths).values():
        core = _core(list({u for arc in between for u in arc}), between)
        found += [
            (start - 2 * u + 1, start - 2 * v, 1)
            for u, v in sorted(between)
            if u < 0 and v < 0 and not (u in core and v in core)
        ]
    return start + 2 * max(groups) + 2, list(dict.fromkeys(found))


def _quotients(arcs: Sequence[Triple], paths: Sequence[tuple[int, ...]]) -> dict[int, set[tuple[int, int]]]:
    """For each group, arcs between what stands in it: nodes, and other groups as minus their numbers."""
    found: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)
    for u, v, _ in arcs:
        a, b = paths[u], paths[v]
        k = 0
        while k < min(len(a), len(b)) and a[k] == b[k]:
            k += 1
        ends = (-a[k] if k < len(a) else u, -b[k] if k < len(b) else v)
        found[a[k - 1] if k else 0].add(ends)
    return found

