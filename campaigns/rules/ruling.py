"""The rules over all campaigns: read, and changed for everybody who is under way too."""

from datetime import datetime, timedelta

from django.db import transaction

from campaigns.models import CountryRule, TouchRules
from campaigns.rules import waking
from campaigns.rules.touching import Apart
from outreach.lib.errors import DomainError, Problem
from outreach.lib.retrying import retried
from prospects import places

MOST_DAYS = 365
DAYS = ("person_days", "site_days", "site_reply_days")
CHOICES = {"exclusive": TouchRules.Exclusive, "site_reply": TouchRules.SiteReply}
HELD_BY_TOUCH = ("touched_lately", "site_touched", "site_answered", "busy_elsewhere")
HELD_BY_COUNTRY = ("country_rule", "country_task")


class InvalidRules(DomainError):
    """A rule has a value that can't be."""

    title = "The rules are not valid"


def current() -> TouchRules:
    """The touch rules as they are; nothing is ruled where nobody set any. One query."""
    return TouchRules.objects.first() or TouchRules()


def apart() -> Apart:
    """The touch rules as the decision reads them. One query."""
    rules = current()
    holds = rules.site_reply == TouchRules.SiteReply.HOLD
    return Apart(
        person=timedelta(days=rules.person_days),
        site=timedelta(days=rules.site_days),
        exclusive_person=rules.exclusive != TouchRules.Exclusive.NONE,
        exclusive_site=rules.exclusive == TouchRules.Exclusive.SITE,
        after_answer=timedelta(days=rules.site_reply_days if holds else 0),
    )


@retried
@transaction.atomic
def change(*, now: datetime, **fields: object) -> TouchRules:
    """Changes these touch rules; they hold from this commit on, for what is planned already too.

    Whoever waited for an old rule is looked at again. Raises InvalidRules.
    """
    rules, _ = TouchRules.objects.select_for_update().get_or_create(pk=1)
    _check({name: getattr(rules, name) for name in (*DAYS, *CHOICES)} | fields)
    changed = [name for name, value in fields.items() if getattr(rules, name) != value]
    for name in changed:
        setattr(rules, name, fields[name])
    if changed:
        rules.save(update_fields=changed)
        waking.wake(rules=HELD_BY_TOUCH, now=now)
    return rules


def countries() -> list[CountryRule]:
    """The countries with a rule, by code. One query."""
    return list(CountryRule.objects.order_by("country"))


@retried
@transaction.atomic
def set_country(*, country: str, rule: str, now: datetime) -> None:
    """Sets the rule of a country (a code or a name), for people who are under way too; *allowed* takes it away.

    Whoever waited for the old rule is looked at again. Raises InvalidRules.
    """
    code = places.country_code(country)
    if not code:
        raise InvalidRules(problems=[Problem("country", f"“{country[:60]}” is no country that we know.")])
    if rule not in CountryRule.Rule.values:
        raise InvalidRules(problems=[Problem("rule", f"One of {', '.join(CountryRule.Rule.values)}.")])
    if rule == CountryRule.Rule.ALLOWED:
        CountryRule.objects.filter(country=code).delete()
    else:
        CountryRule.objects.update_or_create(country=code, defaults={"rule": rule})
    waking.wake(rules=HELD_BY_COUNTRY, now=now)


def _check(fields: dict[str, object]) -> None:
    problems = []
    for name, value in fields.items():
        if name in DAYS and not (isinstance(value, int) and 0 <= value <= MOST_DAYS):
            problems.append(Problem(name, f"Between 0 and {MOST_DAYS} days."))
        if name in CHOICES and value not in CHOICES[name].values:
            problems.append(Problem(name, f"One of {', '.join(CHOICES[name].values)}."))
    if fields.get("site_reply") == TouchRules.SiteReply.HOLD and fields.get("site_reply_days") == 0:
        problems.append(Problem("site_reply_days", "At least one day."))
    if problems:
        raise InvalidRules(problems=problems)
