"""Putting noes back that the database has forgotten since its backup; safe to repeat."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from campaigns import journal, reconciling, stopping
from campaigns.models import Event, Message
from outreach.lib.retrying import retried
from prospects import suppression as facts
from prospects.models import Prospect

log = structlog.get_logger(__name__)

EARLIER = timedelta(days=1)
REASON = "said no before the database was put back"


def replay(*, since: datetime | None) -> int:
    """Replays the journal from then on (everything without a time); returns how many noes were missing.

    What was lifted after it was said stays lifted. Noes for good are replayed from a day before, as a clock may be off
    and they do no harm; the end of a campaign concerns those of its time only.
    """
    standing: dict[str, journal.Line] = {}
    for line in journal.read(since=since and since - EARLIER):
        if line.do == "end" and since is not None and line.at < since:
            continue
        if line.do == "lift":
            for key in [key for key, said in standing.items() if _is_about(said, line)]:
                del standing[key]
        else:
            standing[line.id] = line
    missing = sum(_replay_one(line) for line in standing.values())
    log.info("journal_replayed", lines=len(standing), missing=missing)
    return missing


def _is_about(line: journal.Line, lifted: journal.Line) -> bool:
    by_key = bool(lifted.said["key"]) and line.said.get("key") == lifted.said["key"]
    return by_key or (line.do == "stop" and line.said["prospect"] == lifted.said["prospect"])


@retried
@transaction.atomic
def _replay_one(line: journal.Line) -> bool:
    replay_line = {"suppress": _suppress, "stop": _stop, "end": _end, "unsubscribe": _unsubscribe}.get(line.do)
    return replay_line(line.said) if replay_line else False


def _suppress(said: dict[str, Any]) -> bool:
    ends = said["expires_at"] and datetime.fromisoformat(said["expires_at"])
    key, reason = said["key"], said["reason"]
    ended = stopping.end_named(keys=[key], reason=reason)
    if person := _person(said["prospect"]):
        ended += stopping.end_people(prospect_ids=stopping.rows_of(person), reason=reason)
    return facts.put_back(kind=said["kind"], key=key, reason=reason, expires_at=ends) or bool(ended)


def _stop(said: dict[str, Any]) -> bool:
    """Whoever is not in the backup is stopped by their keys, should they come back."""
    person = _person(said["prospect"])
    if person is not None:
        stopping.stop_person(prospect=person, reason=REASON, is_replay=True)
        return person.stopped_at is None
    new = [facts.put_back(kind=key.partition(":")[0], key=key, reason="manual") for key in said["keys"]]
    stopping.end_named(keys=said["keys"], reason="manual")
    return any(new)


def _end(said: dict[str, Any]) -> bool:
    person = _person(said["prospect"])
    return person is not None and bool(
        stopping.stop_enrollments(prospect=person, reason=said["reason"], is_replay=True)
    )


def _unsubscribe(said: dict[str, Any]) -> bool:
    """They followed the link in this mail, so it was sent."""
    message = Message.objects.select_related("campaign", "prospect", "enrollment", "step").filter(
        public_id=said["message"], campaign__rehearsal_of=None
    )
    if (found := message.first()) is None or found.prospect.erased_at:
        return False
    reconciling.proven_sent(message=found)
    _, created = Event.record_once(
        kind=Event.Kind.UNSUBSCRIBED,
        message=found,
        occurred_at=datetime.fromisoformat(said["at"]),
        detail={"source": "journal"},
        dedupe_key=f"unsubscribe:{found.pk}",
    )
    return created


def _person(public_id: str | None) -> Prospect | None:
    return Prospect.objects.filter(public_id=public_id).first() if public_id else None
