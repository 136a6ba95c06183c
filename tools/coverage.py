"""Counts what the tests verify of NumPy's names, and writes docs/coverage.md.

.venv/bin/python tools/coverage.py          writes src/wengert/frontend/verified.json and docs/coverage.md
.venv/bin/python tools/coverage.py --check  says whether they are what would be written; 1 if not
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.frontend._verified import counts  # noqa: E402 - the tests are no installed package

from wengert.frontend import coverage  # noqa: E402

PAGE = ROOT / "docs" / "coverage.md"


def verified_text() -> str:
    """What verified.json holds: a line for each name."""
    rows = [f"{json.dumps(name)}: {json.dumps(numbers)}" for name, numbers in counts().items()]
    return "{\n" + ",\n".join(rows) + "\n}\n"


def main(arguments: list[str]) -> int:
    """Write both files, or compare them."""
    wanted = {coverage.VERIFIED: verified_text()}
    if "--check" not in arguments:
        coverage.VERIFIED.write_text(wanted[coverage.VERIFIED], encoding="utf-8")
        coverage.verified.cache_clear()
    wanted[PAGE] = coverage.page()
    if "--check" not in arguments:
        PAGE.write_text(wanted[PAGE], encoding="utf-8")
        return 0
    stale = [path for path, text in wanted.items() if path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(f"{path.relative_to(ROOT)} is out of date; write: make coverage")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
