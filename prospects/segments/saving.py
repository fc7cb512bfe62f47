"""Keeping a rule under a name."""

from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from outreach.lib.text import printable
from prospects import segments
from prospects.models import Segment

MAX_NAME = 100


class InvalidSegment(DomainError):
    """A segment that can't be saved under this name."""

    title = "The segment is not valid"


def add_segment(*, name: str, rule: dict[str, Any], by: User | None) -> Segment:
    """Raises InvalidSegment for a name that is taken or none, and segments.BadFilter."""
    name = _cleaned(name)
    segments.check(rule)
    try:
        with transaction.atomic():
            return Segment.objects.create(name=name, filter=rule, created_by=by)
    except IntegrityError as error:
        raise _taken() from error


def change_segment(*, segment: Segment, name: str | None = None, rule: dict[str, Any] | None = None) -> Segment:
    """Renames it or gives it another rule, from now on in every campaign that is not launched yet.

    Raises InvalidSegment for a name that is taken or none, and segments.BadFilter.
    """
    if name is not None:
        segment.name = _cleaned(name)
    if rule is not None:
        segments.check(rule)
        segment.filter = rule
    try:
        with transaction.atomic():
            segment.save(update_fields=["name", "filter"])
    except IntegrityError as error:
        raise _taken() from error
    return segment


def _cleaned(name: str) -> str:
    name = printable(name)
    if not 1 <= len(name) <= MAX_NAME:
        raise InvalidSegment(problems=[Problem("name", f"A name has 1 to {MAX_NAME} characters.")])
    return name


def _taken() -> InvalidSegment:
    return InvalidSegment(problems=[Problem("name", "There is a segment of this name already.")])
