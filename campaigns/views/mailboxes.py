"""What pausing or retiring a mailbox means for the people of campaigns, before the click."""

import uuid

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.callers import caller
from campaigns import retiring, senders
from integrations.models import Mailbox
from outreach.lib import pages
from outreach.lib.text import printable
from outreach.lib.words import people


class SuccessorForm(forms.Form):
    """Who takes over where a campaign has no other mailbox."""

    successor = forms.ModelChoiceField(
        Mailbox.objects.none(),
        label="Who takes over",
        required=False,
        empty_label="Nobody: only the campaigns’ other mailboxes",
        help_text="It is used by campaigns that have no other active mailbox.",
    )

    def __init__(self, mailbox: Mailbox, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        field = self.fields["successor"]
        if isinstance(field, forms.ModelChoiceField):
            found = [each.pk for each in retiring.successors(mailbox=mailbox)]
            field.queryset = Mailbox.objects.filter(pk__in=found).defer(*senders.SECRETS).order_by("name")


@require_http_methods(["GET", "POST"])
def mailbox_retire(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Says who moves where and until when the rest lasts, and then does it."""
    found = _mailbox(id)
    form = SuccessorForm(found, request.POST if request.method == "POST" else request.GET or None)
    successor = form.cleaned_data["successor"] if form.is_valid() else None
    if request.method == "POST" and form.is_valid():
        moved = pages.called(form, retiring.retire, mailbox=found, now=timezone.now(), by=caller(request))
        if moved is not None:
            pages.said(request, f"{found.from_address} is retired: {people(moved)} moved. Its answers are still read.")
            return redirect("mailbox", id)
    outlook = retiring.outlook(mailbox=found, now=timezone.now(), successor=successor)
    page = {"mailbox": found, "form": form, "outlook": outlook, "successor": successor}
    return render(request, "campaigns/mailbox_retire.html", page)


@require_http_methods(["GET", "POST"])
def mailbox_pause(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Says who waits, and then sends nothing from it until somebody resumes it."""
    found = _mailbox(id)
    if request.method != "POST":
        outlook = retiring.outlook(mailbox=found, now=timezone.now())
        return render(request, "campaigns/mailbox_pause.html", {"mailbox": found, "outlook": outlook})
    reason = printable(request.POST.get("reason", "")) or "no reason was given"
    if found.pause(reason=f"{reason} ({request.user})"):
        pages.said(request, f"Nothing is sent from {found.from_address} until somebody resumes it.")
    else:
        pages.refused(request, f"{found.from_address} was not active.")
    return redirect("mailbox", id)


@require_POST
def mailbox_stop_reading(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Nobody looks into a retired mailbox any more."""
    found = _mailbox(id)
    if found.stop_reading():
        pages.said(request, f"Nobody reads {found.from_address} any more.")
    else:
        pages.refused(request, f"{found.from_address} is not retired: it has to be read.")
    return redirect("mailbox", id)


def _mailbox(id: uuid.UUID) -> Mailbox:
    return get_object_or_404(Mailbox.objects.defer(*senders.SECRETS), public_id=id)
