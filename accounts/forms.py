"""Forms about oneself, about people who work here and about keys."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm, UsernameField
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.utils.html import format_html

from accounts import roles
from accounts.models import Role, User
from outreach.lib import zones
from outreach.lib.zones import ZoneField

if TYPE_CHECKING:  # generic for the type checker only
    AnySetPasswordForm = SetPasswordForm[User]
else:
    AnySetPasswordForm = SetPasswordForm

GOOD = "At least 8 characters, no common password, and nothing like your name."
DAYS = (("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("", "Never"))


class RoleField(forms.ChoiceField):
    """The four roles; beside each stands what it may do."""

    widget = forms.RadioSelect

    def __init__(self, **kwargs: Any) -> None:
        sentence = '<strong>{}</strong> <span class="soft">{}</span>'
        choices = [(role.value, format_html(sentence, role.label, says)) for role, says in roles.SAYS.items()]
        super().__init__(choices=choices, label="May do", **kwargs)


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
        self.fields["new_password1"].help_text = GOOD


class ChosenPasswordForm(AnySetPasswordForm):
    """Django's, for whoever comes by a link."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].help_text = GOOD


class PersonForm(forms.Form):
    """Somebody new."""

    username = UsernameField(
        max_length=150,
        label="User name",
        help_text="What they sign in with: letters, digits and @ . + - _",
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off"}),
    )
    first_name = forms.CharField(max_length=150, required=False)
    last_name = forms.CharField(max_length=150, required=False)
    email = forms.EmailField(
        max_length=254, required=False, label="Their address", help_text="Their rehearsals are sent there."
    )
    role = RoleField(initial=Role.VIEWER)


class RoleForm(forms.Form):
    role = RoleField()


class KeyForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="Which program will use it.")
    role = RoleField(initial=Role.VIEWER)
    days = forms.ChoiceField(choices=DAYS, required=False, initial="90", label="Expires after")

    def expires_at(self, now: datetime) -> datetime | None:
        """When the key ends by itself, or None."""
        days = self.cleaned_data["days"]
        return now + timedelta(days=int(days)) if days else None
