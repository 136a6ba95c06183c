"""The page that a report is printed on: its style, and the few HTML shapes its sections are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources

from wengert.explain.charts.elements import escape, tag

__all__ = ["card", "details", "document", "scrolling", "section", "table"]

_STYLE = resources.files("wengert.explain").joinpath("page.css").read_text(encoding="utf-8")


def document(
    title: str, header: str, sections: Sequence[tuple[str, str, str]], footer: str, *, style: str = "", end: str = ""
) -> str:
    """A whole page; ``sections`` are (id, name in the navigation, markup), ``end`` is markup with its scripts."""
    links = "".join(tag("li", tag("a", escape(name), href=f"#{key}")) for key, name, _ in sections)
    body = (
        tag("header", header)
        + (tag("nav", tag("ul", links), aria_label="Sections") if len(sections) > 1 else "")
        + tag("main", "\n".join(markup for _, _, markup in sections))
        + tag("footer", footer)
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}{style}</style>\n</head>\n<body>\n{body}\n{end}</body>\n</html>\n"
    )


def section(key: str, title: str, lead: str, *cards: str) -> str:
    """A headed part of the page: a sentence and its cards in two columns."""
    sentence = tag("p", escape(lead), class_="soft") if lead else ""
    heading = tag("h2", escape(title), id=f"{key}-heading")
    return tag("section", heading + sentence + tag("div", "".join(cards), class_="grid"), id=key,
               aria_labelledby=f"{key}-heading")  # fmt: skip


def card(title: str, content: str, caption: str = "", *, wide: bool = False) -> str:
    """A titled box; with a caption it is a figure."""
    shape = "card wide" if wide else "card"
    heading = tag("h3", escape(title)) if title else ""
    if not caption:
        return tag("div", heading + content, class_=shape)
    return tag("figure", heading + content + tag("figcaption", escape(caption)), class_=shape)


def details(summary: str, content: str) -> str:
    """What is shown on demand."""
    return tag("details", tag("summary", escape(summary)) + content)


def table(
    name: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    left: int = 1,
    ours: int | None = None,
    foot: Sequence[str] = (),
) -> str:
    """A table of markup cells: the first ``left`` columns are words, the others numbers set right.

    ``ours`` is the row to stress.
    """

    def line(cells: Sequence[str], kind: str = "td") -> str:
        scope = "col" if kind == "th" else None
        return "".join(tag(kind, c, class_="n" if k >= left else None, scope=scope) for k, c in enumerate(cells))

    head = tag("thead", tag("tr", line([escape(h) for h in heads], "th")))
    body = tag("tbody", "".join(tag("tr", line(r), class_="us" if k == ours else None) for k, r in enumerate(rows)))
    feet = tag("tfoot", tag("tr", line(foot))) if foot else ""
    return scrolling(name, tag("table", head + body + feet))


def scrolling(name: str, content: str) -> str:
    """What scrolls sideways, by keyboard too, where it does not fit."""
    return tag("div", content, class_="scroll", tabindex=0, role="region", aria_label=name)
