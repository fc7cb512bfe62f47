"""What is held about one person, over all apps: told in one file, or forgotten for good."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.db.models import CharField, Q, Value
from django.db.models.functions import Cast, Concat

from accounts import privacy as accounts
from accounts.models import User
from campaigns import journal, stopping
from campaigns.models import (
    Campaign,
    CampaignEvent,
    Decision,
    Enrollment,
    Event,
    Message,
    PersonalText,
    Reply,
    SendingControl,
    Step,
)
from campaigns.personal import PERSONAL
from integrations import privacy as mails
from outreach.lib import history, personal
from outreach.lib.errors import DomainError, Problem
from outreach.lib.personal import Held, Mention, Words
from outreach.lib.retrying import retried
from prospects import privacy as people_facts
from prospects.importing import forgotten
from prospects.models import PrivacyRecord, Prospect

log = structlog.get_logger(__name__)

HELD = (
    # No address gives this key: what must not be written twice is kept out by the hash on the list of the forgotten.
    Held(Message, "prospect", instead={"recipient_key": Concat(Value("erased:"), Cast("public_id", CharField()))}),
    Held(PersonalText, "message__prospect"),
    Held(Reply, "prospect"),
    Held(Event, "prospect"),
    Held(Decision, "enrollment__prospect"),
    Held(Enrollment, "prospect"),
)
MENTIONS = (
    *(Mention(model, words=("state_reason",)) for model in (Campaign, CampaignEvent)),
    Mention(Step, words=("condition",)),
    Mention(SendingControl, words=("stop_reason",)),
)
# About people who work here.
COLLEAGUES = {
    "Campaign": frozenset({"rehearsal_to"}),
    "CampaignEvent": frozenset({"rehearsal_to", "pgh_context"}),
    "CampaignMailboxEvent": frozenset({"pgh_context"}),
    "TouchRulesEvent": frozenset({"pgh_context"}),
    "CountryRuleEvent": frozenset({"pgh_context"}),
}
LONGEST_REASON = 200


class StillSending(DomainError):
    """A mail is on its way to or from them at this moment."""

    status = 409
    title = "Try again in a minute"


class NoReason(DomainError):
    """Somebody is erased only with a reason."""

    title = "Say why"


@transaction.atomic
def export_person(*, prospect: Prospect, by: User | None, now: datetime) -> dict[str, Any]:
    """Everything that is held about a person and those who were merged with them, as JSON; that it was told is noted.

    By table all fields, files and mails as base64. Raises prospects.privacy.AlreadyErased.
    """
    people = people_facts.everything_of(people=[prospect])
    ids = [person.pk for person in people]
    words = people_facts.words_of(people=people, addresses=_addresses(ids))
    tables = people_facts.shown(people=people, words=words)
    tables |= {str(held.model._meta.verbose_name_plural): personal.shown(held.rows(ids)) for held in HELD}
    tables["mails received"] = mails.shown(inbound_ids=_inbound(ids), words=words)
    tables["changes in the back office"] = accounts.logged(rows=people_facts.log_rows(people=people))
    people_facts.record(people=people, action=PrivacyRecord.Action.EXPORTED, reason="", by=by)
    root = next(person for person in people if person.person_id is None)
    about = {"id": str(root.public_id), "name": root.full_name, "email": root.email}
    return {"about": about, "exported_at": now.isoformat(), **tables}


@retried
@transaction.atomic
def erase(*, prospect: Prospect, reason: str, by: User | None, now: datetime) -> int:
    """Forgets a person and all who were merged with them, for good; returns how many enrollments that ended.

    Their campaigns end first. What was sent stays counted, without text and without a name. Of their addresses and
    pages only the hashes stay, so that no import brings them back. Raises NoReason, StillSending and
    prospects.privacy.AlreadyErased.
    """
    if not (reason := reason.strip()) or len(reason) > LONGEST_REASON:
        raise NoReason(problems=[Problem("reason", f"Say why, in at most {LONGEST_REASON} characters.")])
    return forget(people=[prospect], action=PrivacyRecord.Action.ERASED, reason=reason, by=by, now=now)


@transaction.atomic
def forget(
    *, people: Collection[Prospect], action: PrivacyRecord.Action, reason: str, by: User | None, now: datetime
) -> int:
    """`erase` for many at once. Who asked is barred for ever; the retention rule forgets, and keeps their noes."""
    forgotten.keep_imports_off()
    rows, ended = _ended(people)
    ids = [person.pk for person in rows]
    addresses = _addresses(ids)
    words = people_facts.words_of(people=rows, addresses=addresses)
    _refuse_what_is_on_its_way(ids, words)
    with history.redacting():
        if action == PrivacyRecord.Action.ERASED:
            journal.erased(keys=people_facts.bar(people=rows, addresses=addresses, by=by))
        else:
            people_facts.keep_noes(people=rows)
        _empty(rows, words, now)
    people_facts.record(people=rows, action=action, reason=str(words.taken_out(reason)), by=by)
    log.info("people_erased", action=action, count=len(rows), by=by.pk if by else None)
    return ended


def _ended(people: Collection[Prospect]) -> tuple[list[Prospect], int]:
    """All rows of these people, locked and out of every campaign, and how many enrollments that ended.

    A merge that is under way is waited for: the rows that it made theirs are theirs. Raises AlreadyErased.
    """
    given = Prospect.objects.filter(pk__in=[person.pk for person in people])
    locked: list[Prospect] = []
    ended = 0
    while True:
        ids = [person.pk for person in people_facts.everything_of(people=given.all())]
        if ids == [person.pk for person in locked]:
            return locked, ended
        ended += stopping.end_people(prospect_ids=ids, reason=str(PrivacyRecord.Action.ERASED))
        locked = list(Prospect.objects.select_for_update().filter(pk__in=ids).order_by("pk"))


def _empty(people: list[Prospect], words: Words, now: datetime) -> None:
    ids = [person.pk for person in people]
    mails.erase(inbound_ids=_inbound(ids), words=words)
    accounts.erase(words=words, rows=people_facts.log_rows(people=people))
    Message.objects.filter(prospect__in=ids).update(lease_token=None)  # nobody who still holds one writes a word more
    for held in HELD:
        personal.empty(held, ids, PERSONAL)
    for mention in MENTIONS:
        personal.take_out(mention, words)
    people_facts.erase(people=people, words=words, now=now)


def _refuse_what_is_on_its_way(ids: Collection[int], words: Words) -> None:
    if Message.objects.filter(prospect__in=ids, state=Message.State.SENDING).exists():
        raise StillSending("A mail to them is being handed over right now: try again in a minute.")
    if mails.is_arriving(words=words):
        raise StillSending("A mail about them came in and is being read: try again in a minute.")


def _addresses(ids: Collection[int]) -> list[str]:
    """Where they were written to, and from where they answered. Rehearsals went to ourselves."""
    real = Q(prospect__in=ids, campaign__rehearsal_of=None)
    found: Iterable[str] = Message.objects.filter(real).values_list("recipient", flat=True)
    answered = Reply.objects.filter(prospect__in=ids).values_list("sender", flat=True)
    return sorted({address for address in (*found, *answered) if "@" in address})


def _inbound(ids: Collection[int]) -> list[int]:
    events = Event.objects.filter(prospect__in=ids, inbound__isnull=False)
    return list(events.values_list("inbound", flat=True))
