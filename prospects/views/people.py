"""Adding and changing one person by hand."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.callers import caller
from outreach.lib import pages
from prospects import addresses, editing, suppression
from prospects.forms import ProspectForm, values_of
from prospects.models import Prospect


@require_http_methods(["GET", "POST"])
def prospect_add(request: HttpRequest) -> HttpResponse:
    """A new person."""
    form = ProspectForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        added = pages.called(form, editing.add_prospect, by=caller(request))
        if added is not None:
            pages.said(request, f"{added} is added.")
            return _after(request, added)
    return _page(request, form, known=_known(form))


@require_http_methods(["GET", "POST"])
def prospect_edit(request: HttpRequest, id: Any) -> HttpResponse:
    """What we know about one person."""
    prospect = get_object_or_404(Prospect, public_id=id)
    form = ProspectForm(request.POST if request.method == "POST" else None, initial=values_of(prospect))
    if request.method == "POST" and form.is_valid():
        changed = pages.called(form, editing.change_prospect, prospect=prospect, by=caller(request))
        if changed is not None:
            pages.said(request, f"{changed} is saved.")
            return _after(request, changed)
    return _page(request, form, prospect=prospect, known=_known(form))


def _page(request: HttpRequest, form: ProspectForm, **context: Any) -> HttpResponse:
    return render(request, "prospects/prospect_form.html", {"form": form, **context})


def _after(request: HttpRequest, prospect: Prospect) -> HttpResponse:
    if suppression.is_suppressed(prospect.contact_keys):
        messages.warning(request, "This address or its domain is suppressed: nobody will write to it.")
    return redirect("prospect", prospect.public_id)


def _known(form: ProspectForm) -> Prospect | None:
    """Who has the address already, to go there instead."""
    if addresses.KNOWN_ALREADY not in form.errors.get("email", []):
        return None
    return addresses.owner_of(email=str(form["email"].value()))
