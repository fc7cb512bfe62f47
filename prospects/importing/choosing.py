"""What the columns of an uploaded file mean: asked, answered, checked and kept; sheet by sheet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from django.db import transaction

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from outreach.lib.text import printable
from prospects import custom_fields
from prospects.importing import saved, uploading
from prospects.importing.columns import CUSTOM, UnreadableHeader, chosen_by, is_target, no_such, own_names
from prospects.importing.guessing import Guess, Known, guess, kind_of, read_as
from prospects.importing.names import BRINGS, REPEATABLE
from prospects.importing.owners import Owners
from prospects.importing.sheets import Stored, all_of, as_options, mapping_of, stored
from prospects.models import CustomField, ImportBatch, Program

SHOWN_VALUES = 3
READ_AHEAD = 500  # records that columns are told from
REPLACEABLE = (
    *("first_name", "last_name", "company", "job_title", "website", "x_handle", "linkedin_url", "country"),
    *("time_zone", "language", "kind", "source", "legal_basis", "notice_date", "owner", "custom"),
)
NOBODY = "Say which column holds the email address, a handle, a LinkedIn page or a website: without one nobody can be brought in."  # noqa: E501


class UnfitColumns(DomainError):
    """The meanings chosen for the columns can't be; each problem's field is that of `field_of`."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column as it is asked about: its first values, what it seems to mean, and the field of its own it may be.

    `kind` is what that field holds or seems to hold; `is_fixed` when it holds that already.
    """

    header: str
    values: tuple[str, ...]
    target: str
    own: str
    kind: str = "text"
    is_fixed: bool = False


@dataclass(frozen=True, slots=True)
class SheetColumns:
    """A sheet as it is asked about. `line` is where its column names stand, or where it `is_headless` its first person;
    `order` what its dates begin with, `warning` what of it can't be read."""

    number: int
    name: str
    columns: tuple[Column, ...]
    line: int = 1
    use: bool = True
    is_hidden: bool = False
    problem: str = ""
    order: str = ""
    is_doubtful: bool = False
    saved_as: str = ""
    is_headless: bool = False
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The answer for one sheet. A target is a field, "custom.<name>", "custom.<name>:<kind>", or "" to leave it out."""

    targets: Sequence[str]
    use: bool = True
    order: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is said about the whole file: the program of its stages, the fields it may overwrite, asking for mail
    exchangers, and a name to keep the columns under."""

    program: Program | None = None
    replace: Sequence[str] = ()
    check_mx: bool = False
    save_as: str = field(default="")


def field_of(sheet: int, column: int) -> str:
    """The name of a column's answer in a form, counted from 0."""
    return f"{f'sheet{sheet}-' if sheet else ''}column-{column}"


def sheets(*, batch: ImportBatch) -> list[SheetColumns]:
    """What is asked about each sheet: as it was answered before, else as saved for the same columns, else guessed."""
    known = _known()
    return [_asked(batch, number, sheet, known) for number, sheet in enumerate(stored(batch))]


def columns(*, batch: ImportBatch) -> tuple[Column, ...]:
    """What is asked about the columns of the first sheet that is imported."""
    found = sheets(batch=batch)
    return next((sheet for sheet in found if sheet.use), found[0]).columns


def initial(*, batch: ImportBatch) -> Settings:
    """What was said about the file before, else what was saved with the same columns."""
    options = dict(batch.options)
    if not batch.mapping:
        for sheet in stored(batch):
            if found := saved.fitting(sheet=sheet):
                options.update(found[0].options)
    programs = Program.objects.order_by("id")
    program = programs.filter(pk=options.get("program") or 0).first() or (
        programs.first() if programs.count() == 1 else None
    )
    return Settings(program, options.get("replace", ()), bool(options.get("check_mx")))


def choose_columns(
    *, batch: ImportBatch, choices: Sequence[Choice], settings: Settings | None = None, by: User | None = None
) -> None:
    """Says what each column of each sheet means; only before the import begins. Raises UnfitColumns."""
    settings = settings or Settings()
    found = stored(batch)
    if len(choices) != len(found) or any(
        choice.use and len(choice.targets) != len(sheet.headers) for choice, sheet in zip(choices, found, strict=False)
    ):
        raise UnfitColumns("The form does not fit the sheet; open it again.")
    if not any(choice.use for choice in choices):
        raise UnfitColumns("", [Problem("", "Choose at least one sheet.")])
    settings = _with_program(settings, choices)
    if problems := _problems(found, choices, settings):
        raise UnfitColumns("", problems)
    try:
        with transaction.atomic():
            _keep(batch, found, choices, settings, by)
    except UnreadableHeader as error:
        raise UnfitColumns(str(error)) from error


def choose_by_names(
    *,
    batch: ImportBatch,
    mapping: Mapping[str, str] | None = None,
    settings: Settings | None = None,
    by: User | None = None,
) -> None:
    """Chooses as guessed, but for the columns that `mapping` names, in whatever sheet. Raises UnfitColumns."""
    mapping = mapping or {}
    asked = sheets(batch=batch)
    rest = {name.strip().casefold() for name in mapping}
    choices = []
    for sheet in asked:
        targets = [column.target.partition(":")[0] for column in sheet.columns]
        for place, column in enumerate(sheet.columns):
            for name, target in mapping.items():
                if name == column.header or name.strip().casefold() == column.header.casefold():
                    told = target.partition(":")[0]
                    targets = ["" if said == told and said not in REPEATABLE else said for said in targets]
                    targets[place] = target
                    rest.discard(name.strip().casefold())
        choices.append(Choice(targets, sheet.use))
    if rest:
        missing = next(name for name in mapping if name.strip().casefold() in rest)
        there = ", ".join(repr(column.header) for sheet in asked for column in sheet.columns[:10])
        raise UnfitColumns(f"There is no column {missing!r} in the file; there is: {there}.")
    choose_columns(batch=batch, choices=choices, settings=settings, by=by)


def _known() -> Known:
    owners = Owners()
    return Known(lambda text: owners.find(text) is not None, custom_fields.kinds())


def _asked(batch: ImportBatch, number: int, sheet: Stored, known: Known) -> SheetColumns:
    mapping, saved_as = mapping_of(batch, sheet) or None, ""
    if mapping is None and not sheet.problem and (found := saved.fitting(sheet=sheet)):
        mapping, saved_as = found[1], found[0].name
    head, rows = _first(batch, sheet)
    guessed = guess(head, rows, mapping=mapping, known=known, order=sheet.order if mapping and not saved_as else "")
    asked = _columns(guessed, rows, known, is_answered=mapping is not None)
    line = next(islice(all_of(batch, sheet), max(sheet.skip, 0), None)).line
    return SheetColumns(
        number=number,
        name=sheet.name,
        columns=asked,
        line=line,
        is_headless=sheet.skip < 0,
        warning=sheet.warning,
        use=sheet.use,
        is_hidden=sheet.is_hidden,
        problem=sheet.problem,
        order=guessed.order,
        is_doubtful=guessed.is_doubtful,
        saved_as=saved_as,
    )


def _first(batch: ImportBatch, sheet: Stored) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and the first rows below them."""
    rows = [record.values for record in islice(all_of(batch, sheet), max(sheet.skip, 0), sheet.skip + 1 + READ_AHEAD)]
    return (sheet.headers, rows) if sheet.skip < 0 else (rows[0], rows[1:])


def _columns(guessed: Guess, rows: Sequence[Sequence[str]], known: Known, *, is_answered: bool) -> tuple[Column, ...]:
    read = guessed.columns
    owns = own_names(read.headers)
    made = []
    for place, (header, target, own) in enumerate(zip(read.headers, read.targets, owns, strict=True)):
        values = [printable(row[place]) for row in rows if len(row) > place and row[place].strip()]
        own = target if target.startswith(CUSTOM) else own
        fixed = known.kinds.get(own.removeprefix(CUSTOM))
        kind = fixed or ("text" if is_answered else kind_of(header, values))
        said = f"{target}:{kind}" if target.startswith(CUSTOM) and kind != "text" else target
        shown = tuple(dict.fromkeys(value[:60] for value in values))[:SHOWN_VALUES]
        made.append(Column(header, shown, said, own, kind, fixed is not None))
    return tuple(made)


def _with_program(settings: Settings, choices: Sequence[Choice]) -> Settings:
    """Where there is one program only, it is meant."""
    if settings.program is None and any("stage" in choice.targets for choice in choices if choice.use):
        only = list(Program.objects.order_by("id")[:2])
        return replace(settings, program=only[0] if len(only) == 1 else None)
    return settings


def _problems(found: Sequence[Stored], choices: Sequence[Choice], settings: Settings) -> list[Problem]:
    problems = []
    for number, choice in enumerate(choices):
        if not choice.use:
            continue
        targets = [target.partition(":")[0] for target in choice.targets]
        if unknown := [place for place, target in enumerate(targets) if not is_target(target)]:
            problems += [Problem(field_of(number, place), no_such(targets[place])) for place in unknown]
            continue
        problems += [
            Problem(field_of(number, place), "Another column means this already; leave one of them out.")
            for place, target in enumerate(targets)
            if target and target not in REPEATABLE and target in targets[:place]
        ]
        if BRINGS.isdisjoint(targets):
            there = ", ".join(repr(header[:40]) for header in found[number].headers[:10])
            problems.append(Problem("", f"{NOBODY} There is: {there}."))
        if "stage" in targets and settings.program is None:
            problems.append(Problem("program", "Choose the program whose stages these are."))
    problems += [
        Problem("replace", f"{name!r} can't be replaced; one of {', '.join(REPLACEABLE)} can.")
        for name in settings.replace
        if name not in REPLACEABLE
    ]
    return list(dict.fromkeys(problems))


def _keep(
    batch: ImportBatch, found: list[Stored], choices: Sequence[Choice], settings: Settings, by: User | None
) -> None:
    """Raises UnreadableHeader for a target that is none, and UnfitColumns for a field that holds something else."""
    kinds = _set_kinds(choices, by)
    mappings: dict[str, dict[str, str]] = {}
    for sheet, choice in zip(found, choices, strict=True):
        sheet.use = choice.use
        if not choice.use:
            continue
        targets = [target.partition(":")[0] for target in choice.targets]
        mapping = dict(zip(sheet.headers, targets, strict=True))
        chosen_by(sheet.headers, mapping)
        head, rows = _first(batch, sheet)
        sheet.order = choice.order or guess(head, rows, mapping=mapping, known=Known(kinds=kinds)).order
        columns = ([row[place].strip() for row in rows if len(row) > place] for place in range(len(targets)))
        sheet.reads = [
            read_as(target, values, kinds=kinds, order=sheet.order)
            for target, values in zip(targets, columns, strict=True)
        ]
        mappings[sheet.name] = mapping
    batch.mapping = mappings if any(sheet.is_numbered for sheet in found) else mappings[""]
    batch.options = {**batch.options, "sheets": as_options(found), "replace": list(settings.replace)}
    batch.options["check_mx"] = settings.check_mx
    batch.options["program"] = settings.program.pk if settings.program else None
    uploading.waiting(batch).update(mapping=batch.mapping, options=batch.options)
    if settings.save_as:
        saved.save(batch=batch, name=settings.save_as, by=by)


def _set_kinds(choices: Sequence[Choice], by: User | None) -> Mapping[str, str]:
    """The kinds of all fields of one's own, those said now included."""
    known = custom_fields.kinds()
    said: dict[str, str] = {}
    for number, choice in enumerate(choices):
        for place, target in enumerate(choice.targets if choice.use else ()):
            name, colon, kind = target.removeprefix(CUSTOM).partition(":")
            if colon and target.startswith(CUSTOM) and known.get(name) != kind:
                if kind not in CustomField.Kind.values or name in known:
                    wrong = f"This field holds {known[name]} already." if name in known else "There is no such kind."
                    raise UnfitColumns("", [Problem(field_of(number, place), wrong)])
                said[name] = kind
    custom_fields.set_kinds(kinds=said, by=by)
    return custom_fields.kinds()
