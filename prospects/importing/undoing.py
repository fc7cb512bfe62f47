"""Taking an import back, as far as it concerns the people themselves: who it added goes, what it changed comes back.

What keeps somebody from going is for campaigns to add (`campaigns.undoing`). Stops, suppressions, further addresses
and the keys they are known by are never taken back.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from django.db import transaction
from django.db.models import CharField, Exists, F, Func, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast

from accounts.models import User
from outreach.lib.errors import DomainError
from prospects.models import File, ImportBatch, ImportChange, Merge, Note, Prospect, Site, StageChange

CHUNK = 1_000  # people at once
PLAIN = (
    *("first_name", "last_name", "company", "job_title", "website", "x_handle", "linkedin_url", "country", "kind"),
    *("time_zone", "language", "legal_basis", "source", "address_kind", "owner_id", "site_id", "notice_date"),
    "contacted_elsewhere_at",
)


class CannotUndo(DomainError):
    """An import that can't be taken back."""

    status = 409
    title = "The import can't be undone"


def check(*, batch: ImportBatch) -> None:
    """Raises CannotUndo for one that still runs, did nothing, or was taken back before."""
    if batch.undone_at:
        raise CannotUndo("This import was undone already.")
    if batch.status not in (ImportBatch.Status.DONE, ImportBatch.Status.FAILED):
        raise CannotUndo("This import has not ended yet.")


def added(*, batch: ImportBatch) -> QuerySet[Prospect]:
    """Everybody the import added who is still a person of their own."""
    return Prospect.objects.present().filter(import_batch=batch)


def reasons(*, batch: ImportBatch) -> dict[str, Q]:
    """Why somebody it added stays: words for "N people …", and who that is. The first that fits is said."""
    person = OuterRef("pk")
    later = Q(created_at__gt=batch.finished_at) if batch.finished_at else Q()
    return {
        "said no, or are held": Q(stopped_at__isnull=False) | Q(held_at__isnull=False) | Q(protected_at__isnull=False),
        "have notes, files or a next step": Q(Exists(Note.objects.filter(later, prospect=person)))
        | Q(Exists(File.objects.filter(prospect=person)))
        | ~Q(next_step=""),
        "were moved to another stage": Q(
            Exists(StageChange.objects.filter(prospect=person, changed_at__gt=batch.finished_at or batch.created_at))
        ),
        "were merged with somebody": Q(Exists(Merge.objects.filter(survivor=person)))
        | Q(Exists(Merge.objects.filter(merged=person)))
        | Q(Exists(Prospect.objects.filter(person=person))),
        "learned something from a later import": Q(
            Exists(ImportChange.objects.filter(prospect=person, batch__gt=batch.pk))
        ),
    }


def remove(*, ids: Sequence[int]) -> None:
    """Removes people and all that is kept about them. Call it in a transaction that has locked them."""
    Prospect.objects.filter(pk__in=ids).delete()


def remove_sites(*, batch: ImportBatch) -> int:
    """Removes the sites to research that it brought, unless something is known about them by now."""
    used = Prospect.objects.filter(site=OuterRef("pk"))
    untouched = {"stopped_at": None, "held_at": None, "protected_at": None, "is_to_research": True}
    return Site.objects.filter(~Exists(used), import_batch=batch, **untouched).delete()[0]


def give_back(*, batch: ImportBatch) -> tuple[int, int]:
    """Gives known people back what it changed, field by field, where it still is as the import left it.

    Returns how many got something back, and how many have a field that somebody changed since.
    """
    given = kept = 0
    changes = ImportChange.objects.filter(batch=batch).order_by("prospect_id")
    while some := list(changes[:CHUNK]):
        with transaction.atomic():
            people = Prospect.objects.filter(pk__in=[change.prospect_id for change in some], erased_at=None)
            locked = {person.pk: person for person in people.order_by("pk").select_for_update()}
            touched: list[Prospect] = []
            for change in some:
                person = locked.get(change.prospect_id)
                if person is None:
                    continue
                restored, is_whole = _restore(person, change.before)
                given, kept = given + restored, kept + (not is_whole)
                touched += [person] if restored else []
            Prospect.objects.bulk_update(touched, [*(name.removesuffix("_id") for name in PLAIN), "tags", "custom"])
            ImportChange.objects.filter(pk__in=[change.pk for change in some]).delete()
    return given, kept


def take_tag(*, batch: ImportBatch) -> None:
    """Takes the tag that only this sheet gave off those who were known before."""
    tag = batch.options.get("sheet_tag", "")
    if tag:
        tagged = Prospect.objects.filter(tags__contains=[tag]).exclude(import_batch=batch)
        tagged.update(tags=Func(F("tags"), Cast(Value(tag), CharField(max_length=50)), function="array_remove"))


def finish(*, batch: ImportBatch, by: User | None, now: datetime) -> None:
    """Notes that it is undone, by whom and when."""
    ImportBatch.objects.filter(pk=batch.pk).update(undone_at=now, undone_by=by)
    batch.refresh_from_db()


def _restore(person: Prospect, before: Mapping[str, Any]) -> tuple[bool, bool]:
    """Gives back in place; whether anything came back, and whether all did."""
    changed, is_whole = False, True
    for name, (old, new) in before.items():
        if name == "tags":
            gone = [tag for tag in new if tag not in old]
            tags = [tag for tag in person.tags if tag not in gone]
            changed, person.tags = changed or tags != person.tags, tags
        elif name == "custom":
            came, whole = _restore_custom(person, old, new)
            changed, is_whole = changed or came, is_whole and whole
        elif name in PLAIN:
            field = cast(Any, Prospect._meta.get_field(name.removesuffix("_id")))
            if _as_text(getattr(person, name)) == _as_text(field.to_python(new)):
                setattr(person, name, field.to_python(old))
                changed = True
            else:
                is_whole = False
    return changed, is_whole


def _restore_custom(person: Prospect, old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[bool, bool]:
    custom = dict(person.custom)
    is_whole = True
    for name, value in new.items():
        if old.get(name) == value:
            continue
        if custom.get(name) != value:
            is_whole = False
        elif name in old:
            custom[name] = old[name]
        else:
            del custom[name]
    changed = custom != person.custom
    person.custom = custom
    return changed, is_whole


def _as_text(value: Any) -> str:
    return "" if value is None else str(value)
