"""Forms about oneself and about keys."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm

from accounts.models import Role
from outreach.lib import zones
from outreach.lib.zones import ZoneField

DAYS = (("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("", "Never"))
MAY = {
    Role.VIEWER: "Viewer: reads everything, changes nothing",
    Role.OPERATOR: "Operator: prospects, campaigns and stopping",
    Role.MANAGER: "Manager: mailboxes and starting again as well",
    Role.ADMINISTRATOR: "Administrator: everything",
}


class ProfileForm(forms.Form):
    first_name = forms.CharField(max_length=150, required=False)
    last_name = forms.CharField(max_length=150, required=False)
    email = forms.EmailField(
        max_length=254, required=False, label="Your address", help_text="Rehearsals are sent there."
    )
    time_zone = ZoneField(help_text="All times on all pages are on this clock.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones.keep(self, "time_zone", self.initial.get("time_zone", ""))


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
