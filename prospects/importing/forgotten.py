"""Who was erased on request: an import leaves them out, also when they were erased while it runs."""

from django.db import connection
from django.db.backends.utils import CursorWrapper

from prospects.models import Suppression

LOCK = 0x464F5247


def keys() -> frozenset[str]:
    """The keys of all of them (`Prospect.contact_keys`)."""
    erased = Suppression.objects.filter(reason=Suppression.Reason.ERASED)
    return frozenset(erased.values_list("key", flat=True).iterator())


def keys_since(known: frozenset[str], *, cursor: CursorWrapper) -> frozenset[str]:
    """Whoever came to those `known`; nobody else is erased until the end of this transaction. Call it first in it."""
    cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [LOCK])
    return keys() - known


def keep_imports_off() -> None:
    """Until the end of this transaction no import adds anybody: whom it is adding now is there to be erased.

    Waits for the chunk that is being stored, which takes a second at most. Call it first in the transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
