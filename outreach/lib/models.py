"""Abstract bases and fields that every app shares."""

import uuid
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Func
from uuid_utils.compat import uuid7

from outreach.lib import crypto


def new_public_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562): unguessable, and sorts by the time it was made."""
    return uuid7()


def first_public_id(at: datetime) -> uuid.UUID:
    """The lowest `new_public_id` of that moment: what is made later comes after it."""
    return uuid.UUID(int=int(at.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62)


class DatabaseClock(Func):
    """`clock_timestamp()`: the database's wall clock at this very statement, not at the transaction's start."""

    function = "clock_timestamp"
    template = "%(function)s()"
    output_field = models.DateTimeField()


class PublicModel(models.Model):
    """A row that is named outside by `public_id`, never by its key."""

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    created_at = models.DateTimeField(db_default=DatabaseClock(), editable=False)

    class Meta:
        abstract = True


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that is encrypted at rest under FIELD_ENCRYPTION_KEYS and plain in Python.

    Can't be filtered on: the same text is never the same bytes twice.
    """

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return crypto.encrypt(value) if value else value

    def from_db_value(self, value: Any, *_: Any) -> Any:
        return crypto.decrypt(value) if value else value
