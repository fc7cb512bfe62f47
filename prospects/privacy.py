"""What is known of a person here: shown by an export, emptied by an erasure. Call it through `campaigns.privacy`."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import idna
from django.db.models import Exists, Model, OuterRef, Q

from accounts.models import User
from outreach.lib import personal
from outreach.lib.errors import DomainError
from outreach.lib.personal import Held, Mention, Words
from prospects import identity
from prospects.importing.uploading import StoredFile
from prospects.models import (
    Address,
    Duplicate,
    Engagement,
    File,
    ImportBatch,
    ImportChange,
    ImportRow,
    Merge,
    Note,
    PrivacyRecord,
    Prospect,
    ProspectEvent,
    SavedMapping,
    Segment,
    SegmentEvent,
    Site,
    SiteEvent,
    Stage,
    StageChange,
    Suppression,
    SuppressionEvent,
)
from prospects.personal import PERSONAL

HELD = (
    Held(Prospect, "pk"),
    *(Held(model, "prospect", goes=True) for model in (Address, Note, File, Stage, StageChange, Engagement)),
    *(Held(Merge, way, goes=True) for way in ("survivor", "merged")),
    *(Held(Duplicate, way, goes=True) for way in ("first", "second")),
    Held(ImportChange, "prospect", goes=True),
    Held(ProspectEvent, "pgh_obj", goes=True),
)
MENTIONS = (
    Mention(ImportRow, whole=("values",), words=("reason",)),
    Mention(ImportBatch, words=("file_name", "mapping", "options", "error")),
    Mention(SavedMapping, words=("name", "mapping", "options")),
    *(Mention(model, words=("filter",)) for model in (Segment, SegmentEvent)),
    Mention(Site, words=("hold_reason", "source")),
    Mention(SiteEvent, words=("hold_reason",)),
    *(Mention(model, words=("source",)) for model in (Suppression, SuppressionEvent)),
    Mention(PrivacyRecord, words=("reason",)),
)
# Emptied by a rule of their own, below: the site of nobody else, what suppresses the person, a sheet that waits.
OWN_RULES = {
    "Site": frozenset({"domain"}),
    "SiteEvent": frozenset({"domain"}),
    "Suppression": frozenset({"key", "value"}),
    "SuppressionEvent": frozenset({"key", "value"}),
    "ImportChunk": frozenset({"data"}),
}
COLLEAGUES = {
    f"{name}Event": frozenset({"pgh_context"})
    for name in ("Program", "Site", "Prospect", "Segment", "CustomField", "Suppression")
}
BY_KEY = ("address:", "x:", "linkedin:")  # the keys that name a person, not a company
BLOCK = 1_000_000  # bytes read at once


class AlreadyErased(DomainError):
    """There is nothing left to show or to erase."""

    status = 409
    title = "This person was erased"


def everything_of(*, people: Collection[Prospect]) -> list[Prospect]:
    """The rows of these people: themselves, whom they were merged into, and all that were merged into the same.

    Raises AlreadyErased when one of them was erased.
    """
    roots = {person.person_id or person.pk for person in people}
    rows = list(Prospect.objects.filter(Q(pk__in=roots) | Q(person__in=roots)).order_by("pk"))
    if any(row.erased_at for row in rows):
        raise AlreadyErased("Nothing is left of this person: they were erased before.")
    return rows


def words_of(*, people: Iterable[Prospect], addresses: Iterable[str]) -> Words:
    """What names these people in free text: each address as given, folded and with its domain in letters of its own
    alphabet, their pages, and the ids of their rows."""
    people = list(people)
    own = [person.email for person in people]
    own += Address.objects.filter(prospect__in=people).values_list("email", flat=True)
    words = [spelling for address in {*own, *addresses} for spelling in _spellings(address)]
    for person in people:
        handle, page = identity.fold_handle(person.x_handle), identity.fold_linkedin(person.linkedin_url)
        words += [str(person.public_id), person.linkedin_url, page]
        words += [f"{before}{handle}" for before in ("@", "x.com/", "twitter.com/") if handle]
    return Words(words)


def shown(*, people: Sequence[Prospect], words: Words) -> dict[str, list[dict[str, Any]]]:
    """By table all that is known of these people."""
    ids = [person.pk for person in people]
    tables = [(held.model, held.rows(ids)) for held in HELD]
    tables += [(mention.model, mention.rows(words)) for mention in MENTIONS if mention.model is not PrivacyRecord]
    tables += [
        (Site, Site.objects.filter(prospects__in=ids).distinct()),
        (Suppression, Suppression.objects.filter(key__in=_keys(people))),
        (PrivacyRecord, PrivacyRecord.objects.filter(subject__in=[person.public_id for person in people])),
    ]
    found: dict[str, list[dict[str, Any]]] = {}
    for model, rows in tables:
        lines = found.setdefault(str(model._meta.verbose_name_plural), [])
        lines += [line for line in personal.shown(rows) if line not in lines]
    return found


def log_rows(*, people: Iterable[Prospect]) -> dict[type[Model], list[int]]:
    """By table the keys of the rows whose names tell who these people are: what a log may have noted of them."""
    ids = [person.pk for person in people]
    found: dict[type[Model], list[int]] = {Prospect: ids}
    for held in HELD:
        if held.goes:
            found.setdefault(held.model, []).extend(held.rows(ids).values_list("pk", flat=True))
    return found


def erase(*, people: Sequence[Prospect], words: Words, now: datetime) -> None:
    """Empties and deletes all that is known of these people. What suppresses them must have been seen to before."""
    ids = [person.pk for person in people]
    sites = [person.site_id for person in people if person.site_id]
    for held in HELD:
        personal.empty(held, ids, PERSONAL)
    Prospect.objects.filter(pk__in=ids).update(erased_at=now)
    _drop_empty_sites(sites)
    _drop_waiting_sheets(words)
    for mention in MENTIONS:
        personal.take_out(mention, words)


def bar(*, people: Sequence[Prospect], addresses: Iterable[str], by: User | None) -> list[str]:
    """Nobody writes to them, and no import brings them back: of each address and page only the hash stays.

    An older no gives way to it, whatever its reason was: this one can't be lifted and never expires. Returns the keys.
    """
    return _keep_hashes(people, addresses, Suppression.Reason.ERASED, replaces=("reason",), by=by)


def keep_noes(*, people: Iterable[Prospect]) -> None:
    """What suppresses them stays by its hash alone, and "never write again" by the hash of each address and page: they
    had said no before they were forgotten."""
    people = list(people)
    _keep_hashes([person for person in people if person.stopped_at], (), Suppression.Reason.MANUAL)
    keys = [key for key in _keys(people) if key.startswith(BY_KEY)]
    for model in (Suppression, SuppressionEvent):
        model.objects.filter(key__in=keys).update(value="", source="")


def record(*, people: Iterable[Prospect], action: str, reason: str, by: User | None) -> None:
    """Notes that something was told or taken away, without saying who they are."""
    PrivacyRecord.objects.bulk_create(
        PrivacyRecord(action=action, subject=person.public_id, reason=reason[:200], recorded_by=by) for person in people
    )


def _keep_hashes(
    people: Sequence[Prospect],
    addresses: Iterable[str],
    reason: Suppression.Reason,
    *,
    replaces: Sequence[str] = (),
    by: User | None = None,
) -> list[str]:
    """Suppresses them for ever without a word of who they are; `replaces` is what it changes of an older no.

    Returns the keys.
    """
    keys = [key for key in _keys(people) if key.startswith(BY_KEY)]
    addresses = [*addresses, *Address.objects.filter(prospect__in=people).values_list("email", flat=True)]
    keys = list(dict.fromkeys([*keys, *(identity.key_for("address", address) for address in addresses if address)]))
    fresh = [Suppression(kind=key.partition(":")[0], key=key, reason=reason, created_by=by) for key in sorted(keys)]
    changed = [*replaces, "value", "source", "expires_at"]
    Suppression.objects.bulk_create(
        fresh, update_conflicts=True, unique_fields=["key"], update_fields=changed, batch_size=1_000
    )
    SuppressionEvent.objects.filter(key__in=keys).update(value="", source="")
    return keys


def _keys(people: Iterable[Prospect]) -> list[str]:
    return list(dict.fromkeys(key for person in people for key in person.contact_keys))


def _spellings(address: str) -> Iterator[str]:
    local, at, domain = address.rpartition("@")
    if not at:
        return
    yield from (address, identity.fold(address))
    with suppress(idna.IDNAError, UnicodeError):
        yield f"{local}@{idna.decode(domain)}"


def _drop_empty_sites(ids: Collection[int]) -> None:
    """A site of nobody else says whose it was; a stop or a hold of it, or a search for people there, keeps it."""
    there = Prospect.objects.filter(site=OuterRef("pk"))
    free = Site.objects.filter(pk__in=ids, stopped_at=None, held_at=None, protected_at=None, is_to_research=False)
    going = list(free.filter(~Exists(there)).values_list("pk", flat=True))
    Site.objects.filter(pk__in=going).delete()
    SiteEvent.objects.filter(pgh_obj_id__in=going).delete()


def _drop_waiting_sheets(words: Words) -> None:
    """A sheet that waits for somebody to choose its columns can't be changed in its middle: it goes as a whole.

    One that runs is gone in minutes, and its import leaves out whoever is barred.
    """
    waiting = ImportBatch.objects.filter(status=ImportBatch.Status.UPLOADED)
    needles = [word.lower().encode(code) for word in words.words for code in ("utf-8", "utf-16-le", "utf-16-be")]
    for batch in waiting if words else ():
        if _is_in(needles, StoredFile(batch)):
            batch.delete()


def _is_in(needles: Sequence[bytes], source: StoredFile) -> bool:
    overlap, tail = max(map(len, needles)), b""
    while block := source.read(BLOCK):
        text = tail + block.lower()
        if any(needle in text for needle in needles):
            return True
        tail = text[-overlap:]
    return False
