from io import StringIO
from pathlib import Path

from django.core.management import call_command

SCHEMA = Path(__file__).parent / "openapi.yaml"
MAKE_ANEW = "manage.py spectacular --file tests/outreach/openapi.yaml"


def test_is_the_reviewed_file():
    """A change of the API is a change of this file, which somebody reads: make it anew with the command above."""
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    now, reviewed = (_without_version(text) for text in (out.getvalue(), SCHEMA.read_text()))
    assert now == reviewed, f"The API changed. When that is meant: {MAKE_ANEW}"


def _without_version(text):
    return [line for line in text.splitlines() if not line.startswith("  version:")]


def test_is_served_to_anybody_with_the_page_to_browse_it(client, db):
    assert client.get("/api/v1/schema/").status_code == 200
    page = client.get("/api/v1/docs/")
    assert page.status_code == 200
    assert b"<script>" not in page.content
