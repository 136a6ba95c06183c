"""The third step: an order within each layer in which few arcs cross, and groups stand together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wengert.explain.layered.lanes import Items

__all__ = ["Ordering", "arrange", "inversions"]

Ints = NDArray[np.int64]
SWEEPS = 12
WORK = 400_000  # items times sweeps that are gone over at most
MOST_PAIRS = 2500  # of neighbours, that an exchange of two items compares


def arrange(items: Items, paths: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """The items of each layer in order; ``paths`` holds for each item the groups around it.

    Each layer in turn is sorted by the mean place of the neighbours in the layer before it, from the first to the last
    and back (the barycentre method of Sugiyama, Tagawa and Toda, 1981); then neighbours are exchanged wherever that
    saves crossings (Gansner and others, 1993). Groups are sorted among each other, the same in all layers, and what
    they hold within them (M. Forster, "Applying crossing reduction strategies to layered compound graphs", Graph
    Drawing 2002). The best order found is kept.
    """
    ordering = Ordering(items, paths)
    fewest = ordering.exchange()
    best = ordering.place.copy()
    sweeps = max(2, min(SWEEPS, WORK // max(len(best), 1)))
    for start in (0, 1):
        if start:
            ordering.begin_anew()
        idle = 0
        for k in range(sweeps):
            if not fewest or idle == 4:
                break
            ordering.sweep(down=k % 2 == 0, reverse=k % 4 > 1)
            ordering.settle_groups()
            crossings = ordering.exchange()
            idle += 1
            if crossings < fewest:
                best, fewest, idle = ordering.place.copy(), crossings, 0
    ordering.place = best
    return ordering.layers()


class Ordering:
    """Places of items in their layers, and how to better them."""

    def __init__(self, items: Items, paths: Sequence[tuple[int, ...]]) -> None:
        self.rank = np.array(items.rank, np.int64)
        self.inner = np.array(items.group, np.int64)
        depth = max(map(len, paths), default=0)
        # row k: the group around each item at depth k, or 0
        self.nest = np.array([[p[k] if k < len(p) else 0 for p in paths] for k in range(depth)], np.int64)
        self.nest = self.nest.reshape(depth, len(paths))
        self.groups = int(self.nest.max(initial=0)) + 1
        self.members = [np.flatnonzero((self.nest == g).any(0)) for g in range(1, self.groups)]
        self.group_key = np.zeros(self.groups)
        arcs = np.array(list(items.arcs), np.int64).reshape(-1, 2)
        self.up, self.down = arcs[:, 0], arcs[:, 1]
        count = len(self.rank)
        self.above = _neighbours(self.down, self.up, count)
        self.below = _neighbours(self.up, self.down, count)
        by_rank = np.argsort(self.rank, kind="stable")
        self.starts = np.searchsorted(self.rank[by_rank], np.arange(self.rank.max() + 2))
        self.bands = [by_rank[a:b] for a, b in zip(self.starts, self.starts[1:], strict=False)]
        self.size = np.diff(self.starts)[self.rank].astype(float)
        self.place = np.empty(count, np.int64)
        for band in self.bands:
            self.place[band] = np.arange(len(band))
        self.parts = {down: [self._part(r, down) for r in range(len(self.bands))] for down in (True, False)}
        self.settle_groups()

    def _part(self, r: int, down: bool) -> tuple[Ints, Ints, NDArray[np.float64]]:
        """For the items of a layer: their neighbours in the layer gone over before, in a row, and whose they are."""
        starts, found = self.above if down else self.below
        band = self.bands[r]
        counts = starts[band + 1] - starts[band]
        owner = np.repeat(np.arange(len(band)), counts)
        pieces = [found[starts[v] : starts[v + 1]] for v in band]
        return np.concatenate(pieces) if pieces else found[:0], owner, counts.astype(float)

    def layers(self) -> list[list[int]]:
        """The items of each layer in order."""
        return [band[np.argsort(self.place[band])].tolist() for band in self.bands]

    def begin_anew(self) -> None:
        """Another beginning: what hangs together stands together, as a walk from each source finds it."""
        starts, found = self.below
        seen = np.zeros(len(self.rank), bool)
        filled = [0] * len(self.bands)
        stack = np.lexsort((np.arange(len(self.rank)), self.rank)).tolist()[::-1]
        while stack:
            v = stack.pop()
            if not seen[v]:
                seen[v] = True
                self.place[v] = filled[self.rank[v]]
                filled[self.rank[v]] += 1
                stack += found[starts[v] : starts[v + 1]].tolist()[::-1]
        self.settle_groups()

    def sweep(self, *, down: bool, reverse: bool) -> None:
        """Sort each layer by the mean place of the neighbours, where equal as before or the other way round."""
        order = range(len(self.bands)) if down else range(len(self.bands) - 1, -1, -1)
        for r in order:
            band = self.bands[r]
            near, owner, counts = self.parts[down][r]
            total = np.bincount(owner, self.place[near], len(band))
            # what has no neighbour stays where it is, in proportion
            scale = len(self.bands[r - 1 if down else (r + 1) % len(self.bands)]) / len(band)
            keys = np.where(counts > 0, total / np.maximum(counts, 1), (self.place[band] + 0.5) * scale - 0.5)
            self._sort(band, keys, -self.place[band] if reverse else self.place[band])

    def _sort(self, band: Ints, keys: NDArray[np.float64], ties: Ints) -> None:
        columns: list[NDArray[np.float64] | Ints] = [ties, keys]
        for level in reversed(self.nest[:, band]):
            if not level.any():
                continue
            columns += [level, self._unit_keys(level, keys)]
        self.place[band[np.lexsort(columns)]] = np.arange(len(band))

    def _unit_keys(self, level: Ints, keys: NDArray[np.float64]) -> NDArray[np.float64]:
        """The keys with which items and whole groups are sorted: groups keep to their common order."""
        groups, which = np.unique(level, return_inverse=True)
        means = np.bincount(which, keys) / np.bincount(which)
        inside = np.flatnonzero(groups)
        order = inside[np.argsort(self.group_key[groups[inside]], kind="stable")]
        means[order] = _rising(means[order].tolist())
        # 1e-9: of groups with one key, each stays a block and keeps its turn
        means[order] += 1e-9 * np.arange(len(order))
        return np.where(level > 0, means[which], keys)

    def settle_groups(self) -> None:
        """Groups by the mean of their members' places, outer ones first, and each layer sorted by that."""
        if not len(self.nest):
            return
        share = (self.place + 0.5) / self.size
        for g, members in enumerate(self.members, 1):
            if len(members):
                self.group_key[g] = share[members].mean()
        # no two alike, so that the order is one and the same in all layers
        self.group_key[np.argsort(self.group_key, kind="stable")] = np.arange(self.groups)
        for band in self.bands:
            self._sort(band, self.place[band].astype(float), self.place[band])

    def crossings(self) -> int:
        """How many pairs of arcs between neighbouring layers cross."""
        order = np.lexsort((self.place[self.down], self.place[self.up], self.rank[self.up]))
        return inversions(self.rank[self.up][order], self.place[self.down][order])

    def exchange(self) -> int:
        """Exchange neighbours in a layer while that saves crossings; gives how many are left."""
        for _ in range(12):
            saved = sum(self._exchange(odd, first) for odd in (0, 1) for first in (0, 1))
            if not saved:
                break
        return self.crossings()

    def _exchange(self, odd: int, first: int) -> float:
        """Every second layer, every second pair: they do not disturb one another."""
        order = np.lexsort((self.place, self.rank))
        u, v = order[:-1], order[1:]
        rank = self.rank[u]
        fits = (rank == self.rank[v]) & (rank % 2 == odd) & (self.place[u] % 2 == first)
        fits &= self.inner[u] == self.inner[v]
        u, v = u[fits], v[fits]
        gain = self._saved(self.above, u, v) + self._saved(self.below, u, v)
        better = gain > 0
        self.place[u[better]] += 1
        self.place[v[better]] -= 1
        return float(gain[better].sum())

    def _saved(self, neighbours: tuple[Ints, Ints], u: Ints, v: Ints) -> NDArray[np.float64]:
        """The crossings between the arcs of u and those of v, less those there would be if v stood before u."""
        starts, found = neighbours
        of_u, of_v = starts[u + 1] - starts[u], starts[v + 1] - starts[v]
        pairs = np.where(of_u * of_v <= MOST_PAIRS, of_u * of_v, 0)
        which = np.repeat(np.arange(len(u)), pairs)
        k = np.arange(len(which)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
        a = found[starts[u][which] + k // of_v[which]]
        b = found[starts[v][which] + k % of_v[which]]
        return np.bincount(which, np.sign(self.place[a] - self.place[b]), len(u)).astype(float)


def inversions(blocks: Ints, values: Ints) -> int:
    """How many pairs within a block stand in falling order; ``blocks`` rise. In O(n log max) by the bits of values.

    Example:
        >>> import numpy as np
        >>> inversions(np.array([0, 0, 0, 1, 1]), np.array([2, 1, 0, 5, 7]))
        3
    """
    if not len(values):
        return 0
    total = 0
    index = np.arange(len(values))
    start = np.searchsorted(blocks, blocks, side="left")
    stop = np.searchsorted(blocks, blocks, side="right")
    for bit in range(int(values.max()).bit_length() - 1, -1, -1):
        one = (values >> bit) & 1
        ones = np.concatenate([[0], np.cumsum(one)])
        before = ones[:-1] - ones[start]
        total += int(before[one == 0].sum())
        # go on within those with the bit and those without, each in the order they stand in
        zeros = (stop - start) - (ones[stop] - ones[start])
        to = start + np.where(one, zeros + before, index - start - before)
        start, stop = np.where(one, start + zeros, start), np.where(one, stop, start + zeros)
        moved = np.empty_like(values), np.empty_like(start), np.empty_like(stop)
        for array, source in zip(moved, (values, start, stop), strict=True):
            array[to] = source
        values, start, stop = moved
    return total


def _neighbours(of: Ints, other: Ints, count: int) -> tuple[Ints, Ints]:
    """Rows of neighbours: those of v are ``found[starts[v] : starts[v + 1]]``."""
    order = np.argsort(of, kind="stable")
    starts = np.searchsorted(of[order], np.arange(count + 1))
    return starts, other[order]


def _rising(values: list[float]) -> list[float]:
    """The nearest rising row: what falls is averaged (pooling of adjacent violators)."""
    pools: list[tuple[float, int]] = []
    for value in values:
        total, size = value, 1
        while pools and pools[-1][0] / pools[-1][1] > total / size:
            more, width = pools.pop()
            total, size = total + more, size + width
        pools.append((total, size))
    return [total / size for total, size in pools for _ in range(size)]


