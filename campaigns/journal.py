"""Who said no, a second time: lines in files that no restore of the database puts back.

A line holds keys and ids only, encrypted under FIELD_ENCRYPTION_KEYS: no address, and no word of anybody.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import structlog
from django.db import transaction
from django.db.models import Q
from uuid_utils.compat import uuid7

from campaigns import outside
from campaigns.models import Campaign, SendingControl
from outreach.lib import crypto, durable
from outreach.lib.models import DatabaseClock, first_public_id
from prospects.models import Prospect, Site, Suppression

log = structlog.get_logger(__name__)

KEPT_MONTHS = 13
BY_DOMAIN = "domain:"
TOGETHER = 5_000  # entries in one line


@dataclass(frozen=True)
class Line:
    """One stop, or its lifting: `do` says which, `said` what it is about, `at` when (machine's time, UTC)."""

    id: str
    at: datetime
    do: str
    said: dict[str, Any]
    is_of_list: bool = False


def suppressed(*, row: Suppression, prospect: Prospect | None = None) -> None:
    """Notes, once this is committed and before the answer is given, that nobody is written to by this key."""
    who = str(prospect.public_id) if prospect else None
    _note("suppress", kind=row.kind, key=row.key, reason=row.reason, expires_at=_iso(row.expires_at), prospect=who)


class Entry(Protocol):
    """A row of the list of suppressions, as far as it is noted."""

    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def expires_at(self) -> datetime | None: ...


def all_suppressed(*, rows: Iterable[Entry]) -> None:
    """As `suppressed` for a whole list: an entry for each, encrypted and written together."""
    entries = [
        {"kind": str(row.kind), "key": row.key, "reason": str(row.reason), "expires_at": _iso(row.expires_at)}
        for row in rows
    ]
    if entries:
        _note("suppress_all", entries=entries)


def site_stopped(*, domain: str, key: str) -> None:
    """Notes that nobody of this company is written to; lifting its domain, of this key, lifts that too."""
    _note("stop_site", domain=domain, key=key)


def erased(*, keys: Iterable[str]) -> None:
    """Notes the hashes by which somebody who was erased is kept out."""
    for key in keys:
        kind = key.partition(":")[0]
        _note("suppress", kind=kind, key=key, reason=Suppression.Reason.ERASED, expires_at=None, prospect=None)


def unsubscribed(*, message_id: object, at: datetime) -> None:
    """Notes by which message, named by its public id, somebody opted out."""
    _note("unsubscribe", message=str(message_id), at=at.isoformat())


def stopped(*, prospects: list[Prospect]) -> None:
    """Notes that these rows of a person are never to be written to again."""
    for prospect in prospects:
        keys = [key for key in prospect.contact_keys if not key.startswith(BY_DOMAIN)]
        _note("stop", prospect=str(prospect.public_id), keys=keys)


def ended(*, prospect: Prospect, reason: str, campaign: Campaign | None = None) -> None:
    """Notes that a person's running campaigns ended, as they answered by mail or otherwise; or only this one."""
    only = str(campaign.public_id) if campaign else None
    _note("end", prospect=str(prospect.public_id), reason=reason, campaign=only)


def lifted(*, key: str = "", prospect: Prospect | None = None) -> None:
    """Notes that a mistake was taken back: the stops before it are not replayed."""
    _note("lift", key=key, prospect=str(prospect.public_id) if prospect else None)


def read(*, since: datetime | None) -> Iterator[Line]:
    """The lines from then on, oldest first, each once. A line that cannot be read is counted in the log."""
    seen: set[str] = set()
    unread = 0
    for path in sorted(_folder().glob("*.jsonl")):
        for text in filter(None, path.read_text(encoding="utf-8", errors="replace").splitlines()):
            try:
                line = _parsed(text)
            except (ValueError, KeyError, TypeError, crypto.UnreadableSecret):
                unread += 1
                continue
            if line.id not in seen and (since is None or line.at >= since):
                seen.add(line.id)
                yield from _each(line)
    if unread:
        log.error("journal_lines_unreadable", count=unread)


def size() -> int:
    """Bytes of all its lines."""
    return sum(path.stat().st_size for path in _folder().glob("*.jsonl"))


def catch_up() -> bool:
    """Writes down what a disk that failed kept out. False while it still fails."""
    failed = SendingControl.objects.filter(journal_failed_at__isnull=False).values_list("journal_failed_at", flat=True)
    since = failed.first()
    if since is None:
        return True
    SendingControl.objects.filter(journal_failed_at=since).update(journal_failed_at=None)  # set again if it still fails
    with transaction.atomic():
        rows = Suppression.objects.filter(public_id__gte=first_public_id(since)).order_by(
            "id"
        )  # lists tell older times
        while part := list(rows[:TOGETHER]):
            all_suppressed(rows=part)
            rows = rows.filter(id__gt=part[-1].pk)
        for domain in Site.objects.filter(stopped_at__gte=since).order_by("id").values_list("domain", flat=True):
            site_stopped(domain=domain, key=f"{BY_DOMAIN}{domain}")
        stopped(prospects=list(Prospect.objects.filter(stopped_at__gte=since).order_by("id")))
    if SendingControl.objects.filter(journal_failed_at__isnull=False).update(journal_failed_at=since):
        return False
    log.info("journal_caught_up", since=since.isoformat())
    return True


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _each(line: Line) -> Iterator[Line]:
    """A list is read as its entries."""
    if line.do != "suppress_all":
        yield line
        return
    for number, entry in enumerate(line.said["entries"]):
        yield Line(f"{line.id}:{number}", line.at, "suppress", {**entry, "prospect": None}, is_of_list=True)


def _note(do: str, **said: Any) -> None:
    line = {"id": str(uuid7()), "said": crypto.encrypt(json.dumps({"do": do, **said}))}
    transaction.on_commit(partial(_append, line))


def _append(line: dict[str, str]) -> None:
    """The database has it by now: a disk that fails here loses nothing yet, but is told."""
    now = datetime.now(UTC)
    path = _folder() / f"{now:%Y-%m}.jsonl"
    try:
        is_new = not path.exists()
        durable.append(path, json.dumps({**line, "at": now.isoformat()}))
        if is_new:
            _forget_old(now)
    except OSError as error:
        log.error("opt_out_not_in_journal", error=str(error))
        SendingControl.objects.get_or_create(pk=1)
        first = Q(pk=1, journal_failed_at=None)
        SendingControl.objects.filter(first).update(journal_failed_at=DatabaseClock() - timedelta(seconds=30))


def _forget_old(now: datetime) -> None:
    oldest = f"{now - KEPT_MONTHS * timedelta(days=31):%Y-%m}"
    for path in _folder().glob("*.jsonl"):
        if path.stem < oldest:
            path.unlink()


def _folder() -> Path:
    return outside.folder() / "opt-outs"


def _parsed(text: str) -> Line:
    line = json.loads(text)
    said = json.loads(crypto.decrypt(line["said"]))
    return Line(line["id"], datetime.fromisoformat(line["at"]), said.pop("do"), said)
