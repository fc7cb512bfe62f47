"""The mailboxes of a campaign: new people are shared out among the first and the further ones, and stay with theirs."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q

from campaigns.models import Campaign, CampaignMailbox
from integrations.models import Mailbox
from outreach.lib.errors import DomainError, Problem

SECRETS = ("smtp_password", "imap_password", "service_key")
FORTNIGHT = [timedelta(days=n) for n in range(14)]  # so that a warm-up counts for what it grows to

# Rendezvous hashing, weighed: whoever comes twice meets the same mailbox, and another mailbox takes only its own share.
_UNIT = "(((hashint8extended({person}, b.id) >> 11) & 9007199254740991) + 1)::float8 / 9007199254740992"
CHOSEN = f"""(
    SELECT b.id FROM unnest(%(boxes)s::bigint[], %(weights)s::float8[]) AS b(id, weight)
     ORDER BY -ln({_UNIT}) / b.weight, b.id LIMIT 1)"""  # noqa: S608
"""The mailbox of a person (format it with `person`), among those that `weights` names."""

_SHARE_OUT = f"""
UPDATE campaigns_enrollment e SET mailbox_id = {CHOSEN.format(person="e.prospect_id")}
 WHERE e.campaign_id = %(campaign)s AND e.state = 'active' AND e.steps_handed_over = 0 AND e.look_at IS NOT NULL
   AND e.mailbox_id <> {CHOSEN.format(person="e.prospect_id")}
"""  # noqa: S608


class NotTogether(DomainError):
    """A practice mailbox and a real one can't be in one campaign, nor one that is out of service."""


def of(campaign: Campaign) -> list[Mailbox]:
    """The first, then the others by name, as they are now; without secrets. One query."""
    further = CampaignMailbox.objects.filter(campaign=campaign).values("mailbox")
    found = Mailbox.objects.filter(Q(pk=campaign.mailbox_id) | Q(pk__in=further)).defer(*SECRETS).order_by("name", "id")
    return sorted(found, key=lambda each: each.pk != campaign.mailbox_id)


def further(campaign: Campaign) -> list[Mailbox]:
    """All but the first, by name; without secrets. One query."""
    return of(campaign)[1:]


def taking(mailboxes: Iterable[Mailbox]) -> list[Mailbox]:
    """Those of them that take new people: the active ones; when there is none, those that may be again."""
    kept = [each for each in mailboxes if each.status != Mailbox.Status.RETIRED]
    return [each for each in kept if each.status == Mailbox.Status.ACTIVE] or kept


def weights(mailboxes: Sequence[Mailbox], *, now: datetime) -> dict[str, Any]:
    """What CHOSEN reads: people are shared out as the mailboxes' caps are."""
    today = now.astimezone(UTC).date()
    caps = [sum(each.cap_on(today + ahead) for ahead in FORTNIGHT) for each in mailboxes]
    return {"boxes": [each.pk for each in mailboxes], "weights": [max(cap, 1e-6) for cap in caps]}


def set_further(*, campaign: Campaign, mailboxes: Collection[Mailbox]) -> None:
    """The campaign has these mailboxes beside its first. Call it in a transaction. Raises NotTogether."""
    wanted = {each.pk: each for each in mailboxes if each.pk != campaign.mailbox_id}
    _check(campaign, wanted.values())
    rows = CampaignMailbox.objects.filter(campaign=campaign)
    before = set(rows.values_list("mailbox", flat=True))
    rows.exclude(mailbox__in=wanted).delete()
    CampaignMailbox.objects.bulk_create(
        [CampaignMailbox(campaign=campaign, mailbox=each) for pk, each in sorted(wanted.items()) if pk not in before]
    )


def share_out(*, campaign: Campaign, now: datetime) -> int:
    """Shares out who waits for a first message among the mailboxes that the campaign has now. Returns how many moved.

    Whom a mailbox wrote to, or is about to, stays with it.
    """
    boxes = taking(of(campaign))
    if not boxes:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_SHARE_OUT, {**weights(boxes, now=now), "campaign": campaign.pk})
        return int(cursor.rowcount)


def _check(campaign: Campaign, mailboxes: Iterable[Mailbox]) -> None:
    problems = []
    for each in mailboxes:
        if each.is_demo != campaign.mailbox.is_demo:
            words = (
                f"{each.from_address} and {campaign.mailbox.from_address} can't share a campaign: one is for practice."
            )
            problems.append(Problem("more_mailboxes", words))
        elif each.status == Mailbox.Status.RETIRED:
            problems.append(Problem("more_mailboxes", f"{each.from_address} is retired: nothing is sent from it."))
    if problems:
        raise NotTogether("", problems)
