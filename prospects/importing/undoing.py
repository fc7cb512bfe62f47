"""Taking an import back, as far as it concerns the people themselves: who it added goes, what it changed comes back.

What keeps somebody from going is for campaigns to add (`campaigns.undoing`). Stops, suppressions, further addresses
and the keys they are known by are never taken back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, cast

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from outreach.lib import words
from outreach.lib.errors import DomainError
from prospects.importing.chunks import IN_BULK
from prospects.models import File, ImportBatch, ImportChange, Merge, Note, Prospect, ProspectEvent, Site, StageChange

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


@dataclass(frozen=True, slots=True)
class Undone:
    """How many an import added go, how many stay and why, and how many known people get something back.

    While it is under way: how many were looked at, up to which key.
    """

    removed: int = 0
    stay: dict[str, int] = field(default_factory=dict)
    given_back: int = 0
    changed_since: int = 0
    sites: int = 0
    looked_at: int = 0
    last: int = 0

    def words(self, *, done: bool = True) -> str:
        """What was done, or would be."""
        verb = ("was removed", "were removed") if done else ("would be removed", "would be removed")
        said = [f"{words.people(self.removed)} {verb[self.removed != 1]}."] if self.removed or not self.stay else []
        said += [f"{words.people(count)} {_stays(count, done=done)}: they {why}." for why, count in self.stay.items()]
        if self.given_back:
            given = "got back" if done else "would get back"
            said.append(f"{words.people(self.given_back)} known before {given} what the import changed.")
        if self.changed_since:
            said.append(f"What somebody changed since of {words.people(self.changed_since)} stays as it is.")
        return " ".join(said)


def done_so_far(*, batch: ImportBatch) -> Undone:
    """What the undo of this import did until now."""
    return Undone(**batch.undo)


def keep(*, batch: ImportBatch, done: Undone) -> None:
    """Notes how far the undo is. Call it in the transaction that did the piece."""
    ImportBatch.objects.filter(pk=batch.pk).update(undo=asdict(done))


def ask(*, batch: ImportBatch, by: User | None, now: datetime) -> None:
    """Lets the undo begin; a worker does it piece by piece. Raises CannotUndo, also when it began before."""
    check(batch=batch)
    ImportBatch.objects.filter(pk=batch.pk, undo_asked_at=None).update(undo_asked_at=now, undone_by=by)
    batch.refresh_from_db()


def asked() -> ImportBatch | None:
    """The import whose undo was asked for first."""
    waiting = ImportBatch.objects.filter(undo_asked_at__isnull=False, undone_at=None)
    return waiting.order_by("undo_asked_at", "pk").first()


def check(*, batch: ImportBatch) -> None:
    """Raises CannotUndo for one that still runs, did nothing, or was taken back before."""
    if batch.undone_at:
        raise CannotUndo("This import was undone already.")
    if batch.undo_asked_at:
        raise CannotUndo("This import is being undone.")
    if batch.status not in (ImportBatch.Status.DONE, ImportBatch.Status.FAILED):
        raise CannotUndo("This import has not ended yet.")


def may_undo(*, batch: ImportBatch) -> bool:
    """Whether `ask` would let it begin."""
    try:
        check(batch=batch)
    except CannotUndo:
        return False
    return True


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
        "were changed by hand": Q(Exists(ProspectEvent.objects.filter(pgh_obj=person))),
    }


def remove(*, ids: Sequence[int]) -> None:
    """Removes people and all that is kept about them. Call it in a transaction that has locked them."""
    Prospect.objects.filter(pk__in=ids).delete()


def remove_sites(*, batch: ImportBatch) -> int:
    """Removes some of the sites to research that it brought, unless something is known about them; 0: none is left."""
    used = Prospect.objects.filter(site=OuterRef("pk"))
    untouched = {"stopped_at": None, "held_at": None, "protected_at": None, "is_to_research": True}
    some = Site.objects.filter(~Exists(used), import_batch=batch, **untouched).order_by("pk").values("pk")[:CHUNK]
    return Site.objects.filter(pk__in=[row["pk"] for row in some]).delete()[0]


def give_back(*, batch: ImportBatch) -> tuple[int, int] | None:
    """Gives some known people back what it changed, field by field, where it still is as the import left it.

    Returns how many got something back, and how many have a field that somebody changed since; None: nobody is left.
    Call it in a transaction.
    """
    changes = ImportChange.objects.filter(batch=batch)
    ids = list(changes.order_by("prospect_id").values_list("prospect_id", flat=True).distinct()[:CHUNK])
    if not ids:
        return None
    with connection.cursor() as cursor:
        cursor.execute(IN_BULK)  # else an undo of an earlier import takes it for a change by hand
    people = Prospect.objects.filter(pk__in=ids, erased_at=None).order_by("pk").select_for_update()
    locked = {person.pk: person for person in people}
    touched: dict[int, Prospect] = {}
    changed_since: set[int] = set()
    theirs = changes.filter(prospect_id__in=ids)
    for change in theirs.order_by("prospect_id", "-pk"):  # of two sheets that changed one field, the last one first
        person = locked.get(change.prospect_id)
        if person is None:
            continue
        restored, is_whole = _restore(person, change.before)
        if restored:
            touched[person.pk] = person
        if not is_whole:
            changed_since.add(person.pk)
    fields = [*(name.removesuffix("_id") for name in PLAIN), "tags", "custom"]
    Prospect.objects.bulk_update(touched.values(), fields)
    theirs.delete()
    return len(touched), len(changed_since)


def finish(*, batch: ImportBatch, done: Undone, now: datetime) -> None:
    """Notes that it is undone, and what that did."""
    ImportBatch.objects.filter(pk=batch.pk).update(undone_at=now, undo=asdict(done))
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


def _stays(count: int, *, done: bool) -> str:
    if done:
        return "stays" if count == 1 else "stay"
    return "would stay"
