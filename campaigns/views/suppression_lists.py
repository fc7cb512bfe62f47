"""The list of those who get no mail as a file: taking one in, giving ours out."""

from django import forms
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts.callers import caller
from campaigns import suppressing_lists
from campaigns.suppressing_lists import Taken
from campaigns.views.suppressions import BY_HAND, expiry, expiry_field
from outreach.lib import pages
from outreach.lib.errors import DomainError
from outreach.lib.words import counted
from prospects.models import Suppression
from prospects.suppression_lists import Meant

REASONS = ("imported", *BY_HAND)


class ListForm(forms.Form):
    file = forms.FileField(
        help_text="CSV, Excel (.xlsx) or one a line. Columns are told by their names; a list exported here comes back "
        "as it was.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}),
    )
    reason = forms.ChoiceField(
        choices=[(value, Suppression.Reason(value).label) for value in REASONS],
        help_text="Of each line that does not say one itself.",
    )
    source = forms.CharField(
        label="Where from", help_text="Such as “the tool we used before”.", max_length=200, required=False
    )
    expires = expiry_field()


def suppressions_import(request: HttpRequest) -> HttpResponse:
    """Takes a list in, and says line by line what could not be used."""
    form = ListForm(request.POST, request.FILES) if request.method == "POST" else ListForm()
    taken = _take(request, form) if request.method == "POST" and form.is_valid() else None
    if taken is None:
        return render(request, "campaigns/suppressions_import.html", {"form": form})
    if not taken.rejected:
        pages.said(request, _said(taken))
        return pages.back_to(request, reverse("suppressions"))
    return render(request, "campaigns/suppressions_import.html", {"form": ListForm(), "taken": taken})


def _take(request: HttpRequest, form: ListForm) -> Taken | None:
    given = form.cleaned_data
    meant = Meant(given["reason"], given["source"] or given["file"].name[:200], expiry(given["expires"]))
    try:
        return suppressing_lists.take_upload(
            source=given["file"].file, meant=meant, by=caller(request), now=timezone.now()
        )
    except DomainError as error:
        for problem in error.problems:
            form.add_error("expires" if problem.field == "expires_at" else problem.field, problem.message)
        return None


def _said(taken: Taken) -> str:
    there = f" {taken.known:,} had been on the list before." if taken.known else ""
    ended = f" {counted(taken.ended, 'campaign')} ended for them." if taken.ended else ""
    return f"{taken.added:,} suppressed.{there}{ended}"


def suppressions_export(request: HttpRequest) -> StreamingHttpResponse:
    """Streams the whole list as CSV; who took how many is logged."""
    name = f"suppressions-{timezone.localtime():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Accel-Buffering": "no"}
    pieces = suppressing_lists.exported(by=caller(request))
    return StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8", headers=headers)
