"""Whom we never write to."""

from datetime import date, datetime, time
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.callers import caller
from campaigns import lifting, suppressing
from campaigns.views.forms import LiftForm
from outreach.lib import pages
from outreach.lib.errors import DomainError
from outreach.lib.words import people
from prospects import suppression as facts
from prospects.models import Suppression

BY_HAND = ("manual", "declined", "unsubscribed", "complained", "bounced")  # what somebody may say here


def expiry_field() -> forms.DateField:
    """Until when it counts; only for what we decided ourselves."""
    return forms.DateField(
        label="Counts until",
        help_text="Only for what is added by hand, imported or bounced; what somebody asked for never ends.",
        widget=forms.DateInput(attrs={"type": "date"}),
        required=False,
    )


def expiry(day: date | None) -> datetime | None:
    """The instant from which it no longer counts, on the looker's clock."""
    return timezone.make_aware(datetime.combine(day, time(0))) if day else None


class SuppressionForm(forms.Form):
    lines = forms.CharField(
        label="Who",
        help_text="One a line: ada@blog.example for one address, blog.example for everybody there, @ada for somebody "
        "on X, a LinkedIn address for a page there.",
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
    expires = expiry_field()

    def clean(self) -> dict[str, Any]:
        """What somebody asked for has no end, and no end is over."""
        given = super().clean() or {}
        try:
            until = expiry(given.get("expires"))
            facts.check_expiry(reason=given.get("reason", ""), expires_at=until, now=timezone.now())
        except DomainError as error:
            self.add_error("expires", str(error))
        return given


def suppressions(request: HttpRequest) -> HttpResponse:
    """The list, newest first, with a search."""
    search, reason = request.GET.get("q", "").strip()[:254].replace("\0", ""), request.GET.get("reason", "")
    kind = request.GET.get("kind", "")
    context = {
        "paged": pages.paged(request, suppressing.listed(search=search, reason=reason, kind=kind)),
        "search": search,
        "reason": reason,
        "reasons": Suppression.Reason.choices,
        "kind": kind,
        "kinds": Suppression.Kind.choices,
        "liftable": facts.LIFTABLE,
    }
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
            context["liftable"] = facts.LIFTABLE
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
        expires_at=expiry(form.cleaned_data["expires"]),
        by=caller(request),
    )
    there = len(concerned.entries) - created
    pages.said(request, f"{created} suppressed." + (f" {there} had been on the list before." if there else ""))
    return redirect("suppressions")


@require_http_methods(["GET", "POST"])
def suppression_lift(request: HttpRequest, id: Any) -> HttpResponse:
    """Says whom it is about and asks why, then takes the mistake off the list; or says why it stays."""
    row = get_object_or_404(Suppression, public_id=id)
    if stays := lifting.why_it_stays(suppression=row):
        pages.refused(request, f"{row.value or 'This one'} stays. {stays}")
        return pages.back_to(request, reverse("suppressions"))
    form = LiftForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return _lift(request, form, row)
    known = suppressing.known_people(key=row.key)
    everybody = " Who said no there themselves stays out, by their own address." if row.kind == "domain" else ""
    return pages.confirm(
        request,
        title=f"Take {row.value} off the list?",
        text=f"This is about {people(known) if known else 'nobody you know yet'}.{everybody} Who is marked "
        "“never write again” by name stays so. Campaigns that ended stay ended; what was cancelled does not come back.",
        button=f"Let {people(known)} be written to again" if known else "Take it off the list",
        back=reverse("suppressions"),
        danger=False,
        form=form,
    )


def _lift(request: HttpRequest, form: LiftForm, row: Suppression) -> HttpResponse:
    try:
        kept = lifting.lift(suppression=row, note=form.cleaned_data["note"], by=caller(request))
    except DomainError as error:
        pages.refused(request, error)
    else:
        stay = f" {people(kept)} there said no themselves and stay{'s' if kept == 1 else ''} out." if kept else ""
        pages.said(request, f"{row.value} is off the list.{stay} What was cancelled does not come back.")
    return pages.back_to(request, reverse("suppressions"))
