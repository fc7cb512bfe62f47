"""Forms about people and segments; the verbs decide what is right, the forms only read."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import Q

from accounts.models import User
from outreach.lib import zones
from outreach.lib.zones import ZoneField
from prospects import custom_fields, places
from prospects.models import Prospect
from prospects.reading import Unclear

GROUPS = (
    (
        "Who",
        ("email", "first_name", "last_name", "company", "job_title", "website", "x_handle", "linkedin_url", "kind"),
    ),
    ("Where", ("country", "time_zone", "language")),
    ("How we know them", ("source", "legal_basis", "notice_date", "owner", "tags", "custom")),
)
CONTINUES = "  "  # a line of a custom field that goes on with the value above


class OwnFields(forms.CharField):
    """Fields of one's own, one a line."""

    widget = forms.Textarea(attrs={"rows": 5})

    def prepare_value(self, value: Any) -> Any:
        """What is stored, as lines; what somebody typed stays."""
        if not isinstance(value, Mapping):
            return value
        texts = {name: custom_fields.written(said) for name, said in value.items()}
        return "\n".join(f"{name}: {text.replace(chr(10), chr(10) + CONTINUES)}" for name, text in texts.items())


class ProspectForm(forms.Form):
    """One person, in the groups of `GROUPS`."""

    email = forms.CharField(required=False, max_length=400, label="Address")
    first_name = forms.CharField(required=False)
    last_name = forms.CharField(required=False)
    company = forms.CharField(required=False)
    job_title = forms.CharField(required=False)
    website = forms.CharField(required=False)
    x_handle = forms.CharField(required=False, label="X handle")
    linkedin_url = forms.CharField(required=False, label="LinkedIn page")
    kind = forms.ChoiceField(choices=Prospect.Kind.choices, required=False)
    country = forms.CharField(required=False, help_text="Its English name or its two letters.")
    time_zone = ZoneField(empty="By the country", required=False, help_text="Mail goes out by this clock.")
    language = forms.CharField(required=False, help_text="Such as en or pt-BR.")
    source = forms.CharField(required=False, help_text="Where you found them.")
    legal_basis = forms.CharField(required=False, help_text="Such as legitimate interest.")
    notice_date = forms.DateField(
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        label="Told what we hold on",
        help_text="When they heard what we keep.",
    )
    owner: Any = forms.ModelChoiceField(
        queryset=User.objects.filter(is_active=True).order_by("username"),
        required=False,
        empty_label="Nobody yet",
        label="Looked after by",
    )
    tags = forms.CharField(required=False, help_text="Separated by commas.")
    custom = OwnFields(
        required=False,
        label="Other fields",
        help_text="One a line, such as “audience: 12000”. A line that begins with two spaces goes on above.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones.keep(self, "time_zone", self.initial.get("time_zone") or "")
        if owner := self.initial.get("owner"):  # also one who has left: an edit is no hand-over
            chosen: Any = self.fields["owner"]
            chosen.queryset = User.objects.filter(Q(is_active=True) | Q(pk=owner.pk)).order_by("username")

    def clean_custom(self) -> dict[str, object]:
        """The lines as names and values: what was not changed stays what it is, all else is read as its field's kind.

        Raises ValidationError.
        """
        before, kinds = self.initial.get("custom") or {}, custom_fields.kinds()
        found: dict[str, object] = {}
        for name, text in self._lines().items():
            if name in before and custom_fields.written(before[name]) == text:
                found[name] = before[name]
                continue
            try:
                found[name] = custom_fields.read(kind=kinds.get(name, ""), text=text)
            except Unclear as unclear:
                raise forms.ValidationError(f"{name}: {unclear}") from unclear
        return found

    def _lines(self) -> dict[str, str]:
        found: dict[str, str] = {}
        name = ""
        for number, line in enumerate(self.cleaned_data["custom"].replace("\r\n", "\n").split("\n"), start=1):
            if line.startswith(CONTINUES) and name:
                found[name] += "\n" + line.removeprefix(CONTINUES)
                continue
            name, colon, value = (part.strip() for part in line.partition(":"))
            if colon and name:
                found[name] = value
            elif line.strip():
                raise forms.ValidationError(f"Line {number} is not of the kind “name: value”.")
        return found

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields under their headings."""
        return [(title, [self[name] for name in names]) for title, names in GROUPS]


def values_of(prospect: Prospect) -> dict[str, Any]:
    """A person as the form shows them."""
    plain = [name for _, names in GROUPS for name in names]
    return {
        **{name: getattr(prospect, name) for name in plain},
        "country": places.country_name(prospect.country) or prospect.country,
        "tags": ", ".join(prospect.tags),
    }


class SegmentForm(forms.Form):
    """The name of a segment."""

    name = forms.CharField(max_length=100, help_text="Such as “German fashion blogs”.")
