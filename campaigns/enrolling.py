"""Putting people into a campaign, in sets."""

from datetime import datetime

from django.db.models import QuerySet

from accounts.models import User
from campaigns.models import Campaign, Enrollment, Step
from outreach.lib.errors import DomainError
from prospects import segments, suppression
from prospects.models import Prospect

BATCH = 2_000


class NotLaunched(DomainError):
    """People can be enrolled only once a campaign was launched."""

    status = 409


def enroll_segment(*, campaign: Campaign, now: datetime, by: User | None) -> int:
    """Enrols everybody in the campaign's segment; see `enroll`."""
    return enroll(campaign=campaign, prospects=segments.members(segment=campaign.segment), now=now, by=by)


def enroll(*, campaign: Campaign, prospects: QuerySet[Prospect], now: datetime, by: User | None) -> int:
    """Enrols who has an address, is not stopped or suppressed and is not in the campaign yet; returns how many.

    Raises NotLaunched for a draft.
    """
    version = campaign.current_version()
    first = Step.objects.filter(sequence_version=version).order_by("position").first()
    if campaign.state not in (Campaign.State.RUNNING, Campaign.State.PAUSED) or first is None:
        raise NotLaunched("Launch the campaign first: only then can people be enrolled.")
    reachable = prospects.exclude(email="").filter(stopped_at=None).exclude(site__stopped_at__isnull=False)
    if not campaign.mailbox.is_demo:
        reachable = reachable.filter(is_demo=False)
    before = Enrollment.objects.filter(campaign=campaign).count()
    ids = suppression.without_suppressed(reachable).order_by("id").values_list("id", flat=True)
    batch: list[Enrollment] = []
    for prospect_id in ids.iterator(chunk_size=BATCH):
        batch.append(
            Enrollment(
                campaign=campaign,
                prospect_id=prospect_id,
                sequence_version=version,
                mailbox=campaign.mailbox,
                next_step_key=first.key,
                due_at=now,
                look_at=now,
                enrolled_by=by,
            )
        )
        if len(batch) == BATCH:
            _insert(batch)
            batch = []
    _insert(batch)
    return Enrollment.objects.filter(campaign=campaign).count() - before


def _insert(batch: list[Enrollment]) -> None:
    Enrollment.objects.bulk_create(batch, ignore_conflicts=True)
