"""The list of addresses and domains that get no mail. What a stop does to campaigns is said in `campaigns.stopping`."""

import contextlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from prospects import identity, notes
from prospects.identity import BadAddress
from prospects.models import Prospect, Suppression

log = structlog.get_logger(__name__)

ASKED = (Suppression.Reason.UNSUBSCRIBED, Suppression.Reason.COMPLAINED, Suppression.Reason.DECLINED)
LIFTABLE = (Suppression.Reason.MANUAL, Suppression.Reason.IMPORTED, Suppression.Reason.BOUNCED)
PUT_BACK = "journal of opt-outs"  # the source of what a backup had forgotten
SHORT = 50_000  # entries: each looked up among everybody's keys in 3 µs, as long as a person takes among the entries
NOTED = 10_000  # people who get a note when their domain is lifted
# An address that no form would take, but a mail server might; nothing that was written beside one is part of it.
ODD_ADDRESS = re.compile(r'("(?:[^"\\]|\\.)+"|[^\s@;,<>()\[\]"]+)@(\[[^\s@\[\]]+\]|[^\s@;,<>()\[\]"]+)')
BESIDE = re.compile(r'[\s;,<>()\[\]"]')  # never part of a host, nor of a page's name
NAMED_IDS = """SELECT unnest(ARRAY(
    SELECT p.id FROM prospects_suppression s JOIN prospects_prospect p ON p.contact_keys @> ARRAY[s.key]))"""


class BadExpiry(DomainError):
    """Only what we decided ourselves may end."""

    title = "It can't expire"


class CannotLift(DomainError):
    """Somebody's own no, which nobody here takes back."""

    status = 409
    title = "This no stays"


@transaction.atomic(savepoint=False)
def suppress(
    *,
    kind: str,
    value: str,
    reason: str,
    source: str = "",
    by: User | None = None,
    expires_at: datetime | None = None,
) -> tuple[Suppression, bool]:
    """Writes the fact that nobody writes there again; safe to repeat and to race, also with `lift`.

    Returns the row and whether it is new. The first reason stays, but for one thing: what the person asked for takes
    the place of what we decided, so that nobody lifts it; of two ends (`expires_at`) the later counts. An address
    counts in every spelling, a domain for its addresses and its site. Raises BadAddress only for what can't name
    anybody, since a stop is never refused for its looks, and BadExpiry.
    """
    check_expiry(reason=reason, expires_at=expires_at)
    value, key = named(kind=kind, value=value)
    wanted = Suppression(
        kind=Suppression.Kind(kind),
        key=key,
        value=value[:254],
        reason=Suppression.Reason(reason),
        source=source[:200],
        created_by=by,
        expires_at=expires_at,
    )
    # Changes nothing in a row that is there, but locks it: it can't be lifted under our hands.
    Suppression.objects.bulk_create([wanted], update_conflicts=True, unique_fields=["key"], update_fields=["key"])
    stored = Suppression.objects.get(key=wanted.key)
    if wanted.reason in ASKED and stored.reason in LIFTABLE:
        stored.reason, stored.source, stored.created_by, stored.expires_at = wanted.reason, wanted.source, by, None
        stored.save(update_fields=["reason", "source", "created_by", "expires_at"])
    elif stored.expires_at and (expires_at is None or expires_at > stored.expires_at):
        stored.expires_at = expires_at
        stored.save(update_fields=["expires_at"])
    return stored, stored.public_id == wanted.public_id


@transaction.atomic
def put_back(*, kind: str, key: str, reason: str, expires_at: datetime | None = None) -> bool:
    """Writes a suppression that is known by its key alone; False when it is there. Of two reasons theirs stays.

    The address, handle or page is shown again when somebody here has it.
    """
    source = PUT_BACK
    wanted = Suppression(kind=kind, key=key, reason=reason, source=source, expires_at=expires_at)
    wanted.value = "" if reason == Suppression.Reason.ERASED else value_of(key)
    Suppression.objects.bulk_create([wanted], ignore_conflicts=True)
    if reason in ASKED:
        ours = Suppression.objects.filter(key=key, reason__in=LIFTABLE)
        ours.update(reason=reason, source=source, created_by=None, expires_at=None)
    if reason == Suppression.Reason.ERASED:
        Suppression.objects.filter(key=key).update(reason=reason, value="", source="", expires_at=None)
    return Suppression.objects.filter(public_id=wanted.public_id).exists()


@transaction.atomic
def keep_out(*, prospect_ids: Collection[int], source: str) -> int:
    """Suppresses each of these people as their own wish, for good: by their address, else by their handle and page.

    What we had decided gives way to it, and its end is gone. Returns how many entries that made or changed.
    """
    values = Prospect.objects.filter(pk__in=prospect_ids).values_list("email", "x_handle", "linkedin_url")
    keys = {key: (kind, value) for person in values for kind, value, key in _names(*person)}
    there = Suppression.objects.filter(key__in=keys).count()
    wanted = [
        Suppression(kind=kind, key=key, value=value[:254], reason=Suppression.Reason.DECLINED, source=source[:200])
        for key, (kind, value) in sorted(keys.items())
    ]
    # Locks what is there, as in `suppress`.
    Suppression.objects.bulk_create(wanted, update_conflicts=True, unique_fields=["key"], update_fields=["key"])
    ours = Suppression.objects.filter(key__in=keys, reason__in=LIFTABLE)
    changed = ours.update(reason=Suppression.Reason.DECLINED, source=source[:200], created_by=None, expires_at=None)
    return len(wanted) - there + changed


@transaction.atomic
def lift(*, suppression: Suppression, note: str, by: User | None) -> None:
    """Takes an address or domain off the list because it came there by mistake; nothing that was cancelled comes back.

    Call it through `campaigns.lifting`, which knows what people answered. Who did it and why stays as a note on
    everybody it concerns (10,000 of a domain), and in the log. Raises CannotLift for what the person asked for, and
    prospects.notes.InvalidNote without a reason.
    """
    row = Suppression.objects.select_for_update().filter(pk=suppression.pk).first()
    if row is None:
        raise CannotLift("It is not on the list any more.")
    if row.reason not in LIFTABLE or not row.value:
        raise CannotLift("They asked for it themselves, so it stays.")
    concerned = Prospect.objects.filter(contact_keys__contains=[row.key]).order_by("pk").values_list("pk", flat=True)
    parts = (row.get_reason_display().lower(), f"{row.created_at:%d %b %Y}", row.source, str(row.created_by or ""))
    was = ", ".join(part for part in parts if part)
    said = f"{row.value} may be written to again: {note}\nIt had been suppressed: {was}."
    notes.add_notes(prospect_ids=list(concerned[:NOTED]), text=said if note.strip() else "", by=by)
    row.delete()
    log.info("suppression_lifted", suppression=str(row.public_id), reason=row.reason, by=str(by or ""))


def check_expiry(*, reason: str, expires_at: datetime | None, now: datetime | None = None) -> None:
    """Raises BadExpiry for an end of what somebody asked for, and for one that is over."""
    if expires_at is not None and reason not in LIFTABLE:
        raise BadExpiry(problems=[Problem("expires_at", "What somebody asked for themselves never expires.")])
    if expires_at is not None and now is not None and expires_at <= now:
        raise BadExpiry(problems=[Problem("expires_at", "This is over already.")])


def expire(*, now: datetime) -> int:
    """Takes what was to last until now off the list; returns how many. What a person asked for is never among it."""
    gone = Suppression.objects.filter(expires_at__lte=now, reason__in=LIFTABLE).delete()[0]
    if gone:
        log.info("suppressions_expired", count=gone)
    return gone


def named(*, kind: str, value: str) -> tuple[str, str]:
    """The value in one spelling and the key that it is compared by. Raises BadAddress."""
    value = NAMED[Suppression.Kind(kind)](value)
    return value, identity.key_for(kind, value)


def without_suppressed(prospects: QuerySet[Prospect]) -> QuerySet[Prospect]:
    """The people that no suppression names, by any of their keys."""
    return prospects.exclude(names_them())


def names_them() -> Exists:
    """For a condition on Prospect: whether a suppression names them, by any of their keys."""
    named_by = Func(
        F("key"),
        OuterRef("contact_keys"),
        template="%(expressions)s)",
        arg_joiner=" = ANY(",
        output_field=BooleanField(),
    )
    return Exists(Suppression.objects.filter(named_by))


def is_named() -> Q:
    """The same for a sum over very many people (never to find some of them): a short list is looked up once.

    One query more, which asks how long the list is. The ids are an array for the planner's sake: it takes ids that it
    expects to be few into a hash table, and expects too many of keys in arrays.
    """
    if Suppression.objects.order_by()[SHORT : SHORT + 1].exists():
        return Q(names_them())
    return Q(pk__in=RawSQL(NAMED_IDS, []))  # noqa: S611 - a constant


def is_suppressed(keys: Iterable[str]) -> bool:
    """Whether any of these keys (`identity.contact_keys`) is on the list."""
    return Suppression.objects.filter(key__in=list(keys)).exists()


def _names(email: str, x_handle: str, linkedin_url: str) -> Iterator[tuple[str, str, str]]:
    """Kind, value and key of what a person is named by."""
    if email:
        yield Suppression.Kind.ADDRESS, email, identity.key_for(Suppression.Kind.ADDRESS, email)
        return
    for kind, text in ((Suppression.Kind.X, x_handle), (Suppression.Kind.LINKEDIN, linkedin_url)):
        with contextlib.suppress(BadAddress):  # a page may be any text
            yield (kind, *named(kind=kind, value=text))


def value_of(key: str) -> str:
    """What a key stands for; "" where nobody here has it."""
    if key.startswith("domain:"):
        return key.removeprefix("domain:")[:254]
    people = Prospect.objects.filter(contact_keys__contains=[key]).order_by("pk")
    for person in people.values_list("email", "x_handle", "linkedin_url")[:10]:
        if found := next((value for _, value, its_key in _names(*person) if its_key == key), ""):
            return found[:254]
    return ""


def _address(value: str) -> str:
    """A bounce may name an address that no form would take (`.test`, a local host): it is stopped all the same."""
    try:
        return identity.normalise(value)
    except BadAddress as error:
        folded = identity.fold(value)
        if not ODD_ADDRESS.fullmatch(folded):
            raise BadAddress(str(error), field="value") from error
        return folded


def _domain(value: str) -> str:
    host = value.strip().partition("://")[2] or value.strip()
    host = identity.ascii_host(host.rpartition("@")[2].partition("/")[0].partition(":")[0].removeprefix("*."))
    if BESIDE.search(host) or not identity.registrable_domain(host):
        raise BadAddress(f"{value[:60]!r} is not a domain that somebody can own.", field="value")
    return host


def _handle(value: str) -> str:
    if handle := identity.fold_handle(value):
        return handle
    raise BadAddress(f"{value[:60]!r} is not an X handle.", field="value")


def _linkedin(value: str) -> str:
    page = identity.fold_linkedin(value)
    if page and not BESIDE.search(page):
        return page
    raise BadAddress(f"{value[:60]!r} is not a LinkedIn page.", field="value")


NAMED: dict[Suppression.Kind, Callable[[str], str]] = {
    Suppression.Kind.ADDRESS: _address,
    Suppression.Kind.DOMAIN: _domain,
    Suppression.Kind.X: _handle,
    Suppression.Kind.LINKEDIN: _linkedin,
}
