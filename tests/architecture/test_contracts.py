"""The import contracts of pyproject.toml, each seen to fail on a copy of the tree with one planted import."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture import facts

pytestmark = pytest.mark.prove

PLANTED = [
    ("layers", {"prospects/planted.py": "import campaigns.models"}),
    ("layers", {"templates/planted.py": "import prospects.models"}),
    ("layers", {"integrations/planted.py": "import accounts.models"}),
    ("layers", {"accounts/planted.py": "import outreach.permissions"}),
    ("layers", {"outreach/lib/planted.py": "import templates.models"}),
    ("roof", {"outreach/schedule.py": "import outreach.lib.signing"}),
    ("roof", {"outreach/settings.py": "import outreach.permissions"}),
    ("roof", {"outreach/planted.py": "an_unlisted_room = True"}),
    ("embedded", {"outreach/embedded/planted.py": "import django"}),
    ("entry-points", {"campaigns/planted.py": "import campaigns.admin"}),
    ("entry-points", {"campaigns/models/planted.py": "import campaigns.api"}),
    ("entry-points", {"campaigns/planted.py": "import campaigns.public_views"}),
    ("tasks", {"campaigns/planted.py": "import campaigns.tasks"}),
    (
        "circles",
        {"campaigns/planted.py": "import campaigns.plotted", "campaigns/plotted.py": "import campaigns.planted"},
    ),
    ("frameworks", {"campaigns/planted.py": "import celery"}),
    ("frameworks", {"prospects/models/planted.py": "import rest_framework.fields"}),
    ("vendors", {"campaigns/planted.py": "import smtplib"}),
    ("peers", {"integrations/planted.py": "import aiosmtpd.controller"}),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    copy = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", *facts.sources(*facts.PACKAGES)):
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(facts.ROOT / name, target)
    return copy


def broken(tree, contract):
    """What lint-imports says about one contract; empty when it holds."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--contract", contract]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("contract", sorted({contract for contract, _ in PLANTED}))
def test_holds(tree, contract):
    assert broken(tree, contract) == ""


@pytest.mark.parametrize(("contract", "files"), PLANTED, ids=lambda value: value if isinstance(value, str) else "")
def test_contract_sees_a_planted_violation(tree, contract, files):
    before = {path: (tree / path).read_text() if (tree / path).exists() else None for path in files}
    try:
        for path, line in files.items():
            (tree / path).write_text(f"{before[path] or ''}\n{line}\n")
        assert "BROKEN" in broken(tree, contract)
    finally:
        for path, text in before.items():
            (tree / path).unlink() if text is None else (tree / path).write_text(text)
