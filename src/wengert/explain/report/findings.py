"""The section of a training report that comes first: what is wrong or remarkable, and what to write against it."""

from __future__ import annotations

from wengert.explain.charts.elements import escape, tag
from wengert.explain.charts.numbers import count
from wengert.explain.page import card, section
from wengert.explain.report.contents import FindingLike, Report

__all__ = ["findings"]


def findings(report: Report) -> str:
    """Each finding as a sentence, and its remedy as code."""
    if report.findings is None:
        return ""
    found = list(report.findings)
    lead = f"{count(len(found), 'thing')} to look at." if found else "A look for known illnesses found none."
    items = "".join(_finding(each) for each in found)
    listed = card("", tag("ol", items, class_="findings"), wide=True) if found else ""
    return section("findings", "Findings", lead, listed)


def _finding(found: FindingLike) -> str:
    head = tag("b", escape(found.title[:1].upper() + found.title[1:])) + tag(
        "span", escape(found.severity), class_="severity"
    )
    remedy = tag("pre", escape(found.remedy)) if found.remedy else ""
    return tag("li", head + tag("p", escape(found.sentence)) + remedy, class_=f"finding {escape(found.severity)}")
