"""What an answer means for the others of its site: nothing, some days of rest, or the end of their ways."""

from datetime import datetime

from django.db.models import Q

from campaigns import stopping
from campaigns.models import TouchRules
from campaigns.rules import ruling
from prospects import sites
from prospects.models import Prospect

REASON = "colleague_answered"


def lock_open(*, prospect: Prospect) -> None:
    """As `stopping.lock_open`, with the others whom the answer of this person may stop."""
    stopping.lock_open_of(prospect_ids=[*stopping.rows_of(prospect), *_to_stop(prospect)])


def answered(*, prospect: Prospect, now: datetime) -> int:
    """Somebody of a site answered: notes it, and ends the ways of the others where the rules say so.

    Returns how many ended. In the transaction of the answer; `lock_open` comes first in it.
    """
    ended = stopping.end_people(prospect_ids=others, reason=REASON) if (others := _to_stop(prospect)) else 0
    if prospect.site_id is not None:
        sites.note_answer(site_id=prospect.site_id, now=now)
    return ended


def _to_stop(prospect: Prospect) -> list[int]:
    if prospect.site_id is None or ruling.current().site_reply != TouchRules.SiteReply.STOP:
        return []
    same = Q(pk=prospect.person_id or prospect.pk) | Q(person=prospect.person_id or prospect.pk)
    others = Prospect.objects.filter(site=prospect.site_id, is_demo=prospect.is_demo).exclude(same)
    return sorted(others.values_list("pk", flat=True))
