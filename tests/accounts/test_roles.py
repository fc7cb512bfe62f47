"""The sentences about roles say what the permission table says."""

import pytest

from accounts import roles
from accounts.models import Role
from outreach.office_rights import CHANGED_BY, DELETED_BY
from outreach.permissions import ROUTES

# Words of a role's sentence → the beginnings of the routes that they are about.
WORDS = {
    Role.OPERATOR: {
        "prospects": (
            "prospect",
            "segment",
            "import",
            "saved-mapping",
            "file",
            "site",
            "duplicate",
            "merge",
            "note",
            "stage",
        ),
        "campaigns": ("campaign", "step", "rehearsal", "template", "versions", "enrollments"),
        "approves messages and does tasks": ("task", "messages-approve", "messages-done", "messages-leave-out"),
        "programs": ("program",),
        "replies": ("repl", "inbox"),
        "suppresses addresses": ("suppression-add", "suppressions-list", "suppressions-import", "suppressions-upload"),
        "pauses mailboxes": ("mailbox-pause", "mailboxes-pause"),
        "stops all sending": ("sending-stop",),
        "releases what was due": ("sending-release",),
    },
    Role.MANAGER: {
        "mailboxes": ("mailbox", "setup-practice"),
        "lets stopped or held sending go on": ("sending-resume", "sending-settle"),
        "lifts suppressions": ("suppression-lift", "prospect-lift"),
        "uncertain messages": ("message-settle", "messages-settle", "messages-send-again"),
        "proves, exports and erases": (
            "prospect-proof",
            "prospect-export",
            "prospect-erase",
            "prospects-proof",
            "prospects-personal-data",
            "prospects-erase",
        ),
        "hands people over": ("owner", "settings-hand-over"),
        "sets the rules over all campaigns": ("rules", "touch-rules", "country-rules"),
    },
    Role.ADMINISTRATOR: {
        "people": ("team",),
        "API keys": ("api-key",),
        "ending the demo world": ("setup-start",),
    },
}
WRITES = [
    (route, least)
    for route, methods in ROUTES.items()
    for method, least in methods.items()
    if method != "GET" and isinstance(least, Role) and least != Role.VIEWER
]


def test_describes_every_role_and_every_word_of_its_own():
    assert list(roles.SAYS) == list(Role)
    for role, words in WORDS.items():
        assert all(word in roles.SAYS[role] for word in words), role


@pytest.mark.parametrize(("route", "least"), WRITES)
def test_has_words_for_everything_that_takes_a_role(route, least):
    begins = tuple(start for starts in WORDS[least].values() for start in starts)
    assert route.startswith(begins) or route.removeprefix("api-").startswith(begins)


def test_lets_a_viewer_change_nothing_but_themselves():
    theirs = {route for route, methods in ROUTES.items() if methods.get("POST") == Role.VIEWER}
    assert {route for route in theirs if not route.endswith("-preview")} == {"profile"}


def test_gives_deleting_to_managers():
    deletable = set(CHANGED_BY) - {"prospects.suppression"}  # deleting such a row says less than lifting it
    assert {DELETED_BY[model] for model in deletable} == {Role.MANAGER}
