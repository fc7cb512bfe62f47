"""People as rows of a file: of any list, in constant memory, under the names that an import knows.

What an export says, an import reads back: the file of a list, imported into an empty table, exports the same again.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

import structlog
from django.db.models import F, Func, Q, QuerySet, TextField

from accounts.models import User
from outreach.lib import spreadsheets, workbooks
from prospects import custom_fields, suppression
from prospects.importing.names import LABELS, OUR_EXPORT
from prospects.models import Address, Program, Prospect, Stage
from prospects.segments.leaves import CUSTOM

log = structlog.get_logger(__name__)
BATCH = 2_000
ORDER = ("email", "x_handle", "linkedin_url", "pk")
SEPARATOR = ", "
STAGE_IN = "Stage in "
# What of a person's row goes into the file as it is.
TEXTS = (
    *("first_name", "last_name", "company", "job_title", "website", "x_handle", "linkedin_url", "kind", "country"),
    *("time_zone", "language", "source", "legal_basis"),
)
ROW = (
    *("pk", "email", *TEXTS, "tags", "custom", "owner__username", "notice_date", "contacted_elsewhere_at"),
    *("stopped_at", "site__domain", "address_kind", "next_step", "next_step_date", "hold_reason", "protected_at"),
    *("created_at", "named"),
)
FORMATS = {"csv": "text/csv; charset=utf-8", "xlsx": workbooks.MEDIA_TYPE}
MAKERS: dict[str, Callable[[Iterable[Sequence[str]]], Iterator[bytes]]] = {
    "csv": spreadsheets.csv_lines,
    "xlsx": partial(workbooks.xlsx, title="People"),
}


@dataclass(frozen=True)
class Columns:
    """What differs from one file to the next: the fields of one's own, and the programs that have stages."""

    custom: tuple[str, ...]
    programs: tuple[tuple[int, str], ...]

    def header(self) -> list[str]:
        """The first row."""
        told = ["email", "other_emails", *TEXTS, "tags", "owner"]
        told += ["notice_date", "contacted_elsewhere_at", "do_not_contact"]
        names = [LABELS[field] for field in told]
        names += [f"{CUSTOM}{name}" for name in self.custom]
        return [*names, *OUR_EXPORT, *(f"{STAGE_IN}{name}" for _, name in self.programs)]


def file(found: QuerySet[Prospect], *, file_format: str, by: User | None) -> Iterator[bytes]:
    """The people as CSV or XLSX, a piece at a time; who took how many is logged when the last piece is gone.

    Raises KeyError for another format; see FORMATS.
    """
    return MAKERS[file_format](_logged(rows(found), file_format=file_format, by=by))


def _logged(rows: Iterator[list[str]], *, file_format: str, by: User | None) -> Iterator[list[str]]:
    """The rows; the log is told also when the reader went away half-way."""
    told = -1  # the header is nobody
    try:
        for row in rows:
            told += 1
            yield row
    finally:
        log.info("people_exported", by=str(by), by_id=by and by.pk, file_format=file_format, people=max(0, told))


def rows(found: QuerySet[Prospect]) -> Iterator[list[str]]:
    """The header and then the people, by address, as texts: what `outreach.lib` makes CSV or XLSX of.

    In an order of what they are, not of when they came: the same people make the same file anywhere.

    Whom it holds is settled when it begins; each is told as they are when their turn comes.
    """
    columns = _columns(found)
    yield columns.header()
    ids = found.order_by(*ORDER).values_list("pk", flat=True)
    for some in _batches(ids.iterator(chunk_size=BATCH)):
        yield from _people(some, columns)


def _columns(found: QuerySet[Prospect]) -> Columns:
    keys = Func(F("custom"), function="jsonb_object_keys", output_field=TextField())
    named = found.filter(~Q(custom={})).order_by().values_list(keys, flat=True).distinct()
    staged = Program.objects.filter(pk__in=Stage.objects.values("program")).order_by("name")
    return Columns(tuple(sorted(named)), tuple(staged.values_list("pk", "name")))


def _batches(ids: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(ids)
    while some := list(islice(rest, BATCH)):
        yield some


def _people(ids: Sequence[int], columns: Columns) -> Iterator[list[str]]:
    """Three queries for all of them."""
    people = Prospect.objects.filter(pk__in=ids).annotate(named=suppression.names_them()).order_by(*ORDER)
    others: dict[int, list[str]] = defaultdict(list)
    aliases = Address.objects.filter(prospect__in=ids, state=Address.State.ALIAS).order_by("pk")
    for prospect_id, email in aliases.values_list("prospect_id", "email"):
        others[prospect_id].append(email)
    stages: dict[tuple[int, int], str] = {}
    if columns.programs:
        known = Stage.objects.filter(prospect__in=ids).values_list("prospect_id", "program_id", "name")
        stages = {(prospect_id, program_id): name for prospect_id, program_id, name in known}
    for values in people.values(*ROW):
        yield _row(values, columns, others[values["pk"]], stages)


def _row(
    person: Mapping[str, Any], columns: Columns, others: Sequence[str], stages: Mapping[tuple[int, int], str]
) -> list[str]:
    return [
        person["email"],
        SEPARATOR.join(others),
        *(person[name] for name in TEXTS),
        SEPARATOR.join(person["tags"]),
        person["owner__username"] or "",
        _iso(person["notice_date"]),
        _instant(person["contacted_elsewhere_at"]),
        "yes" if person["stopped_at"] or person["named"] else "",
        *(custom_fields.written(person["custom"].get(name)) for name in columns.custom),
        person["site__domain"] or "",
        Prospect.AddressKind(person["address_kind"]).name.lower() if person["email"] else "",
        person["next_step"],
        _iso(person["next_step_date"]),
        person["hold_reason"],
        "yes" if person["protected_at"] else "",
        _instant(person["created_at"]),
        *(stages.get((person["pk"], program), "identified") for program, _ in columns.programs),
    ]


def _iso(day: Any) -> str:
    return day.isoformat() if day else ""


def _instant(moment: datetime | None) -> str:
    """In UTC; a day without its midnight."""
    if moment is None:
        return ""
    moment = moment.astimezone(UTC)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return moment.date().isoformat() if moment == midnight else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
