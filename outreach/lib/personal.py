"""Tables that say something about people: showing what they hold of one person, and emptying it."""

import base64
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db.models import BinaryField, Expression, Field, ForeignKey, Func, JSONField, Model, Q, QuerySet, TextField
from django.db.models import Value as SqlValue
from django.db.models.functions import Cast

Fields = Mapping[str, frozenset[str]]  # model → its personal fields, as in each app's `personal.PERSONAL`

ERASED = "(erased)"
SPOKEN = ("name", "username", "domain", "public_id")  # what a row is called outside, the first that it has
BESIDE = r"(?<![\w.+-])(?:{})(?![\w-]|\.\w)"  # ada@tea.example stands neither in nada@tea.example nor in …example.org


@dataclass(frozen=True)
class Held:
    """Rows about one person. `path` leads from a row to the person; with `goes` an erasure deletes the row.

    Else it empties the personal fields, or writes what is said in `instead`. Links to the emptied person and to
    colleagues stay.
    """

    model: type[Model]
    path: str
    goes: bool = False
    instead: Mapping[str, Any] = field(default_factory=dict)

    def rows(self, ids: Collection[int]) -> QuerySet[Any]:
        """The rows about the people with these keys."""
        return self.model._default_manager.filter(**{f"{self.path}__in": ids})


@dataclass(frozen=True)
class Mention:
    """Rows about nobody in particular that may name somebody: `whole` fields are emptied then, of `words` only those
    that name the person.
    """

    model: type[Model]
    whole: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    where: Q = field(default_factory=Q)

    def rows(self, words: "Words") -> QuerySet[Any]:
        """The rows that name the person in one of the fields."""
        if not words:
            return self.model._default_manager.none()
        fields = [self.model._meta.get_field(name) for name in (*self.whole, *self.words)]
        shown = {f"{each.name}_as_text": _as_text(each) for each in fields if isinstance(each, Field)}
        named = Q()
        for each in fields:
            pattern = words.anywhere if isinstance(each, BinaryField) else words.pattern
            named |= Q(**{f"{each.name}_as_text__iregex": pattern})
        rows: QuerySet[Any] = self.model._default_manager.filter(self.where).alias(**shown).filter(named)
        return rows


class Words:
    """What names a person in free text: addresses, pages, ids. Case makes no difference; false when there are none."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = sorted({word for word in words if word}, key=lambda word: (-len(word), word))
        self.anywhere = "|".join(re.escape(word) for word in self.words)
        self.pattern = BESIDE.format(self.anywhere)
        self._compiled = re.compile(self.pattern, re.IGNORECASE)

    def __bool__(self) -> bool:
        return bool(self.words)

    def taken_out(self, value: Any) -> Any:
        """The value (text, or JSON with texts and keys) with `(erased)` in the place of each of the words."""
        if isinstance(value, str):
            return self._compiled.sub(ERASED, value) if self.words else value
        if isinstance(value, dict):
            return {self.taken_out(key): self.taken_out(inner) for key, inner in value.items()}
        return [self.taken_out(inner) for inner in value] if isinstance(value, list) else value


def shown(rows: QuerySet[Any]) -> list[dict[str, Any]]:
    """All fields of these rows as plain JSON, oldest first; a link is shown by the name of what it leads to."""
    fields = [each for each in rows.model._meta.concrete_fields if not each.primary_key or each.is_relation]
    found = rows.order_by("pk").values_list(*(_spoken(each) for each in fields))
    names = [each.name for each in fields]
    return [dict(zip(names, map(_plain, values), strict=True)) for values in found]


def empty(held: Held, ids: Collection[int], personal: Fields) -> None:
    """Deletes the rows about these people, or empties their personal fields."""
    rows = held.rows(ids)
    if held.goes:
        rows.delete()
    elif values := {each.name: held.instead.get(each.name, nothing(each)) for each in emptied(held, personal)}:
        rows.update(**values)


def emptied(held: Held, personal: Fields) -> list[Any]:
    """The fields that an erasure empties in rows that stay."""
    model, way = held.model, held.path.partition("__")[0]
    wanted = personal[model.__name__]
    own = (each for each in model._meta.concrete_fields if each.name in wanted and each.name != way)
    return [each for each in own if not is_colleague(each)]


def take_out(mention: Mention, words: Words) -> None:
    """Empties what names the person; in free text only the words themselves go."""
    found = list(mention.rows(words).only("pk", *mention.whole, *mention.words))
    for row in found:
        for name in mention.whole:
            setattr(row, name, nothing(row._meta.get_field(name)))
        for name in mention.words:
            setattr(row, name, words.taken_out(getattr(row, name)))
    if found:
        mention.model._default_manager.bulk_update(found, [*mention.whole, *mention.words], batch_size=500)


def is_colleague(each: Any) -> bool:
    """Whether the field names somebody who works here."""
    return isinstance(each, ForeignKey) and each.related_model._meta.label == settings.AUTH_USER_MODEL


def nothing(each: Any) -> Any:
    """What stands in a field that says nothing."""
    if each.null:
        return None
    if isinstance(each, ArrayField):
        return []
    if isinstance(each, JSONField):
        return {}
    return b"" if isinstance(each, BinaryField) else ""


def _as_text(each: "Field[Any, Any]") -> Expression:
    if isinstance(each, BinaryField):
        return Func(each.name, SqlValue("escape"), function="encode", output_field=TextField())
    return Cast(each.name, TextField())


def _spoken(each: Any) -> str:
    if not isinstance(each, ForeignKey):
        return str(each.name)
    there = {inner.name for inner in each.related_model._meta.concrete_fields}
    name = next((name for name in SPOKEN if name in there), "pk")
    return f"{each.name}__{name}"


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    if value is None or isinstance(value, str | int | float | bool | list | dict):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
