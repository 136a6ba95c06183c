"""What every test shares: Hypothesis repeats itself, and pictures are drawn without a screen."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

os.environ.setdefault("MPLBACKEND", "Agg")

# Tests look at what is emitted, which must not depend on what an earlier run has left on the disk.
os.environ["WENGERT_CACHE"] = "0"

# The same examples on every run, and no deadline: no test depends on the time it takes.
hypothesis.settings.register_profile("wengert", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.load_profile("wengert")


@pytest.fixture
def rng() -> np.random.Generator:
    """A NumPy generator, the same for every test that asks for one."""
    return np.random.default_rng(20260101)


# ---- pages, opened in the system's Chromium

# Without a network nothing is looked up: what Chromium does of its own accord is switched off.
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SCREENSHOTS = Path(__file__).parents[1] / "build" / "screenshots"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless browser for the tests of a file: while it is there, an event loop of Playwright's runs in this thread."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium is installed: pages are not opened")
    api = pytest.importorskip("playwright.sync_api", reason="Playwright drives the browser")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """``visit(html, width=1280, height=800, scheme="light", zoom=1.0, scripts=True)``: a page of Playwright's.

    ``html`` is text or the path of a file. At the end no page may have reported an error, or asked for anything but
    itself. ``page.keep("name")`` writes a screenshot of the whole page into build/screenshots, to be looked at.
    """
    contexts: list[Any] = []
    faults: list[str] = []

    def opened(html: str | Path, width: int = 1280, height: int = 800, scheme: str = "light", zoom: float = 1.0,
               scripts: bool = True) -> Any:  # fmt: skip
        if isinstance(html, str):
            path = tmp_path / f"page{len(contexts)}.html"
            path.write_text(html, encoding="utf-8")
        else:
            path = html
        # zoomed in, a window shows fewer of the page's own pixels
        size = {"width": round(width / zoom), "height": round(height / zoom)}
        context = chromium.new_context(
            viewport=size, device_scale_factor=zoom, color_scheme=scheme, java_script_enabled=scripts, offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: message.type == "error" and faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: _is_elsewhere(request.url, path) and faults.append(request.url))
        page.goto(path.resolve().as_uri())

        def keep(name: str) -> None:
            SCREENSHOTS.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

        page.keep = keep
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def _is_elsewhere(url: str, path: Path) -> bool:
    return not url.startswith(("data:", "blob:", "about:")) and url.split("#")[0] != path.resolve().as_uri()
