"""A person's word that a mail was not sent after all: the same row is handed over once more, under its Message-ID."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db import connection

from accounts.models import User
from campaigns import booking, gate, planning, releasing
from campaigns.models import Message
from outreach.lib.errors import DomainError, Problem
from outreach.lib.models import DatabaseClock

log = structlog.get_logger(__name__)

MOST = 500  # in one call
STILL_TRYING = timedelta(minutes=20)  # a slow server may yet answer the worker that hands it over
NO_SLOT, TOO_SOON, SETTLED = "no_slot", "too_soon", "settled"

# The token goes: whatever the first hand-over still says, it is not about this one. Its doubt goes with the new one.
_AGAIN = """
UPDATE campaigns_message m
   SET state = 'planned', send_at = slot.at, lease_token = NULL, overdue_at = NULL,
       why = (m.why - 'doubted') || jsonb_build_object('again', %s::jsonb)
  FROM (SELECT unnest(%s::bigint[]) AS id, unnest(%s::timestamptz[]) AS at) slot
 WHERE m.id = slot.id AND m.state = 'uncertain'
"""


class NoteNeeded(DomainError):
    """Nobody is written to twice on a word without a reason."""

    title = "Say how you know"


class StaysUncertain(DomainError):
    """It was settled meanwhile, or can't be sent now."""

    status = 409
    title = "It stays as it is"


@dataclass(frozen=True)
class Again:
    """By message: the slot it has now, or the rule that keeps it uncertain (`wording.words` says it)."""

    slots: dict[int, datetime] = field(default_factory=dict)
    kept: dict[int, str] = field(default_factory=dict)


def send_again(*, message_ids: Collection[int], note: str, by: User | None, now: datetime) -> Again:
    """These uncertain messages (500 at most) were not sent, somebody says: each gets one new hand-over, in a free slot.

    What the gate refuses now stays uncertain, first mails too while answers are unread: a proof may be among them. So
    does what may still be in a worker's hand. A proof that comes before the new hand-over takes its place. Raises
    NoteNeeded.
    """
    if not note.strip():
        raise NoteNeeded(problems=[Problem("note", "Say how you know that it was not sent.")])
    with planning.alone():
        asked = Message.objects.filter(pk__in=list(message_ids)[:MOST], state=Message.State.UNCERTAIN)
        ids = list(asked.order_by("id").select_for_update(of=("self",)).values_list("id", flat=True))
        kept = _kept(ids)
        books = booking.slot_books(now=now, until=now + releasing.FARTHEST)
        slots = dict(releasing.slots_for([pk for pk in ids if pk not in kept], books, now))
        said = json.dumps({"by": str(by or ""), "note": note.strip()[:300], "at": now.isoformat()})
        with connection.cursor() as cursor:
            cursor.execute(_AGAIN, [said, list(slots), list(slots.values())])
    kept |= {pk: SETTLED for pk in message_ids if pk not in ids}
    kept |= {pk: NO_SLOT for pk in ids if pk not in slots and pk not in kept}
    log.info("sent_again", count=len(slots), kept=len(kept), by=by.pk if by else None)
    return Again(slots, kept)


def _kept(ids: list[int]) -> dict[int, str]:
    refused = {pk: rules[0] for pk, rules in gate.refusals(message_ids=ids).items() if rules}
    lately = Message.objects.filter(pk__in=ids, marked_at__gt=DatabaseClock() - STILL_TRYING)
    return refused | dict.fromkeys(lately.values_list("id", flat=True), TOO_SOON)
