"""Forms about oneself and about keys."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.forms import PasswordChangeForm

from accounts.models import Role

DAYS = (("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("", "Never"))
MAY = {
    Role.VIEWER: "Viewer: reads everything, changes nothing",
    Role.OPERATOR: "Operator: prospects, campaigns and stopping",
    Role.MANAGER: "Manager: mailboxes and starting again as well",
    Role.ADMINISTRATOR: "Administrator: everything",
}


def zones() -> list[tuple[str, str]]:
    """The time zones that people live in, by name."""
    named = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/")))
    return [("UTC", "UTC"), *((zone, zone.replace("_", " ")) for zone in named)]


class ProfileForm(forms.Form):
    first_name = forms.CharField(max_length=150, required=False)
    last_name = forms.CharField(max_length=150, required=False)
    email = forms.EmailField(
        max_length=254, required=False, label="Your address", help_text="Rehearsals are sent there."
    )
    time_zone = forms.ChoiceField(choices=zones, help_text="All times on all pages are on this clock.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        present = self.initial.get("time_zone", "")
        field = self.fields["time_zone"]
        if isinstance(field, forms.ChoiceField) and present and present not in dict(zones()):
            field.choices = [(present, present), *zones()]  # an older name of a zone stays what it is


class PasswordForm(PasswordChangeForm):
    """Django's, on a page where it is not the first thing to fill in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].widget.attrs.pop("autofocus", None)


class KeyForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="Which program will use it.")
    role = forms.ChoiceField(choices=list(MAY.items()), label="May do", initial=Role.VIEWER)
    days = forms.ChoiceField(choices=DAYS, required=False, initial="90", label="Expires after")

    def expires_at(self, now: datetime) -> datetime | None:
        """When the key ends by itself, or None."""
        days = self.cleaned_data["days"]
        return now + timedelta(days=int(days)) if days else None
