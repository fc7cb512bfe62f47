"""What a person's page shows about the relationship: owner, protection, next step, stages, files. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from accounts.callers import role_of
from accounts.models import User
from campaigns import companies
from prospects import files, protecting, stages
from prospects.models import File, Program, Prospect, Stage
from prospects.stages import Standing

MOST_CHOICES = 200


@dataclass(frozen=True)
class Relationship:
    """Everything of one person, with what may be chosen and what who looks may do."""

    standings: Sequence[Standing]
    files: Sequence[File]
    programs: Sequence[Program]
    owners: Sequence[User]
    names: Sequence[tuple[str, str]]
    today: date
    is_overdue: bool
    may_lift: bool
    may_lift_site: bool
    may_stop_site: bool


def of(*, prospect: Prospect, by: User | None, today: date) -> Relationship:
    """Four queries, two more for a protected site; `prospect` comes with its site and owner."""
    role, site = role_of(by), prospect.site
    return Relationship(
        standings=stages.of(prospect=prospect),
        files=list(files.of(prospect=prospect)),
        programs=list(Program.objects.order_by("name")[:MOST_CHOICES]),
        owners=list(User.objects.filter(is_active=True).order_by("username")[:MOST_CHOICES]),
        names=Stage.Name.choices,
        today=today,
        is_overdue=prospect.next_step_date is not None and prospect.next_step_date < today,
        may_lift=protecting.may_lift(owner_id=prospect.owner_id, by=by, role=role),
        may_lift_site=bool(site and site.protected_at and protecting.may_lift_site(site=site, by=by, role=role)),
        may_stop_site=site is not None and site.stopped_at is None and companies.may_stop(site),
    )
