"""Trivial layers, until the layout is there."""
from collections import defaultdict


def stub(nodes, edges):
    rank = {k: 0 for k in nodes}
    for _ in nodes:
        changed = False
        for a, b, *_x in edges:
            if rank[b] < rank[a] + 1:
                rank[b] = rank[a] + 1
                changed = True
        if not changed:
            break
    rows = defaultdict(list)
    for k in nodes:
        rows[rank[k]].append(k)
    boxes, y, width = {}, 0, max(sum(nodes[k][0] + 40 for k in row) for row in rows.values())
    for r in sorted(rows):
        x = (width - sum(nodes[k][0] + 40 for k in rows[r])) / 2
        h = max(nodes[k][1] for k in rows[r])
        for k in rows[r]:
            boxes[k] = (x + 20 + nodes[k][0] / 2, y + h / 2)
            x += nodes[k][0] + 40
        y += h + 64
    lines = []
    for a, b, *_x in edges:
        (xa, ya), (xb, yb) = boxes[a], boxes[b]
        p = [(xa, ya + nodes[a][1] / 2), (xb, yb - nodes[b][1] / 2)]
        lines.append((p, ((xa + xb) / 2, (p[0][1] + p[1][1]) / 2)))
    return boxes, lines, width, y - 64
