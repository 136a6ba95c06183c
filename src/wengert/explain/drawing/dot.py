"""Diagrams in the DOT language of Graphviz, for those who have it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from wengert.explain.drawing.diagram import Block, Diagram, Key

__all__ = ["to_dot"]


def to_dot(diagrams: Sequence[tuple[str, Diagram]]) -> str:
    """One digraph; of several diagrams each is a cluster with a heading."""
    several = len(diagrams) > 1
    title = diagrams[0][1].title if diagrams else "drawing"
    lines = [f"digraph {quoted(title)} {{"]
    lines += [f"  rankdir={'LR' if not diagrams or diagrams[0][1].direction == 'right' else 'TB'};"]
    lines += ['  node [shape=box, style=rounded, fontname="sans-serif"];', '  edge [fontname="sans-serif"];']
    for number, (heading, diagram) in enumerate(diagrams):
        names = {block.key: f"n{number}_{k}" if several else f"n{k}" for k, block in enumerate(diagram.blocks)}
        body = [*_level(diagram, names, (), number), *_links(diagram, names)]
        if several:
            body = [f"subgraph cluster_{number} {{", f"  label={quoted(heading)};", *(f"  {x}" for x in body), "}"]
        lines += [f"  {line}" for line in body]
    return "\n".join([*lines, "}", ""])


def _level(diagram: Diagram, names: dict[Hashable, str], path: Key, number: int) -> list[str]:
    """The blocks that stand directly in a group, and the groups in it."""
    lines = [f"{names[b.key]} [{_attributes(b)}];" for b in diagram.blocks if b.group == path]
    inner = dict.fromkeys(
        b.group[: len(path) + 1] for b in diagram.blocks if len(b.group) > len(path) and b.group[: len(path)] == path
    )
    for k, group in enumerate(inner):
        name = "_".join(["cluster", str(number), *(str(p) for p in _place(diagram, path)), str(k)])
        lines += [f"subgraph {name} {{", f"  label={quoted(diagram.frames[group])};"]
        lines += [f"  {line}" for line in _level(diagram, names, group, number)]
        lines.append("}")
    return lines


def _place(diagram: Diagram, path: Key) -> list[int]:
    """Numbers that no other group has."""
    order = {group: k for k, group in enumerate(diagram.frames)}
    return [order[path]] if path else []


def _attributes(block: Block) -> str:
    parts = [f"label={quoted(chr(10).join(line.text for line in block.lines))}"]
    parts += ['style="rounded,dashed"'] if block.kind == "gone" else []
    parts += ["shape=ellipse"] if block.kind == "input" else []
    return ", ".join([*parts, *([f"tooltip={quoted(block.tip)}"] if block.tip else [])])


def _links(diagram: Diagram, names: dict[Hashable, str]) -> list[str]:
    return [
        f"{names[link.source]} -> {names[link.target]}{f' [label={quoted(link.label)}]' if link.label else ''};"
        for link in diagram.links
    ]


def quoted(text: str) -> str:
    r"""A text as DOT writes it.

    Example:
        >>> print(quoted('say "x"\n'))
        "say \"x\"\n"
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
