"""What accounts may have noted about a person: answers kept for repeats, and the back office's log."""

from collections.abc import Collection, Mapping
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet

from accounts.models import IdempotentAnswer
from outreach.lib import personal
from outreach.lib.personal import ERASED, Mention, Words

MENTIONS = (Mention(IdempotentAnswer, whole=("body",)), Mention(LogEntry, whole=("object_repr", "change_message")))
# About people who work here: their accounts are removed as accounts, never with a person we wrote to.
COLLEAGUES = {
    "User": frozenset({"username", "first_name", "last_name", "email", "password", "last_login", "time_zone"}),
    "ApiKey": frozenset({"last_used_at"}),
    "IdempotentAnswer": frozenset({"caller"}),
    "UserEvent": frozenset({"pgh_obj", "pgh_context", "username"}),
}


def erase(*, words: Words, rows: Mapping[type[Model], Collection[int]]) -> None:
    """Empties kept answers that name the person, and what the back office's log says of them and of these rows.

    A repeat of such a request is still recognised; its answer has no body any more.
    """
    for mention in MENTIONS:
        personal.take_out(mention, words)
    for model, keys in rows.items():
        _of(model, keys).update(object_repr=ERASED, change_message="")


def logged(*, rows: Mapping[type[Model], Collection[int]]) -> list[dict[str, Any]]:
    """What the back office's log says of these rows."""
    return [line for model, keys in rows.items() for line in personal.shown(_of(model, keys))]


def _of(model: type[Model], keys: Collection[int]) -> QuerySet[LogEntry]:
    kind = ContentType.objects.get_for_model(model)
    return LogEntry.objects.filter(content_type=kind, object_id__in=[str(key) for key in keys])
