"""Fields of one's own: what each holds, and a value read as that."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django.db import transaction

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from prospects.cleaning import CUSTOM_NAME
from prospects.models import CustomField

Kind = CustomField.Kind
NUMBER = re.compile(r"[+-]?(\d{1,15})(\.\d{1,10})?")
YES, NO = frozenset("yes y true 1 x ja oui si sí".split()), frozenset("no n false 0 nein non".split())  # noqa: SIM905


class InvalidField(DomainError):
    """A field that can't be."""

    title = "The field is not valid"


class NoSuchValue(Exception):
    """A value that the field can't hold; the message is a sentence."""


def kinds() -> dict[str, str]:
    """The kind of every field that has one; the others hold texts. One query."""
    return dict(CustomField.objects.order_by("name").values_list("name", "kind"))


@transaction.atomic
def set_kinds(*, kinds: Mapping[str, str], by: User | None) -> list[CustomField]:
    """Says what fields hold from now on; values that people have already stay as they are.

    Raises InvalidField for a name or kind that there can't be, and for a field that is of another kind already.
    """
    for name, kind in kinds.items():
        if not CUSTOM_NAME.fullmatch(name):
            raise InvalidField(problems=[Problem(name, f"{name[:60]!r} can't name a field.")])
        if kind not in Kind.values:
            raise InvalidField(problems=[Problem(name, f"A field is one of {', '.join(Kind.values)}.")])
    rows = [CustomField(name=name, kind=kind) for name, kind in sorted(kinds.items())]
    CustomField.objects.bulk_create(rows, ignore_conflicts=True)
    stored = list(CustomField.objects.filter(name__in=kinds).order_by("name"))
    for field in stored:
        if field.kind != kinds[field.name]:
            said = f"{field.name} holds {field.get_kind_display().lower()} already."
            raise InvalidField(problems=[Problem(field.name, said)])
    return stored


def read(*, kind: str, text: str) -> str | int | float | bool:
    """A value as `CustomField` stores it: a number as a number, a date as ISO 8601, yes or no as true or false.

    Raises NoSuchValue. An empty text is no value: leave it out.
    """
    text = text.strip()
    if kind == Kind.NUMBER:
        return _number(text)
    if kind == Kind.DATE:
        return _date(text)
    if kind == Kind.BOOLEAN:
        return _yes_or_no(text)
    return text


def written(value: object) -> str:
    """A stored value as a text that `read` reads back."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")  # never 1e-07
    return "" if value is None else str(value)


def _number(text: str) -> int | float:
    found = NUMBER.fullmatch(text.replace("\u00a0", "").replace(" ", ""))
    if not found:
        raise NoSuchValue(f"{text[:60]!r} is not a number.")
    return float(found[0]) if found[2] else int(found[0])


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text[:10] if len(text) > 10 and text[10] in "T " else text).isoformat()
    except ValueError:
        raise NoSuchValue(f"{text[:60]!r} is not a date such as 2026-05-01.") from None


def _yes_or_no(text: str) -> bool:
    word = text.casefold()
    if word not in YES | NO:
        raise NoSuchValue(f"{text[:60]!r} is neither yes nor no.")
    return word in YES
