"""Whom we never write to."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.callers import caller
from campaigns import suppressing
from outreach.lib import pages
from prospects.models import Suppression

BY_HAND = ("manual", "declined", "unsubscribed", "complained", "bounced")  # what somebody may say here


class SuppressionForm(forms.Form):
    lines = forms.CharField(
        label="Addresses and domains",
        help_text="One a line: ada@blog.example for one address, blog.example for everybody there.",
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        max_length=200_000,
    )
    reason = forms.ChoiceField(choices=[(value, Suppression.Reason(value).label) for value in BY_HAND])
    source = forms.CharField(
        label="Where from",
        help_text="Such as “asked us on the telephone” or “list of our lawyers”.",
        max_length=200,
        required=False,
    )


def suppressions(request: HttpRequest) -> HttpResponse:
    """The list, newest first, with a search."""
    search, reason = request.GET.get("q", "").strip()[:254].replace("\0", ""), request.GET.get("reason", "")
    paged = pages.paged(request, suppressing.listed(search=search, reason=reason))
    context = {"paged": paged, "search": search, "reason": reason, "reasons": Suppression.Reason.choices}
    return render(request, "campaigns/suppressions.html", context)


def suppression_add(request: HttpRequest) -> HttpResponse:
    """Takes many at once; says whom each concerns before anything happens."""
    form = SuppressionForm(
        request.POST if request.method == "POST" else None, initial={"lines": request.GET.get("lines", "")}
    )
    if request.method == "POST" and form.is_valid():
        concerned = _look_up(form)
        if concerned and request.POST.get("confirmed"):
            return _suppress(request, form, concerned)
        if concerned:
            context = {"form": form, "concerned": concerned, "reason": Suppression.Reason(form.cleaned_data["reason"])}
            return render(request, "campaigns/suppression_confirm.html", context)
    return render(request, "campaigns/suppression_add.html", {"form": form})


def _look_up(form: SuppressionForm) -> suppressing.Concerned | None:
    """Whom the lines concern; None when none of them names anybody, which the form then says."""
    try:
        concerned = suppressing.look_up(text=form.cleaned_data["lines"])
    except suppressing.TooManyLines as error:
        form.add_error("lines", str(error))
        return None
    if concerned.entries:
        return concerned
    for line in concerned.bad:
        form.add_error("lines", f"Line {line.number}: {line.reason}")
    return None


def _suppress(request: HttpRequest, form: SuppressionForm, concerned: suppressing.Concerned) -> HttpResponse:
    created = suppressing.suppress_all(
        entries=concerned.entries,
        reason=form.cleaned_data["reason"],
        source=form.cleaned_data["source"],
        by=caller(request),
    )
    there = len(concerned.entries) - created
    pages.said(request, f"{created} suppressed." + (f" {there} had been on the list before." if there else ""))
    return redirect("suppressions")
