"""Fields of one's own: what each holds, and a value read as that."""

from collections.abc import Mapping
from decimal import Decimal

from django.db import transaction

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from prospects import reading
from prospects.cleaning import CUSTOM_NAME
from prospects.models import CustomField

Kind = CustomField.Kind


class InvalidField(DomainError):
    """A field that can't be."""

    title = "The field is not valid"


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

    "" is no value. Raises reading.Unclear.
    """
    text = text.strip()
    if kind == Kind.NUMBER and text:
        return reading.number(text, comma=reading.has_decimal_comma([text]))
    if kind == Kind.DATE and text:
        return reading.moment(text).date().isoformat()
    if kind == Kind.BOOLEAN and text:
        return reading.boolean(text)
    return text


def written(value: object) -> str:
    """A stored value as a text that `read` reads back."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")  # never 1e-07
    return "" if value is None else str(value)
