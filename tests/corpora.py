"""Where the cases live that none of the code's authors wrote: outside the project, and never copied into it."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


def folder(name: str) -> Path:
    """The corpus of that name, or a skipped test that says where it was looked for."""
    root = Path(os.environ.get("OUTREACH_CORPORA") or PROJECT.parent / "shared" / "corpora")
    path = root / name
    if not path.is_dir():
        pytest.skip(f"The corpus {name!r} is not at {root}; set OUTREACH_CORPORA to the folder that holds it.")
    return path
