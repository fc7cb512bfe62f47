"""Handing everybody whom one colleague looks after to another."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.callers import caller
from accounts.models import User
from outreach.lib import pages
from outreach.lib.words import people
from prospects import owning


class HandOverForm(forms.Form):
    owner = forms.ModelChoiceField(
        queryset=User.objects.order_by("username"),
        to_field_name="username",
        empty_label="Choose a colleague",
        label="From",
        help_text="Also somebody who has left.",
    )
    to = forms.ModelChoiceField(
        queryset=User.objects.filter(is_active=True).order_by("username"),
        to_field_name="username",
        required=False,
        empty_label="Nobody",
    )


@require_http_methods(["GET", "POST"])
def hand_over(request: HttpRequest) -> HttpResponse:
    """First says how many people it is about, then does it."""
    form = HandOverForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return _page(request, form)
    owner, to = form.cleaned_data["owner"], form.cleaned_data["to"]
    if "sure" in request.POST:
        count = pages.called(form, owning.hand_over, by=caller(request))
        if count is None:
            return _page(request, form)
        pages.said(request, f"{people(count)} handed over from {owner} to {to or 'nobody'}.")
        return pages.back_to(request, reverse("settings"))
    count = owning.count(owner=owner)
    if not count or owner == to:
        form.add_error("owner", f"{owner} looks after nobody." if not count else "Choose two different colleagues.")
        return _page(request, form)
    return pages.confirm(
        request,
        title=f"Hand over {people(count)}?",
        text=f"Everybody {owner} looks after goes to {to or 'nobody'}, all at once.",
        button="Hand them over",
        back=reverse("settings-hand-over"),
        danger=False,
        fields={"owner": [owner.username], "to": [to.username if to else ""], "sure": ["1"]},
    )


def _page(request: HttpRequest, form: forms.Form) -> HttpResponse:
    return render(request, "prospects/hand_over.html", {"form": form})
