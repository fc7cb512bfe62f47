"""Sending a correction to whoever received a text that was wrong."""

import uuid
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.callers import caller
from campaigns import correcting, errands
from campaigns.correcting import Wrong
from campaigns.models import Campaign
from outreach.lib import pages, words


class CorrectionForm(forms.Form):
    """Which text was wrong, and what is said about it."""

    version = forms.ChoiceField(label="The text that was wrong")
    text = forms.CharField(
        label="The correction", widget=forms.Textarea(attrs={"rows": 12}), strip=False, help_text="In the same thread."
    )

    def __init__(self, wrongs: list[Wrong], data: Any = None, *, text: str) -> None:
        super().__init__(data, initial={"text": text})
        self._wrongs = {str(each.version.public_id): each for each in wrongs}
        self.fields["version"].choices = [  # type: ignore[attr-defined]
            (id, f"Step {each.step.position}, {each.version}: {words.people(each.people)} received it")
            for id, each in self._wrongs.items()
        ]

    def clean_version(self) -> Any:
        """The version itself."""
        return self._wrongs[self.cleaned_data["version"]].version


@require_http_methods(["GET", "POST"])
def campaign_correct(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Asks for the wrong text and the right words, then sends them to whoever received it."""
    found = Campaign.objects.filter(rehearsal_of=None, launched_at__isnull=False)
    campaign = get_object_or_404(found.select_related("program"), public_id=id)
    wrongs = correcting.received(campaign=campaign)
    form = CorrectionForm(wrongs, request.POST or None, text=correcting.frame(campaign=campaign))
    fixed: dict[str, Any] = {"campaign": campaign, "now": timezone.now(), "by": caller(request)}
    fixed["seconds"] = errands.HURRY
    if form.is_valid() and pages.called(form, correcting.correct, **fixed) is not None:
        pages.said(request, "The correction goes to whoever received that text, before anything else does.")
        return redirect("campaign", id=id)
    return render(request, "campaigns/correct.html", {"campaign": campaign, "form": form, "wrongs": wrongs})
