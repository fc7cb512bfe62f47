"""The settings and what .env.example says about them."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
_READ_BY_SETTINGS = re.compile(r"""\benv(?:\.\w+)?\(\s*["']([A-Z][A-Z_]*)["']""")
_READ_BY_OTHERS = re.compile(
    r"""\b(?:environ|env)(?:\.get|\.pop)?[\[(]\s*["']([A-Z][A-Z_]*)["']|getenv\(\s*["']([A-Z][A-Z_]*)["']"""
)
_OF_THE_SYSTEM = {"PATH", "HOME", "TMPDIR", "DJANGO_SETTINGS_MODULE", "XDG_RUNTIME_DIR", "NO_COLOR", "TERM"}


def variables_read(sources):
    found = {name for text in sources for name in _READ_BY_SETTINGS.findall(text)}
    found |= {one or other for text in sources for one, other in _READ_BY_OTHERS.findall(text)}
    return found - _OF_THE_SYSTEM


def variables_described(example):
    """Each `#NAME=default` line that has a line of meaning above it."""
    lines = example.splitlines()
    return {
        match[1]
        for above, line in itertools.pairwise(lines)
        if (match := re.fullmatch(r"#([A-Z_]+)=.*", line)) and re.match(r"# [^-].{10,}", above)
    }


def sources():
    rooms = [ROOT / "outreach" / "settings.py", *(ROOT / "outreach").glob("running*.py"), ROOT / "manage.py"]
    rooms += [*(ROOT / "outreach").glob("embedded*.py"), *(ROOT / "outreach" / "embedded").glob("*.py")]
    return [path.read_text() for path in rooms]


def test_describes_every_variable_that_is_read_and_no_other():
    assert variables_described((ROOT / ".env.example").read_text()) == variables_read(sources())


def test_example_guard_sees_a_planted_violation():
    assert variables_read(['X = env.bool("NEW_SWITCH", default=False)']) == {"NEW_SWITCH"}
    assert variables_read(['os.environ["ONE"]', 'environ.get("TWO")', 'os.getenv("THREE")']) == {"ONE", "TWO", "THREE"}
    assert variables_described("#BARE=1\n# Says what it means.\n#EXPLAINED=1\n") == {"EXPLAINED"}


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("DATABASE_URL", "notaurl"),
        ("DATABASE_URL", "postgres://me:secret@db:port/outreach"),
        ("DATABASE_URL", "postgres://me:secret@db"),
        ("DATABASE_URL", "mysql://me:secret@db/outreach"),
        ("REDIS_URL", "nonsense"),
        ("REDIS_URL", "redis://:secret@cache:port/0"),
    ],
)
def test_says_in_one_sentence_which_address_cannot_be_read(variable, said):
    command = [sys.executable, "manage.py", "check"]
    done = subprocess.run(command, env={**os.environ, variable: said}, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Outreach can't start: {variable} is no ")
    assert len(done.stderr.splitlines()) == 1
    assert "secret" not in done.stderr


def test_keeps_every_cookie_and_header_strict_behind_tls():
    assert settings.SESSION_COOKIE_SECURE == settings.CSRF_COOKIE_SECURE == settings.BEHIND_TLS
    assert bool(settings.SECURE_HSTS_SECONDS) == settings.BEHIND_TLS


def test_takes_the_version_from_the_changelog():
    assert f"## {settings.VERSION}" in (ROOT / "CHANGELOG.md").read_text()


def test_beats_in_utc_and_lets_ticks_expire():
    assert settings.CELERY_TIMEZONE == settings.TIME_ZONE == "UTC"
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["options"]["expires"] >= entry["schedule"]
