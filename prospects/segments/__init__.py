"""Segments: people by a rule, written as JSON and compiled to a query; the same form for API, pages and back office.

A rule is `{"all": [rule, …]}`, `{"any": [rule, …]}`, `{"not": rule}`, or `{"field": …, "op": …, "value": …}`; `{}` is
everybody. Texts are compared without regard to case. What is not there is the empty text, so that `is_not` finds it;
a time that is not there is neither before nor after anything. Relative times are such as "30 days": hours, days,
weeks, months (30 days) and years (365).

| fields | ops |
| --- | --- |
| email first_name last_name company job_title website site x_handle linkedin_url kind country language time_zone source legal_basis next_step | is is_not contains not_contains starts_with in not_in is_empty not_empty |
| address_kind (personal role disposable) | is is_not |
| tags | is (has it) is_not contains (has it) in (has one of them) not_in is_empty not_empty |
| owner (a user name) | is is_not in not_in is_empty not_empty |
| import_batch (an import's id) | is is_not is_empty not_empty |
| created_at | before after on (a date or date and time; UTC unless it says so) in_last not_in_last longer_ago ("30 days") |
| contacted_at replied_at clicked_at bounced_at contacted_elsewhere_at notice_date | the same, is_empty (never) not_empty |
| next_step_date | the same and in_next |
| stage (in any program) stage.<program's id> | is is_not in not_in |
| suppressed stopped held protected site_stopped site_held site_protected is_demo | is is_not (true or false) |
| clicked.<campaign's id> (a person's click) | is is_not (true or false) |
| answered.<campaign's id> (positive negative question unsubscribe other) | is is_not in not_in |
| received.<campaign's id> (the id of a template's version) | is is_not in not_in |
| custom.<name> | as a text; lt lte gt gte is is_not with a number; is is_not with true or false; as next_step_date |
"""  # noqa: E501

from datetime import datetime

from django.utils import timezone

from prospects.models import Prospect, Segment
from prospects.models.people import People
from prospects.segments.compiling import check, compile
from prospects.segments.errors import BadFilter

__all__ = ["BadFilter", "check", "compile", "members"]


def members(*, segment: Segment, now: datetime | None = None) -> People:
    """The people who are in the segment, in no order: neither merged nor erased ones. Raises BadFilter.

    Relative times count from `now`; without one, from the moment of asking.
    """
    return Prospect.objects.present().filter(compile(segment.filter, now=now or timezone.now()))
