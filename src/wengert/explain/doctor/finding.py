"""What the doctor says: findings, each a sentence with its evidence and a remedy, and the whole of them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, final

from wengert.explain.charts.elements import escape
from wengert.explain.charts.numbers import count
from wengert.explain.doctor.looks import Look
from wengert.explain.doctor.page import page

__all__ = ["SEVERITIES", "Diagnosis", "Finding", "Severity"]

Severity = Literal["severe", "serious", "slight"]
SEVERITIES: tuple[Severity, ...] = ("severe", "serious", "slight")
_WIDTH = 100


@final
@dataclass(frozen=True)
class Finding:
    """An illness, where it is, its evidence in words and numbers, and what to write against it.

    ``illness`` is a stable name, as ``"dead_relus"``; ``layer`` is a path in the model, ``feature`` the name of an
    input, ``step`` a number of steps of training; each is empty or None where it does not apply. ``severity`` is
    "severe" (nothing is learned), "serious" (less is learned, or more slowly) or "slight".

    Example:
        >>> from wengert.explain import Finding
        >>> print(Finding("constant_feature", "slight", "feature 3 is 0 on all 90 rows", "x = np.delete(x, 3, axis=1)"))
        constant feature: feature 3 is 0 on all 90 rows
          try: x = np.delete(x, 3, axis=1)
    """

    illness: str
    severity: Severity
    sentence: str
    remedy: str
    layer: str = ""
    feature: str = ""
    step: int | None = None
    numbers: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def title(self) -> str:
        """The illness in words."""
        return self.illness.replace("_", " ")

    def to_dict(self) -> dict[str, Any]:
        """Everything as text and numbers for a JSON file; what is not finite becomes None."""
        numbers = {name: float(x) if math.isfinite(x) else None for name, x in self.numbers.items()}
        return {**asdict(self), "numbers": numbers}

    def __str__(self) -> str:
        told = textwrap.fill(f"{self.title}: {self.sentence}", _WIDTH, subsequent_indent="  ", break_long_words=False)
        first, *rest = self.remedy.splitlines()
        return "\n".join([told, f"  try: {first}", *(f"       {line}" for line in rest)])


@final
@dataclass(frozen=True)
class Diagnosis:
    """The findings of :func:`wengert.diagnose`, from the severest to the slightest.

    ``looked_at`` says what was examined, ``left_out`` what could not be and why. ``looks`` are the layers as they were
    seen: gradients, activations, dead and saturated units. A diagnosis without findings is true as a condition of
    health only for what was looked at. ``print(d)`` shows all, ``d.html()`` is a page with pictures.

    Example:
        >>> import numpy as np
        >>> import wengert
        >>> from wengert import nn, random
        >>> x = random.normal(random.key(0), (200, 4))
        >>> model = nn.mlp(random.key(1), [4, 16, 2])
        >>> d = wengert.diagnose(model, (x, (x[:, 0] > x[:, 1]).astype(int)), nn.softmax_cross_entropy)
        >>> d.healthy, d.findings
        (True, ())
    """

    findings: tuple[Finding, ...] = ()
    looked_at: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    looks: tuple[Look, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def illnesses(self) -> tuple[str, ...]:
        """The names of what was found, each once."""
        return tuple(dict.fromkeys(finding.illness for finding in self.findings))

    def __getitem__(self, illness: str) -> Finding:
        for finding in self.findings:
            if finding.illness == illness:
                return finding
        raise KeyError(f"{illness!r} was not found; found: {', '.join(self.illnesses) or 'nothing'}")

    def to_dict(self) -> dict[str, Any]:
        """Everything but the arrays, for a JSON file."""
        return {
            "findings": [finding.to_dict() for finding in self.findings],
            "looked_at": list(self.looked_at),
            "left_out": list(self.left_out),
            "layers": [look.to_dict() for look in self.looks],
        }

    def headline(self) -> str:
        """The diagnosis in one line."""
        if not self.findings:
            return "no illness found" if self.looked_at else "nothing could be looked at"
        kinds = [f"{n} {s}" for s in SEVERITIES if (n := sum(f.severity == s for f in self.findings))]
        return f"{count(len(self.findings), 'finding')}: {', '.join(kinds)}"

    def __str__(self) -> str:
        parts = [self.headline(), *(f"\n{k}. {finding}" for k, finding in enumerate(self.findings, 1))]
        for words, things in (("looked at", self.looked_at), ("not looked at", self.left_out)):
            if things:
                told = f"{words}: {'; '.join(things)}"
                parts.append("\n" + textwrap.fill(told, _WIDTH, subsequent_indent="  ", break_long_words=False))
        return "\n".join(parts)

    __repr__ = __str__

    def html(self, title: str = "Diagnosis") -> str:
        """One page with the findings and pictures of the layers; it needs no network and no script."""
        return page(self, title)

    def _repr_html_(self) -> str:
        style = "width:100%;height:720px;border:0"
        return f'<iframe title="Diagnosis" style="{style}" srcdoc="{escape(self.html())}"></iframe>'
