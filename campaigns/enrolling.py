"""Putting people into a campaign, in sets."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import User
from campaigns import goals, senders
from campaigns.models import Campaign, CountryRule, Step
from campaigns.rules import lining_up
from outreach.lib.errors import DomainError
from outreach.lib.models import new_public_id
from prospects import segments, suppression
from prospects.models import Prospect

BATCH = 10_000
LOCK = 0x454E524F  # advisory lock number of whoever puts people into a campaign


class NotLaunched(DomainError):
    """People can be enrolled only once a campaign was launched."""

    status = 409


def enroll_segment(*, campaign: Campaign, now: datetime, by: User | None) -> int:
    """Enrols everybody in the campaign's segment; see `enroll`."""
    return enroll(campaign=campaign, prospects=segments.members(segment=campaign.segment, now=now), now=now, by=by)


def enroll(*, campaign: Campaign, prospects: QuerySet[Prospect], now: datetime, by: User | None) -> int:
    """Enrols who has an address, is not stopped or suppressed and is not in the campaign yet; returns how many. They
    are shared out among its mailboxes as those's caps are.

    Rows that were merged into another or erased are left out, whoever names them.
    Raises NotLaunched for a draft.
    """
    if campaign.state not in (Campaign.State.RUNNING, Campaign.State.PAUSED):
        raise NotLaunched("Launch the campaign first: only then can people be enrolled.")
    with transaction.atomic():
        enrolled = put_in(campaign=campaign, prospects=prospects, now=now, by=by)
        if campaign.one_per_site:
            lining_up.line_up(campaign_id=campaign.pk, now=now)
    return enrolled


def put_in(*, campaign: Campaign, prospects: QuerySet[Prospect], now: datetime, by: User | None) -> int:
    """As `enroll`, in a transaction of the caller's; of each site everybody is looked at, until `lining_up`."""
    ids = reachable(campaign=campaign, prospects=prospects).order_by("id").values_list("id", flat=True)
    enrolled, boxes = 0, senders.weights(senders.taking(senders.of(campaign)) or [campaign.mailbox], now=now)
    begin()
    version = campaign.live_version()  # until the end nobody publishes another
    first = Step.objects.filter(sequence_version=version).order_by("position")[:1].get()
    each: dict[str, Any] = {"campaign": campaign.pk, "version": version.pk, "step": first.key, "now": now, **boxes}
    for batch in batched(ids.iterator(chunk_size=BATCH), BATCH):
        enrolled += _insert(batch, {**each, "by": by and by.pk})
    return enrolled


def begin() -> None:
    """Until the end of this transaction nobody is forgotten for not having been in touch, and no version is published.

    Call it first in it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [LOCK])


def alone() -> None:
    """Waits for whoever puts people into a campaign; from then on nobody does until the end of this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def keep_off() -> bool:
    """Until the end of this transaction nobody is put into a campaign; False while somebody is.

    A row of the person tells nothing about that: what a new enrollment refers to is locked as late as it is committed.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


def reachable(*, campaign: Campaign, prospects: QuerySet[Prospect]) -> QuerySet[Prospect]:
    """Those of them whom this campaign may write to: an address, no stop, no suppression, no invented person in it,
    nobody of a country that is never written to, and nobody who has reached what the campaign is there for.
    """
    here = prospects.filter(person=None, erased_at=None).exclude(email="")
    here = here.filter(stopped_at=None).exclude(site__stopped_at__isnull=False)
    here = here.exclude(country__in=CountryRule.objects.filter(rule=CountryRule.Rule.NEVER).values("country"))
    here = here.exclude(pk__in=goals.partners(campaign))
    if not campaign.mailbox.is_demo:
        here = here.filter(is_demo=False)
    return suppression.without_suppressed(here)


def batched(ids: Iterable[int], size: int) -> Iterator[list[int]]:
    """Lists of up to `size` (itertools.batched comes with Python 3.12)."""
    rest = iter(ids)
    while batch := list(islice(rest, size)):
        yield batch


def _insert(prospect_ids: list[int], values: dict[str, Any]) -> int:
    statement = f"""
        INSERT INTO campaigns_enrollment (public_id, prospect_id, campaign_id, sequence_version_id, mailbox_id, state,
               stop_reason, next_step_key, steps_handed_over, due_at, look_at, enrolled_by_id)
        SELECT who.public_id, who.id, %(campaign)s, %(version)s, {senders.CHOSEN.format(person="who.id")}, 'active', '',
               %(step)s, 0, %(now)s, %(now)s, %(by)s
          FROM unnest(%(public_ids)s::uuid[], %(people)s::bigint[]) AS who(public_id, id)
            ON CONFLICT (campaign_id, prospect_id) DO NOTHING"""  # noqa: S608
    who: dict[str, Any] = {"public_ids": [str(new_public_id()) for _ in prospect_ids], "people": prospect_ids}
    with connection.cursor() as cursor:
        cursor.execute(statement, {**values, **who})
        return int(cursor.rowcount)
