"""Putting noes back that the database has forgotten since its backup; safe to repeat."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import structlog
from django.db import transaction

from campaigns import journal, reconciling, stopping
from campaigns.models import Campaign, Event, Message
from outreach.lib.models import DatabaseClock
from outreach.lib.retrying import retried
from prospects import suppression as facts
from prospects import suppression_lists
from prospects.models import Prospect, Site, Suppression

log = structlog.get_logger(__name__)

TOGETHER = 1_000  # entries of lists in one transaction
FEW = 20  # lines between two looks at the time
EARLIER = timedelta(days=1)
REASON = "said no before the database was put back"


@dataclass(frozen=True)
class Replayed:
    """How many noes were missing, the line it came to, and whether that was the last."""

    missing: int
    last: str
    is_done: bool


def replay(*, since: datetime | None) -> int:
    """Replays the journal from then on (everything without a time); returns how many noes were missing.

    What was lifted after it was said stays lifted. Noes for good are replayed from a day before, as a clock may be off
    and they do no harm; the end of a campaign concerns those of its time only.
    """
    return go_on(since=since, after="", until=float("inf")).missing


def go_on(*, since: datetime | None, after: str, until: float) -> Replayed:
    """As `replay`, behind the line of this id and up to the moment `until` (monotonic), with at least one step."""
    standing = _standing(since)
    lines = sorted(standing.values(), key=lambda line: line.is_of_list)
    ids = [line.id for line in lines]
    rest = lines[ids.index(after) + 1 :] if after in standing else lines
    missing, last = 0, after
    for part in _parts(rest):
        missing += _replay_list(part) if part[0].is_of_list else sum(_replay_one(line) for line in part)
        last = part[-1].id
        if monotonic() >= until and last != ids[-1]:
            return Replayed(missing, last, is_done=False)
    log.info("journal_replayed", lines=len(rest), missing=missing)
    return Replayed(missing, last, is_done=True)


def _standing(since: datetime | None) -> dict[str, journal.Line]:
    """What was said and not taken back, by the ids of its lines."""
    standing: dict[str, journal.Line] = {}
    by_key: dict[str, list[str]] = {}
    for line in journal.read(since=since and since - EARLIER):
        if line.do == "end" and since is not None and line.at < since:
            continue
        if line.do == "lift":
            for name in _names_of(line):
                for pk in by_key.pop(name, ()):
                    standing.pop(pk, None)
        else:
            standing[line.id] = line
            for name in _names_of(line):
                by_key.setdefault(name, []).append(line.id)
    return standing


def _names_of(line: journal.Line) -> list[str]:
    """By what a line and its lifting find each other: a key, or the person of a stop."""
    person = line.said["prospect"] if line.do in ("stop", "lift") else None
    return [name for name in (line.said.get("key"), person and f"person:{person}") if name]


def _parts(lines: Sequence[journal.Line]) -> Iterator[Sequence[journal.Line]]:
    """Those of lists come last, and go together."""
    first = next((number for number, line in enumerate(lines) if line.is_of_list), len(lines))
    for begin in range(0, first, FEW):
        yield lines[begin : min(begin + FEW, first)]
    for begin in range(first, len(lines), TOGETHER):
        yield lines[begin : begin + TOGETHER]


@retried
@transaction.atomic
def _replay_list(lines: Sequence[journal.Line]) -> int:
    """Entries of imported lists, in sets: a list may name everybody who ever said no to somebody."""
    said = {line.said["key"]: line.said for line in lines}
    known = set(Suppression.objects.filter(key__in=said).values_list("key", flat=True))
    for reason in {each["reason"] for each in said.values()}:
        stopping.end_named(keys=[key for key, each in said.items() if each["reason"] == reason], reason=reason)
    entries = [_entry(each, is_known=key in known) for key, each in said.items()]
    return len(suppression_lists.store(lines=entries, by=None))


def _entry(said: dict[str, Any], *, is_known: bool) -> suppression_lists.Line:
    key, ends = said["key"], said["expires_at"] and datetime.fromisoformat(said["expires_at"])
    value = "" if is_known or said["reason"] == Suppression.Reason.ERASED else facts.value_of(key)
    return suppression_lists.Line(
        number=0, kind=said["kind"], value=value, key=key, reason=said["reason"], source=facts.PUT_BACK, expires_at=ends
    )


@retried
@transaction.atomic
def _replay_one(line: journal.Line) -> bool:
    replay_line = REPLAYED.get(line.do)
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


def _stop_site(said: dict[str, Any]) -> bool:
    """Its domain is on the list by an entry of its own, also where the backup does not know the company."""
    return bool(Site.objects.filter(domain=said["domain"], stopped_at=None).update(stopped_at=DatabaseClock()))


def _end(said: dict[str, Any]) -> bool:
    person, only = _person(said["prospect"]), said.get("campaign")
    campaign = Campaign.objects.filter(public_id=only).first() if only else None
    if person is None or (only and campaign is None):
        return False
    return bool(stopping.stop_enrollments(prospect=person, reason=said["reason"], campaign=campaign, is_replay=True))


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


REPLAYED = {"suppress": _suppress, "stop": _stop, "stop_site": _stop_site, "end": _end, "unsubscribe": _unsubscribe}
