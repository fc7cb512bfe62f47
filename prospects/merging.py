"""Two rows are one person: one lives on, the other is a tombstone that points to it. Campaigns draws the consequences.

A no of either is a no of both, for good: neither a merge nor its undo lifts a stop, a hold or a suppression. What the
person has done and where they stand in a program goes over to the survivor, and stays there after an undo.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Q

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from outreach.lib.models import DatabaseClock
from outreach.lib.retrying import retried
from outreach.lib.text import printable
from prospects import addresses, cleaning, engagement, identity, sites, stages, suppression
from prospects.models import Address, Duplicate, Merge, Prospect

UNDO_WITHIN = timedelta(days=30)
WORDS = "the same person"
WHILE_ONE = "Said no while the two rows were one person"
FILLED = (
    *("first_name", "last_name", "company", "job_title", "website", "x_handle", "linkedin_url", "country"),
    *("time_zone", "language", "owner_id", "source", "legal_basis", "notice_date", "next_step", "next_step_date"),
)
_FIELDS = {field.name: field for field in Prospect._meta.concrete_fields}
NOES = (("stopped_at", "stop_reason"), ("held_at", "hold_reason"), ("protected_at", ""))


class CannotMerge(DomainError):
    """These two can't be merged, or this merge can't be undone; the message says why."""

    status = 409
    title = "This can't be done"


@dataclass(frozen=True)
class Pair:
    """The row that lives on and the one that becomes a tombstone, both locked."""

    keeps: Prospect
    goes: Prospect


@retried
@transaction.atomic
def merge(*, survivor: Prospect, merged: Prospect, reason: str = WORDS, by: User | None, now: datetime) -> Merge:
    """Makes `merged` a tombstone of `survivor`, whose empty fields it fills; nobody writes to either until campaigns
    has applied it.

    Addresses, tags, stops and holds of both hold for both; whoever was merged into `merged` before is now the
    survivor too. Raises CannotMerge for one row, a tombstone, the erased, and an invented person with a real one.
    """
    pair = _locked(survivor.pk, merged.pk)
    _refuse(pair)
    values = combined(pair.keeps, pair.goes)
    keys = {"survivor": pair.keeps.contact_keys, "merged": pair.goes.contact_keys}
    old = {name: getattr(pair.keeps, name) for name in values}
    before = {
        "fields": _plain({name: [old[name], value] for name, value in values.items() if old[name] != value}),
        "keys": keys,
        "merged_identity": pair.goes.identity_key,
        "addresses": list(Address.objects.filter(prospect=pair.goes).order_by("id").values_list("id", flat=True)),
    }
    _share_noes(pair)
    _entomb(pair, values)
    stages.take_over(survivor=pair.keeps, merged=pair.goes)
    engagement.take_over(merged=pair.goes)
    Duplicate.objects.filter(Q(first=pair.goes) | Q(second=pair.goes), dismissed_at=None).delete()
    return Merge.objects.create(
        survivor=pair.keeps,
        merged=pair.goes,
        reason=printable(reason)[:200] or WORDS,
        before=before,
        created_by=by,
        created_at=now,
    )


@retried
@transaction.atomic
def undo(*, merge: Merge, by: User | None, now: datetime) -> Merge:
    """Takes a merge back: both rows live, and the survivor's fields are as they were, where nobody changed them since.

    Whoever could not be written to as one person can't be written to as two; campaigns that ended stay ended. The
    pair is not offered as a duplicate again. Raises CannotMerge after 30 days, and unless it is the newest of both.
    """
    pair = _locked(merge.survivor_id, merge.merged_id)
    row = Merge.objects.select_for_update().get(pk=merge.pk)
    _refuse_undo(row, pair, now)
    was_no = suppression.is_suppressed(pair.keeps.contact_keys)
    _share_noes(pair)  # what was said while they were one, an earlier undo's stop included
    _give_back(row, pair)
    if was_no:
        _stop(pair)
    Prospect.objects.filter(pk__in=_tombstones_of(pair.goes.pk)).update(person=pair.goes)
    first, second = sorted((pair.keeps.pk, pair.goes.pk))
    Duplicate.objects.update_or_create(
        first_id=first,
        second_id=second,
        defaults={"reason": "merged before", "score": 0, "dismissed_at": now, "dismissed_by": by},
    )
    row.undone_at, row.undone_by, row.applied_at = now, by, row.applied_at or now
    row.save(update_fields=["undone_at", "undone_by", "applied_at"])
    return row


def combined(keeps: Prospect, goes: Prospect) -> dict[str, Any]:
    """The survivor's fields after a merge: its own, and where it has none the other's."""
    values: dict[str, Any] = {name: getattr(keeps, name) or getattr(goes, name) for name in FILLED}
    if goes.email and not keeps.email:
        values |= {"email": goes.email, "address_kind": goes.address_kind}
    touched = [at for at in (keeps.contacted_elsewhere_at, goes.contacted_elsewhere_at) if at]
    values["contacted_elsewhere_at"] = max(touched, default=None)
    if goes.protected_at and not keeps.protected_at:
        values["owner_id"] = goes.owner_id  # whoever has to be asked before they are written to
    values["tags"] = list(dict.fromkeys([*keeps.tags, *goes.tags]))
    values["custom"] = {**goes.custom, **keeps.custom}
    return values


def is_undoable(merge: Merge, *, now: datetime) -> bool:
    """Whether an undo is still in time."""
    return merge.undone_at is None and now - merge.created_at <= UNDO_WITHIN


def _locked(survivor_id: int, merged_id: int) -> Pair:
    rows = Prospect.objects.filter(pk__in=(survivor_id, merged_id)).select_related("site").order_by("id")
    by_id = {row.pk: row for row in rows.select_for_update(of=("self",), no_key=True)}
    return Pair(by_id[survivor_id], by_id[merged_id])


def _refuse(pair: Pair) -> None:
    keeps, goes = pair.keeps, pair.goes
    if keeps.pk == goes.pk:
        raise CannotMerge(problems=[Problem("merged", "A person can't be merged with themselves.")])
    for field, row in (("survivor", keeps), ("merged", goes)):
        if row.person_id:
            raise CannotMerge(problems=[Problem(field, "This row was merged into another person already.")])
        if row.erased_at:
            raise CannotMerge(problems=[Problem(field, "This person was erased.")])
    if keeps.is_demo != goes.is_demo:
        raise CannotMerge("An invented person of the demo world can't be merged with a real one.")


def _refuse_undo(row: Merge, pair: Pair, now: datetime) -> None:
    if row.undone_at:
        raise CannotMerge("This merge was undone before.")
    if not is_undoable(row, now=now):
        raise CannotMerge(f"A merge can be undone for {UNDO_WITHIN.days} days.")
    if pair.keeps.erased_at or pair.goes.erased_at:
        raise CannotMerge("One of the two was erased.")
    if pair.keeps.person_id:
        raise CannotMerge("The survivor was merged into somebody else since. Undo that first.")
    later = Merge.objects.filter(survivor=pair.keeps, undone_at=None, id__gt=row.pk)
    if later.exists():
        raise CannotMerge("Somebody else was merged into this person since. Undo that first.")


def _share_noes(pair: Pair) -> None:
    """Stops, holds and protection of either, and of either's site, become both's own."""
    for at, why in NOES:
        said = next((row for row in (pair.keeps, pair.goes) if getattr(row, at)), None)
        site = next((row.site for row in (pair.keeps, pair.goes) if row.site and getattr(row.site, at)), None)
        if said is None and site is None:
            continue
        source: Any = said or site
        for row in (pair.keeps, pair.goes):
            if getattr(row, at) is None:
                setattr(row, at, getattr(source, at))
                if why:
                    setattr(row, why, getattr(source, why, "") or "As the row they were merged with")


def _entomb(pair: Pair, values: dict[str, Any]) -> None:
    keeps, goes = pair.keeps, pair.goes
    takes_address = bool(goes.email) and not keeps.email
    old_key, old_keys = keeps.identity_key, keeps.contact_keys
    for name, value in values.items():
        setattr(keeps, name, value)
    keeps.contact_keys = identity.keep_keys(new=[*_own_keys(keeps), *goes.contact_keys, *old_keys], old=())
    goes.contact_keys = list(dict.fromkeys([*goes.contact_keys, *old_keys]))
    goes.person = keeps
    Prospect.objects.filter(person=goes.pk).update(person=keeps)
    if takes_address:  # the tombstone takes the key that the survivor was known by: no key is lost to an import
        keeps.identity_key = goes.identity_key
        goes.identity_key = addresses.neutral_key(goes)
    _save(goes, ("person", "contact_keys", "identity_key"))
    _save(keeps, (*values, "contact_keys", "identity_key", "site"))
    if takes_address and old_key:
        Prospect.objects.filter(pk=goes.pk).update(identity_key=old_key)
    Address.objects.filter(prospect=goes).update(prospect=keeps)
    if goes.email and not takes_address:
        alias = Address(prospect=keeps, email=goes.email, key=identity.address_key(goes.email))
        Address.objects.bulk_create([alias], ignore_conflicts=True)


def _own_keys(row: Prospect) -> list[str]:
    """The keys of what a row says by itself; its site is set to fit."""
    domain = cleaning.site_domain(email=row.email, website=row.website)
    row.site_id = sites.keys_of({domain})[domain] if domain else None
    return identity.contact_keys(
        email=row.email, site_domain=domain, x_handle=row.x_handle, linkedin_url=row.linkedin_url
    )


def _save(row: Prospect, names: Collection[str]) -> None:
    noes = [name for no in NOES for name in no if name]
    row.save(update_fields=sorted({name.removesuffix("_id") for name in (*names, *noes)}))


def _give_back(row: Merge, pair: Pair) -> None:
    keeps, goes = pair.keeps, pair.goes
    fields, keys = row.before["fields"], row.before["keys"]
    now_said = _plain({name: getattr(keeps, name) for name in fields})
    back = {name: old for name, (old, new) in fields.items() if now_said[name] == new}
    for name, value in back.items():
        setattr(keeps, name, _FIELDS[name.removesuffix("_id")].to_python(value))
    names = (*back, "contact_keys", "identity_key", "site")
    theirs = set(keys["merged"]) - set(keys["survivor"])
    keeps.contact_keys = identity.keep_keys(
        new=_own_keys(keeps), old=[k for k in keeps.contact_keys if k not in theirs]
    )
    keeps.identity_key = identity.person_key(
        email=keeps.email, x_handle=keeps.x_handle, linkedin_url=keeps.linkedin_url
    )
    if keeps.identity_key == row.before["merged_identity"]:
        raise CannotMerge(f"{keeps.email} is this person's own address now. Give them another one first.")
    Address.objects.filter(pk__in=row.before["addresses"], prospect=keeps).update(prospect=goes)
    if goes.email:
        Address.objects.filter(prospect=keeps, key=identity.address_key(goes.email)).delete()
    goes.person, goes.contact_keys = None, keys["merged"]
    goes.identity_key = addresses.neutral_key(goes)
    _save(goes, ("person", "contact_keys", "identity_key"))  # out of the survivor's way first
    _save(keeps, names)
    Prospect.objects.filter(pk=goes.pk).update(identity_key=row.before["merged_identity"])


def _stop(pair: Pair) -> None:
    """A suppression that named them as one person goes on for whom it does not name by themselves."""
    for row in (pair.keeps, pair.goes):
        if not suppression.is_suppressed(row.contact_keys):
            Prospect.objects.filter(pk=row.pk, stopped_at=None).update(
                stopped_at=DatabaseClock(), stop_reason=WHILE_ONE
            )


def _tombstones_of(prospect_id: int) -> set[int]:
    """Who was merged into this row, and into those, by merges that stand."""
    found: set[int] = set()
    wave = {prospect_id}
    while wave:
        merges = Merge.objects.filter(survivor__in=wave, undone_at=None)
        wave = set(merges.values_list("merged_id", flat=True)) - found
        found |= wave
    return found


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(values, cls=DjangoJSONEncoder))
    return plain
