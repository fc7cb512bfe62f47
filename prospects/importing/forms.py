"""The import wizard's two forms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from prospects.importing.choosing import REPLACEABLE, Choice, Column, Settings, SheetColumns, field_of
from prospects.importing.columns import CUSTOM
from prospects.importing.names import LABELS
from prospects.importing.storing import MOST_BYTES
from prospects.models import CustomField, Program

TYPES = ".csv,.tsv,.tab,.txt,.xlsx,.xlsm,text/csv,text/tab-separated-values"
GROUPS = {
    "Who they are": ("email", "other_emails", "first_name", "last_name", "full_name", "company", "job_title", "kind"),
    "Where they are": ("website", "x_handle", "linkedin_url", "country", "time_zone", "language"),
    "How it stands with them": ("stage", "owner", "note", "tags", "contacted_elsewhere_at", "do_not_contact"),
    "Where we have it from": ("source", "legal_basis", "notice_date"),
}
ORDERS = [("day", "Day first: 3 April 2026"), ("month", "Month first: 4 March 2026")]


class SheetForm(forms.Form):
    """The sheet, and what is said about everybody in it."""

    file = forms.FileField(
        label="The sheet",
        help_text="CSV or Excel from any program, or a plain list of addresses. Drop it here or choose it.",
        widget=forms.ClearableFileInput(attrs={"accept": TYPES}),
        error_messages={"empty": "The file is empty."},
    )
    source_name = forms.CharField(
        label="Where these people come from",
        help_text="Such as “Awin export” or “Affiliate Summit 2026”. Left empty, it is the file's name.",
        max_length=200,
        required=False,
    )
    tag = forms.CharField(
        label="A tag for everybody in it", help_text="Also for those you know already.", max_length=200, required=False
    )

    def clean_file(self) -> Any:
        """Refuses what is too large before it is looked into."""
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(f"At most {MOST_BYTES // 1_000_000} MB are read at once; cut the sheet in two.")
        return file


@dataclass(frozen=True, slots=True)
class Section:
    """One sheet of the form: its columns with their selects, and the fields that decide about all of it."""

    sheet: SheetColumns
    rows: list[tuple[Column, forms.BoundField]]
    use: forms.BoundField | None
    order: forms.BoundField | None


class ColumnsForm(forms.Form):
    """One select for each column of each sheet: what it means; and what is said about the whole file."""

    program = forms.ModelChoiceField(
        Program.objects.order_by("name"),
        required=False,
        label="Program",
        help_text="Whose stages a stage column says.",
        empty_label="Choose one",
    )
    replace = forms.MultipleChoiceField(
        choices=[(name, "Own fields" if name == "custom" else LABELS[name]) for name in REPLACEABLE],
        required=False,
        label="Replace what we know",
        help_text="What is not ticked only fills what is empty. An empty cell never takes anything away.",
        widget=forms.CheckboxSelectMultiple,
    )
    check_mx = forms.BooleanField(
        required=False,
        label="Leave out addresses whose domain takes no mail",
        help_text="Asks the name servers; what they can't say is brought in.",
    )
    save_as = forms.CharField(
        required=False,
        max_length=100,
        label="Remember these columns as",
        help_text="The next file with the same columns is read like this by itself.",
    )

    def __init__(self, sheets: Sequence[SheetColumns], settings: Settings, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {"program": settings.program, "replace": settings.replace, "check_mx": settings.check_mx}
        self.sheets = sheets
        for sheet in sheets:
            if len(sheets) > 1:
                self.fields[f"use-{sheet.number}"] = forms.BooleanField(
                    required=False, initial=sheet.use, label="Bring in this sheet"
                )
            if sheet.is_doubtful:
                self.fields[f"order-{sheet.number}"] = forms.ChoiceField(
                    choices=ORDERS, initial=sheet.order, required=False, label="Dates such as 03/04/2026 are"
                )
            for place, column in enumerate(sheet.columns):
                self.fields[field_of(sheet.number, place)] = forms.ChoiceField(
                    choices=_meanings(column),
                    required=False,
                    initial=column.target,
                    label=f"Meaning of {column.header}",
                )

    def sections(self) -> list[Section]:
        """The sheets, for the page."""
        return [
            Section(
                sheet,
                [(column, self[field_of(sheet.number, place)]) for place, column in enumerate(sheet.columns)],
                self[f"use-{sheet.number}"] if f"use-{sheet.number}" in self.fields else None,
                self[f"order-{sheet.number}"] if f"order-{sheet.number}" in self.fields else None,
            )
            for sheet in self.sheets
        ]

    def choices(self) -> list[Choice]:
        """The answers, in the order of the sheets."""
        said = self.cleaned_data
        return [
            Choice(
                targets=[said[field_of(sheet.number, place)] for place in range(len(sheet.columns))],
                use=said.get(f"use-{sheet.number}", True),
                order=said.get(f"order-{sheet.number}", ""),
            )
            for sheet in self.sheets
        ]

    def settings(self) -> Settings:
        """What was said about the whole file."""
        said = self.cleaned_data
        return Settings(said["program"], said["replace"], said["check_mx"], said["save_as"])


def _meanings(column: Column) -> list[Any]:
    """What a column can mean. A field of its own holds text, or what it seems to hold; or what it holds already."""
    name = column.own.removeprefix(CUSTOM)
    kinds = [column.kind] if column.is_fixed else list(CustomField.Kind.values)
    own = [
        (column.own if kind == "text" else f"{column.own}:{kind}", _own_label(name, kind, alone=len(kinds) == 1))
        for kind in kinds
    ]
    groups = [(group, [(field, LABELS[field]) for field in fields]) for group, fields in GROUPS.items()]
    return [("", "Leave out"), ("A field of its own", own), *groups]


def _own_label(name: str, kind: str, *, alone: bool) -> str:
    said = "field" if kind == "text" and not alone else CustomField.Kind(kind).label.lower()
    return f"Own {said} “{name}”"  # the kind first: a long name is cut off
