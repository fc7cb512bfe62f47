"""The slots of mailboxes as the ledger has them, for whoever gives some out."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, time, timedelta

from campaigns import candidates, deciding
from campaigns.scheduling import CAMPAIGN, DAY, DOMAIN, MOST, Quota, Share, SlotBook, always, horizon, the_same
from integrations.models import Mailbox


def slot_books(
    *,
    now: datetime,
    until: datetime | None = None,
    mailbox_ids: Collection[int] | None = None,
    campaigns: Quota | None = None,
    statuses: Collection[str] = (Mailbox.Status.ACTIVE,),
) -> dict[int, SlotBook]:
    """The slots of each active mailbox (of these) up to the horizon (or `until`); caps are counted from the ledger.

    All of them share what is left to the `campaigns` with a daily limit, which is counted unless it is given.
    """
    today = midnight(now)
    campaigns = campaigns or candidates.campaign_quota(limits=candidates.daily_limits(), since=today)
    active = Mailbox.objects.filter(status__in=statuses)
    active = active if mailbox_ids is None else active.filter(pk__in=mailbox_ids)
    mailboxes = list(active.only("daily_cap", "ramp_start", "ramp_step", "ramp_from", "gap_seconds", "domain_cap"))
    before = today - DAY  # yesterday's last keeps its gap to today's first
    taken = candidates.taken_slots(mailbox_ids=[mailbox.pk for mailbox in mailboxes], since=before)
    limited = [mailbox.pk for mailbox in mailboxes if mailbox.domain_cap]
    domains = candidates.taken_domains(mailbox_ids=limited, since=today)
    return {
        mailbox.pk: SlotBook(
            cap_on=mailbox.cap_on,
            gap=timedelta(seconds=mailbox.gap_seconds),
            taken=taken.get(mailbox.pk, ()),
            horizon=until or horizon(now),
            quotas={
                CAMPAIGN: campaigns,
                DOMAIN: Quota(the_same(mailbox.domain_cap), domains.get(mailbox.pk, {})),
            },
        )
        for mailbox in mailboxes
    }


def midnight(now: datetime) -> datetime:
    """The beginning of this UTC day."""
    return datetime.combine(now.date(), time(0), UTC)


def closed_book(*, now: datetime) -> SlotBook:
    """Of a mailbox that sends nothing."""
    return SlotBook(cap_on=always(0), gap=deciding.LOOK_AGAIN, taken=(), horizon=horizon(now))


class OpenBook(SlotBook):
    """Every slot is free, for somebody waits in front of the screen; what is taken counts in the mailbox's own book."""

    def __init__(self, *, horizon: datetime, beside: SlotBook | None) -> None:
        super().__init__(cap_on=always(MOST), gap=timedelta(0), taken=(), horizon=horizon)
        self._beside = beside

    def take(self, at: datetime, *, shares: Iterable[Share] = ()) -> None:
        """Marks a slot as taken, for everybody else."""
        if self._beside is not None:
            self._beside.take(at, shares=shares)
