"""Whoever is under way goes on in a version that was published: an errand, one piece of people after the other.

Until everybody has moved nobody of the campaign is planned and nothing of it is handed over (`gate`), so that from the
publication on nobody gets what it changed. A stop in between stops: who ended stays where they were.
"""

from collections import Counter
from datetime import datetime

import structlog

from accounts.models import User
from campaigns import errands, moving, planning
from campaigns.fates import Kind
from campaigns.models import Campaign, CampaignErrand, Enrollment, SequenceVersion
from outreach.lib.retrying import retried

log = structlog.get_logger(__name__)

KIND = CampaignErrand.Kind.PUBLISH
PIECE = 2_000  # people


def ask(*, version: SequenceVersion, now: datetime, by: User | None) -> None:
    """Asks for it, in the transaction of the publication."""
    errands.ask_of(version.campaign, kind=KIND, now=now, by=by, version=version.pk, last=0, people=0)


def go_on(*, seconds: float = errands.SLICE, campaign: Campaign | None = None) -> None:
    """Goes on with a publication that was asked for, or with this campaign's, for these seconds."""
    errands.go_on_of(campaign, kind=KIND, piece=_piece, seconds=seconds)


@retried
def _piece(errand: CampaignErrand, until: float) -> bool:
    """The next people of the earlier versions; False when there are none."""
    with planning.alone():
        errand.refresh_from_db(fields=["done"])  # what a piece that failed noted is not so
        version = SequenceVersion.objects.select_related("campaign").get(pk=errand.done["version"])
        ids = _next(version, after=errand.done["last"])
        if not ids:
            errands.finish(errand)
            log.info("version_reached_everybody", version_id=version.pk, people=errand.done["people"])
            return False
        moved = moving.move(
            campaign=version.campaign, version=version, only=ids, finished_too=version.reaches_finished, waits=True
        )
        _count(version, moved)
        errands.keep(errand, last=ids[-1], people=errand.done["people"] + len(ids))
    return True


def _next(version: SequenceVersion, *, after: int) -> list[int]:
    """Whoever is in an earlier version, and may go on."""
    earlier = version.campaign.sequence_versions.filter(number__lt=version.number)
    states = [Enrollment.State.ACTIVE, *([Enrollment.State.FINISHED] if version.reaches_finished else [])]
    rest = Enrollment.objects.filter(campaign=version.campaign_id, sequence_version__in=earlier, state__in=states)
    return list(rest.filter(pk__gt=after).order_by("id").values_list("id", flat=True)[:PIECE])


def _count(version: SequenceVersion, moved: moving.Moved) -> None:
    counts = Counter(version.counts)
    counts.update({kind.value: people for kind, people in moved.people.items() if kind != Kind.STAYS})
    behind = sorted({*version.behind, *moved.behind})
    SequenceVersion.objects.filter(pk=version.pk).update(behind=behind, counts=dict(sorted(counts.items())))
