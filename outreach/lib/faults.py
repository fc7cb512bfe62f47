"""Named points between two commits at which a test ends this process, to see what the next one makes of it."""

import os
import signal
from dataclasses import dataclass

VARIABLE = "OUTREACH_FAULT"


@dataclass
class _Armed:
    name: str
    passes: int
    signal: signal.Signals
    about: str


_armed: _Armed | None = None


def arm(spec: str) -> None:
    """`after_mark:3` kills at the third pass of that point; `after_mark:1:SIGSTOP` stops there; "" disarms.

    `in_compose:1:SIGKILL:7` counts only passes about what is called 7.
    """
    global _armed
    if not spec:
        _armed = None
        return
    name, passes, sent, about, *_ = f"{spec}:::".split(":")
    _armed = _Armed(name, int(passes or 1), signal.Signals[sent or "SIGKILL"], about)


def fault(name: str, about: object = "") -> None:
    """Nothing, unless this very point is armed and reached for the last time it may be passed."""
    if _armed is None or _armed.name != name or _armed.about not in ("", str(about)):
        return
    _armed.passes -= 1
    if _armed.passes == 0:
        os.kill(os.getpid(), _armed.signal)


arm(os.environ.get(VARIABLE, ""))
