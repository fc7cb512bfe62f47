"""Forecasts that are kept: small ones are made while somebody waits, large ones by a tick, and each says its age."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from django.db.models import F

from campaigns import situation
from campaigns.forecast import forecasting, ways
from campaigns.forecast.forecasting import Day, Forecast, Foretold
from campaigns.models import Campaign, KeptForecast
from campaigns.situation import Situation
from integrations.models import Mailbox
from outreach.lib import locks
from prospects import segments
from prospects.models import Prospect

log = structlog.get_logger(__name__)

SMALL = 1_000  # people under way from the same mailboxes: so many are foretold in a request
FRESH = timedelta(minutes=10)  # then a newer one is asked for
LOCK = 0x464F5245


def of(*, campaign: Campaign, now: datetime) -> Forecast | None:
    """The forecast as of now where few people are concerned, else the last that was made, perhaps minutes old.

    None when there is none yet: it was asked for, and a tick makes it. Raises segments.BadFilter.
    """
    if ways.are_at_most(SMALL, campaign=campaign, now=now):
        return make(campaign=campaign, now=now)
    return kept(campaign=campaign, now=now)


def kept(*, campaign: Campaign, now: datetime) -> Forecast | None:
    """The last one that was made since the launch; asks for a newer one when that is long ago. Two queries at most."""
    row = KeptForecast.objects.filter(campaign=campaign).first()
    is_known = row is not None and _is_true(campaign, row.made_at)
    if row is None or (row.asked_at is None and (not is_known or _is_old(row.made_at, now))):
        _ask([campaign], now)
    return _read(row.facts) if row is not None and is_known else None


def done_about(*, seen: Situation, now: datetime, only: Collection[int] | None = None) -> date | None:
    """The day on which everybody under way in a running campaign (of these) will be through, as the forecasts say that
    the pages of those campaigns show.

    None when nobody is under way, when something stops sending, when one of them has no end, or was not foretold yet:
    that is asked for. Two queries at most.
    """
    under_way = [each for each in seen.running if situation.standing(each).active and (only is None or each.pk in only)]
    rows = {row.pop("campaign"): row for row in KeptForecast.objects.filter(campaign__in=under_way).values(*_ENDS)}
    boxes = [box for each in under_way for box in seen.senders(each)]
    if seen.control.is_off or any(box.status != Mailbox.Status.ACTIVE for box in boxes):
        return None
    known = [each for each in under_way if each.pk in rows and _is_true(each, rows[each.pk]["made_at"])]
    fresh = {each.pk for each in known if not _is_old(rows[each.pk]["made_at"], now)}
    asked = {pk for pk, row in rows.items() if row["asked_at"] is not None}
    _ask([each for each in under_way if each.pk not in fresh | asked], now)
    if len(known) < len(under_way) or any(rows[each.pk]["facts__is_endless"] for each in known):
        return None
    ends = (rows[each.pk]["facts__ends_as_seen_at"] or rows[each.pk]["facts__ends_at"] for each in known)
    return max((datetime.fromisoformat(each).date() for each in ends if each), default=None)


_ENDS = ("campaign", "made_at", "asked_at", "facts__is_endless", "facts__ends_as_seen_at", "facts__ends_at")


def _ask(campaigns: Sequence[Campaign], now: datetime) -> None:
    """A tick makes newer ones of these."""
    rows = [KeptForecast(campaign=each, asked_at=now) for each in campaigns]
    if rows:
        KeptForecast.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["campaign"], update_fields=["asked_at"]
        )


def _is_true(campaign: Campaign, made_at: datetime | None) -> bool:
    return made_at is not None and (campaign.launched_at is None or made_at >= campaign.launched_at)


def _is_old(made_at: datetime | None, now: datetime) -> bool:
    return made_at is None or now - made_at > FRESH


def make(*, campaign: Campaign, now: datetime) -> Forecast:
    """Makes one now and keeps it. Raises segments.BadFilter."""
    made = forecasting.forecast(campaign=campaign, now=now)
    changes = {"made_at": now, "asked_at": None, "facts": _written(made)}
    KeptForecast.objects.update_or_create(campaign=campaign, defaults=changes)
    return made


def make_asked(*, now: datetime) -> int:
    """Makes those that were asked for, who waited longest first; returns how many. One worker at a time."""
    with locks.held(LOCK) as taken:
        asked = (
            KeptForecast.objects.filter(asked_at__isnull=False).order_by("asked_at").select_related("campaign__mailbox")
        )
        rows = list(asked) if taken else []
        for row in rows:
            try:
                make(campaign=row.campaign, now=now)
            except segments.BadFilter as error:
                log.warning("not_foretold", campaign_id=row.campaign_id, reason=str(error))
                KeptForecast.objects.filter(pk=row.pk, asked_at=F("asked_at")).update(asked_at=None)
    return len(rows)


def named(found: Forecast) -> dict[str, Any]:
    """The same with public ids; without the slots of people who are gone. Two queries."""
    boxes = dict(Mailbox.objects.filter(pk__in=_boxes(found)).values_list("pk", "public_id"))
    ids = [each.person_id for each in found.first]
    people = dict(Prospect.objects.filter(pk__in=ids).values_list("pk", "public_id"))
    days = [
        {
            "day": day.day,
            "all": day.all,
            "mailboxes": {str(boxes[pk]): n for pk, n in day.counts.items() if pk in boxes},
        }
        for day in found.days
    ]
    first = [
        {"at": slot.at, "prospect": person, "step": slot.position, "mailbox": boxes.get(slot.mailbox_id)}
        for slot in found.first
        if (person := people.get(slot.person_id)) is not None
    ]
    return {**vars(found), "days": days, "first": first}


def _boxes(found: Forecast) -> set[int]:
    return {pk for day in found.days for pk in day.counts} | {each.mailbox_id for each in found.first}


def _written(made: Forecast) -> dict[str, Any]:
    """As JSON takes it."""
    plain = asdict(replace(made, days=(), first=()))
    return {
        **plain,
        "made_at": made.made_at.isoformat(),
        "ends_at": made.ends_at and made.ends_at.isoformat(),
        "ends_as_seen_at": made.ends_as_seen_at and made.ends_as_seen_at.isoformat(),
        "days": [[each.day.isoformat(), sorted(each.counts.items())] for each in made.days],
        "first": [[each.at.isoformat(), each.person_id, each.position, each.mailbox_id] for each in made.first],
    }


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _read(facts: dict[str, Any]) -> Forecast:
    return Forecast(
        **{
            **facts,
            "made_at": datetime.fromisoformat(facts["made_at"]),
            "ends_at": _instant(facts["ends_at"]),
            "ends_as_seen_at": _instant(facts["ends_as_seen_at"]),
            "days": tuple(Day(date.fromisoformat(day), dict(counts)) for day, counts in facts["days"]),
            "first": tuple(Foretold(datetime.fromisoformat(at), *rest) for at, *rest in facts["first"]),
            "assumptions": tuple(facts["assumptions"]),
        }
    )
