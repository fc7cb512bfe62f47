"""Forms that more than one page asks with."""

from django import forms

from accounts.models import User
from campaigns import lifting
from prospects import stages
from prospects.models import Program, Stage


class OwnerForm(forms.Form):
    owner = forms.ModelChoiceField(
        queryset=User.objects.filter(is_active=True).order_by("username"),
        to_field_name="username",
        required=False,
        empty_label="Nobody",
        label="Looked after by",
    )


class StageForm(forms.Form):
    program = forms.ModelChoiceField(
        queryset=Program.objects.order_by("name"), to_field_name="public_id", empty_label="Choose a program"
    )
    stage = forms.ChoiceField(choices=Stage.Name.choices)
    why = forms.CharField(max_length=stages.LONGEST, label="Why")


class LiftForm(forms.Form):
    note = forms.CharField(
        max_length=lifting.LONGEST,
        label="Why it was a mistake",
        help_text="Kept with your name, as a note on whom it concerns.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class StopForm(forms.Form):
    reason = forms.CharField(max_length=150, label="Why", help_text="Others will see it.")
