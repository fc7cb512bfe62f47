"""Giving a tag to many people, and taking it away."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import F, Func, QuerySet, Value

from outreach.lib.errors import DomainError, Problem
from prospects import cleaning
from prospects.models import Prospect


class InvalidTag(DomainError):
    """What can't be a tag."""

    title = "The tag is not valid"


@transaction.atomic
def add_tag(*, prospect_ids: Collection[int], tag: str) -> list[int]:
    """Returns the keys of those who had it not yet; who has 50 tags gets no more. Raises InvalidTag."""
    tag = _cleaned(tag)
    free = Prospect.objects.filter(pk__in=prospect_ids, tags__len__lt=cleaning.MAX_TAGS)
    return _changed(_locked(free.exclude(tags__contains=[tag])), "array_append", tag)


@transaction.atomic
def remove_tag(*, prospect_ids: Collection[int], tag: str) -> list[int]:
    """Returns the keys of those who had it. Raises InvalidTag."""
    tag = _cleaned(tag)
    return _changed(_locked(Prospect.objects.filter(pk__in=prospect_ids, tags__contains=[tag])), "array_remove", tag)


def _cleaned(tag: str) -> str:
    cleaned, errors = cleaning.clean({"tags": [tag]})
    if errors or len(cleaned["tags"]) != 1:
        said = f"A tag has 1 to {cleaning.MAX_TAG} characters, none of them a comma, a semicolon or a bar."
        raise InvalidTag(problems=[Problem("tag", said)])
    return str(cleaned["tags"][0])


def _locked(found: QuerySet[Prospect]) -> list[int]:
    return list(found.order_by("id").select_for_update().values_list("id", flat=True))


def _changed(ids: list[int], function: str, tag: str) -> list[int]:
    Prospect.objects.filter(pk__in=ids).update(tags=Func(F("tags"), Value(tag), function=function))
    return ids
