"""Where people stand, over all campaigns: for the list of people, in a fixed number of queries."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from campaigns import answers, wording
from campaigns.models import Campaign, Enrollment, Reply
from prospects import listing
from prospects.listing import Facets
from prospects.models import Prospect, Suppression

STATES = {
    "never": "Never written to",
    "written": "Written to",
    "replied": "Answered",
    "held": "On hold",
    "protected": "Protected",
    "stopped": "Never again",
    "suppressed": "Suppressed",
}


@dataclass(frozen=True)
class Standing:
    """The one thing to know about a person first; `tone` is a colour."""

    words: str
    tone: str = ""
    more: str = ""


NEVER = Standing("Never written to")


def people(facets: Facets, *, now: datetime) -> QuerySet[Prospect]:
    """Whom the facets find, all states included, in no order; what a merged row did, its person did."""
    found = listing.people(facets, now=now)
    match facets.state:
        case "never":
            written = _written()
            theirs, merged = written.filter(prospect=OuterRef("pk")), written.filter(prospect__person=OuterRef("pk"))
            return found.filter(~Exists(theirs), ~Exists(merged))
        case "written":
            return _with(found, _written())
        case "replied":
            return _with(found, Reply.objects.all())  # rehearsals keep no answers
    return found


def _written() -> QuerySet[Enrollment]:
    rehearsals = Campaign.objects.filter(rehearsal_of__isnull=False)
    written = Enrollment.objects.filter(steps_handed_over__gt=0)
    return written.exclude(campaign__in=rehearsals)  # few: a set to look into, where a join would be work per row


def _with(found: QuerySet[Prospect], rows: QuerySet[Any]) -> QuerySet[Prospect]:
    """Those whom one of these rows is about, by themselves or as whom a merged row lives on as.

    Most merged rows have none: without any, the database finds the newest people without looking at every row.
    """
    merged = rows.filter(prospect__person__isnull=False)
    if not merged.exists():
        return found.filter(Exists(rows.filter(prospect=OuterRef("pk"))))
    return found.filter(pk__in=rows.values("prospect").union(merged.values("prospect__person"), all=True))


def of(prospects: Sequence[Prospect]) -> dict[int, Standing]:
    """Where each of these people, fetched with their sites, stands, by key. Four queries."""
    if not prospects:
        return {}
    whose = {prospect.pk: prospect.pk for prospect in prospects}
    merged = Prospect.objects.filter(person__in=list(whose)).values_list("pk", "person")
    whose.update({pk: lives_on or pk for pk, lives_on in merged})
    suppressed = reasons({key for prospect in prospects for key in prospect.contact_keys})
    said = answers.shown().filter(prospect__in=list(whose)).order_by("id").values_list("prospect_id", "reply_class")
    replied = {whose[pk]: reply_class for pk, reply_class in said}
    enrolled: dict[int, list[Enrollment]] = {}
    real = Enrollment.objects.filter(prospect__in=list(whose), campaign__rehearsal_of=None).order_by("-id")
    for enrollment in real.select_related("campaign"):
        enrolled.setdefault(whose[enrollment.prospect_id], []).append(enrollment)
    return {
        prospect.pk: _forbidden(prospect, suppressed) or _history(prospect, replied, enrolled.get(prospect.pk, []))
        for prospect in prospects
    }


def reasons(keys: Collection[str]) -> dict[str, Suppression]:
    """The suppressions that these keys (`Prospect.contact_keys`) name. One query."""
    return {row.key: row for row in Suppression.objects.filter(key__in=list(keys))}


def _forbidden(prospect: Prospect, suppressed: Mapping[str, Suppression]) -> Standing | None:
    named = next((suppressed[key] for key in prospect.contact_keys if key in suppressed), None)
    if named is not None:
        return Standing("Suppressed", "bad", named.get_reason_display())
    site = prospect.site
    if prospect.stopped_at or (site and site.stopped_at):
        return Standing("Never again", "bad", prospect.stop_reason or "their whole site")
    if prospect.protected_at:
        return Standing("Protected", "warn", "nobody writes to them before that is lifted")
    if prospect.held_at:
        return Standing("On hold", "warn", prospect.hold_reason)
    return Standing("On hold", "warn", f"their site: {site.hold_reason}") if site and site.held_at else None


def _history(prospect: Prospect, replied: Mapping[int, str], enrolled: Sequence[Enrollment]) -> Standing:
    if prospect.pk in replied:
        kind = answers.KINDS.get(replied[prospect.pk], answers.KINDS[""])
        return Standing("Answered", kind.tone, kind.words)
    active = next((row for row in enrolled if row.state == Enrollment.State.ACTIVE), None)
    if active is not None:
        count = active.steps_handed_over
        sent = f"{count} {'mail' if count == 1 else 'mails'} sent" if count else "first mail to come"
        return Standing("Under way", "accent", f"{sent}, {active.campaign}")
    last = next((row for row in enrolled if row.steps_handed_over), None)
    if last is None:
        return NEVER
    why = wording.words(last.stop_reason) if last.stop_reason else "every step was sent"
    return Standing("Written to", "", f"{why}, {last.campaign}")
