"""The next thing to do about a person, and when it is due."""

from datetime import date

from django.db import transaction
from django.db.models import Case, IntegerField, QuerySet, Value, When

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from outreach.lib.text import printable
from prospects import notes
from prospects.models import Note, Prospect

LONGEST = 200


class InvalidNextStep(DomainError):
    """A next step that can't be kept."""

    title = "The next step is not valid"


def set_next_step(*, prospect: Prospect, text: str, due: date | None, by: User | None) -> Prospect:
    """Says what is to be done and by when; it takes the place of what was there. Raises InvalidNextStep.

    A date in the past is taken: it is overdue at once.
    """
    text, problems = printable(text), []
    if not text:
        problems.append(Problem("text", "Say what is to be done."))
    if len(text) > LONGEST:
        problems.append(Problem("text", f"At most {LONGEST} characters."))
    if due is None:
        problems.append(Problem("due", "Say by when."))
    if problems:
        raise InvalidNextStep(problems=problems)
    Prospect.objects.filter(pk=prospect.pk).update(next_step=text, next_step_date=due)
    prospect.next_step, prospect.next_step_date = text, due
    return prospect


@transaction.atomic
def done(*, prospect: Prospect, by: User | None) -> Note | None:
    """The step is taken: a note says so, and nothing is due any more. None when there was nothing to do."""
    current = Prospect.objects.select_for_update().get(pk=prospect.pk)
    if not current.next_step and current.next_step_date is None:
        return None
    Prospect.objects.filter(pk=current.pk).update(next_step="", next_step_date=None)
    return notes.add_note(prospect=current, text=f"Done: {current.next_step or 'the next step'}", by=by)


def due(*, today: date, by: User | None, limit: int) -> list[Prospect]:
    """Whose next step is due or overdue: `by`'s own people first, then the longest due. One query."""
    rows: QuerySet[Prospect] = Prospect.objects.present().filter(next_step_date__lte=today).select_related("owner")
    if by is not None:
        mine = Case(When(owner=by, then=Value(0)), default=Value(1), output_field=IntegerField())
        rows = rows.order_by(mine, "next_step_date", "id")
    else:
        rows = rows.order_by("next_step_date", "id")
    return list(rows[:limit])
