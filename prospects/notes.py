"""What people here write down about a person."""

from collections.abc import Collection

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from outreach.lib.text import printable
from prospects.models import Note, Prospect

LONGEST = 10_000
BATCH = 1_000


class InvalidNote(DomainError):
    """A note that can't be kept."""

    title = "The note is not valid"


def add_note(*, prospect: Prospect, text: str, by: User | None) -> Note:
    """Keeps a note, dated by the database. Raises InvalidNote when it is empty or longer than 10,000 characters."""
    return Note.objects.create(prospect=prospect, text=_kept(text), created_by=by)


def add_notes(*, prospect_ids: Collection[int], text: str, by: User | None) -> None:
    """Keeps the same note on each of these people. Raises InvalidNote as `add_note`."""
    text = _kept(text)
    made = (Note(prospect_id=pk, text=text, created_by=by) for pk in prospect_ids)
    Note.objects.bulk_create(made, batch_size=BATCH)


def _kept(text: str) -> str:
    text = printable(text.replace("\r\n", "\n"), keep="\n\t")
    if not text:
        raise InvalidNote(problems=[Problem("text", "Write something first.")])
    if len(text) > LONGEST:
        raise InvalidNote(problems=[Problem("text", f"A note has at most {LONGEST:,} characters.")])
    return text
