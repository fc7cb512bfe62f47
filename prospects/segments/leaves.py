"""The conditions that a rule is made of, each true or false of everybody and never unknown: so that "not" loses nobody.

What looks odd here serves an index: a part of a name is looked up in the one index over all names first.
"""

from collections.abc import Callable
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Upper
from django.db.models.lookups import Contains, Exact, IContains, IExact, In, IStartsWith

from accounts.models import User
from prospects import suppression
from prospects.models import ImportBatch, Site, Stage, searchable
from prospects.segments import values
from prospects.segments.values import Asked

CUSTOM = "custom."
STAGE = "stage."
SEARCHED = frozenset({"first_name", "last_name", "company", "email", "x_handle"})
NO_ROW = -1  # a key that no row has
SHORT = 3  # characters; the index knows parts of words of this length
ADDRESS_KINDS = {"personal": "", "role": "role", "disposable": "disposable"}

Leaf = Callable[[Asked], Q]


def not_(leaf: Leaf) -> Leaf:
    """The opposite."""
    return lambda asked: ~leaf(asked)


# --- Texts ---
def _subject(field: str) -> Combinable:
    """The text that a field holds, never NULL."""
    if field == "site":
        return Coalesce(F("site__domain"), Value(""))
    if field.startswith(CUSTOM):
        return Coalesce(KeyTextTransform(field.removeprefix(CUSTOM), "custom"), Value("", TextField()))
    return F(field)


def _indexed(asked: Asked, text: str) -> Q:
    """True of everybody in whose field the text can be, and quickly found; nothing where there is no index."""
    if asked.field not in SEARCHED or len(text) < SHORT:
        return Q()
    return Q(Contains(searchable(), Upper(Value(text))))


def is_(asked: Asked) -> Q:
    text = values.text(asked.value, asked.path)
    return _indexed(asked, text) & Q(IExact(_subject(asked.field), text))


def contains(asked: Asked) -> Q:
    text = values.text(asked.value, asked.path)
    return _indexed(asked, text) & Q(IContains(_subject(asked.field), text))


def starts_with(asked: Asked) -> Q:
    text = values.text(asked.value, asked.path)
    return _indexed(asked, text) & Q(IStartsWith(_subject(asked.field), text))


def in_(asked: Asked) -> Q:
    wanted = [Upper(Value(text)) for text in values.texts(asked.value, asked.path)]
    return Q(In(Upper(_subject(asked.field)), wanted))


def is_empty(asked: Asked) -> Q:
    return Q(Exact(_subject(asked.field), Value("")))


# --- Codes: stored in one spelling, so that an index of the column serves ---
def is_code(asked: Asked) -> Q:
    return Q(**{asked.field: _coded(asked.field, values.text(asked.value, asked.path))})


def in_codes(asked: Asked) -> Q:
    wanted = [_coded(asked.field, text) for text in values.texts(asked.value, asked.path)]
    return Q(**{f"{asked.field}__in": wanted})


def _coded(field: str, text: str) -> str:
    return text.upper() if field == "country" else text.lower()


def is_address_kind(asked: Asked) -> Q:
    return Q(address_kind=ADDRESS_KINDS[values.one_of(ADDRESS_KINDS, asked.value, asked.path)])


# --- Tags ---
def has_tag(asked: Asked) -> Q:
    return Q(tags__contains=_tags([values.text(asked.value, asked.path)]))


def has_one_tag(asked: Asked) -> Q:
    return Q(tags__overlap=_tags(values.texts(asked.value, asked.path)))


def has_no_tags(asked: Asked) -> Q:
    return Q(tags=[])


def _tags(tags: list[str]) -> Value:
    """As the column's own type: an index is not asked about another."""
    return Value(tags, ArrayField(CharField(max_length=50)))


# --- Yes or no ---
def is_demo(asked: Asked) -> Q:
    return _told(asked, Q(is_demo=True))


def is_suppressed(asked: Asked) -> Q:
    return _told(asked, Q(suppression.names_them()))


def is_marked(asked: Asked) -> Q:
    """Stopped, held or protected."""
    return _told(asked, Q(**{f"{asked.field}_at__isnull": False}))


def is_site_marked(asked: Asked) -> Q:
    """The same of their site."""
    mark = asked.field.removeprefix("site_")
    return _told(asked, Q(Exists(Site.objects.filter(pk=OuterRef("site_id"), **{f"{mark}_at__isnull": False}))))


def _told(asked: Asked, condition: Q) -> Q:
    return condition if values.flag(asked.value, asked.path) else ~condition


# --- Who looks after them, where they come from ---
def is_owner(asked: Asked) -> Q:
    return _is_the("owner", User.objects.filter(username=values.text(asked.value, asked.path)))


def is_one_owner(asked: Asked) -> Q:
    names = values.texts(asked.value, asked.path)
    return Q(Exists(User.objects.filter(pk=OuterRef("owner_id"), username__in=names)))


def has_no_owner(asked: Asked) -> Q:
    return Q(owner__isnull=True)


def is_batch(asked: Asked) -> Q:
    return _is_the("import_batch", ImportBatch.objects.filter(public_id=values.uuid(asked.value, asked.path)))


def has_no_batch(asked: Asked) -> Q:
    return Q(import_batch__isnull=True)


def _is_the(key: str, row: QuerySet[Any]) -> Q:
    """Whose key is that one row's, looked up once; nobody's when there is none. Its index gives them newest first."""
    wanted = Coalesce(Subquery(row.values("pk")[:1]), Value(NO_ROW))
    return Q(**{f"{key}__isnull": False}) & Q(Exact(F(f"{key}_id"), wanted))


# --- Stages: no row is identified; without a program any of them counts ---
def is_stage(asked: Asked) -> Q:
    return _at_stage(asked.field, [values.one_of(Stage.Name.values, asked.value, asked.path)])


def is_one_stage(asked: Asked) -> Q:
    said = values.texts(asked.value, asked.path)
    names = [values.one_of(Stage.Name.values, text, f"{asked.path}[{n}]") for n, text in enumerate(said)]
    return _at_stage(asked.field, names)


def _at_stage(field: str, names: list[str]) -> Q:
    rows = Stage.objects.filter(prospect=OuterRef("pk"))
    if field.startswith(STAGE):
        rows = rows.filter(program__public_id=field.removeprefix(STAGE))
    found = Q(Exists(rows.filter(name__in=names)))
    if Stage.Name.IDENTIFIED in names:
        found |= ~Q(Exists(rows.exclude(name=Stage.Name.IDENTIFIED)))
    return found
