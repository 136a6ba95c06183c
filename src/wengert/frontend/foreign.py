"""Which function of SciPy's the user called, where SciPy wants the plain array behind a traced value."""

from __future__ import annotations

import re
import sys
from types import FrameType

from wengert.errors import is_library_file, user_line

# parts of SciPy with namesakes, and where these are
_NAMESAKES = {"special": "wengert.scipy.special", "linalg": "wengert.scipy.linalg", "fft": "wengert.scipy.fft"}


def called_of_scipy() -> str:
    """The full name of the function through which the user's line went into SciPy, or an empty string."""
    frames = _scipy_frames()
    if not frames:
        return ""
    part = frames[0].f_globals["__name__"].split(".")[1]
    public = sys.modules.get(f"scipy.{part}")
    if part not in _NAMESAKES or public is None:
        return ""
    # decorated functions do not show their names in frames
    names = [frame.f_code.co_name for frame in frames] + re.findall(r"(\w+)\(", user_line())
    found = next((name for name in names if not name.startswith("_") and hasattr(public, name)), "")
    return f"scipy.{part}.{found}" if found else ""


def instead_of_scipy(function: str) -> str:
    """The namesake that takes traced values."""
    _, part, name = function.split(".")
    return f"{_NAMESAKES[part]}.{name}"


def _scipy_frames() -> list[FrameType]:
    """SciPy's frames between the caller and the user's code, outermost first."""
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]  # inspect's is slower
    found: list[FrameType] = []
    while frame is not None and is_library_file(frame.f_code.co_filename):
        if frame.f_globals.get("__name__", "").startswith("scipy."):
            found.insert(0, frame)
        frame = frame.f_back
    return found
