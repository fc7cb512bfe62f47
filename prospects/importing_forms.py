"""The import wizard's two forms."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms

from prospects.importing_columns import CUSTOM, LABELS
from prospects.uploading import MOST_BYTES, Column


class SheetForm(forms.Form):
    """The sheet, and what is said about everybody in it."""

    file = forms.FileField(
        label="The sheet",
        help_text="A CSV file with a line of column names on top, from any program. Drop it here or choose it.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.tab,.txt,text/csv,text/tab-separated-values"}),
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


class ColumnsForm(forms.Form):
    """One select for each column: what it means."""

    def __init__(self, columns: Sequence[Column], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.columns = columns
        for number, column in enumerate(columns):
            own = (column.own, f"Own field “{column.own.removeprefix(CUSTOM)}”")
            choices = [("", "Leave out"), own, *LABELS.items()]
            self.fields[f"column-{number}"] = forms.ChoiceField(
                choices=choices, required=False, initial=column.target, label=f"Meaning of {column.header}"
            )

    def rows(self) -> Iterator[tuple[Column, forms.BoundField]]:
        """Each column with its select."""
        return ((column, self[f"column-{number}"]) for number, column in enumerate(self.columns))

    def targets(self) -> list[str]:
        """What was chosen, in the order of the columns."""
        return [self.cleaned_data[f"column-{number}"] for number in range(len(self.columns))]
