"""What can be done about a whole site: protect it, and never contact it again."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from accounts.callers import caller, role_of
from campaigns import companies
from campaigns.views.forms import StopForm
from outreach.lib import pages
from outreach.lib.errors import DomainError
from outreach.lib.words import people
from prospects import protecting
from prospects.models import Site


def _site(id: Any) -> Site:
    return get_object_or_404(Site, public_id=id)


def _home(site: Site) -> str:
    return f"{reverse('prospects')}?{urlencode({'site': site.domain})}"


@require_POST
def site_protect(request: HttpRequest, id: Any) -> HttpResponse:
    """No campaign writes to anybody there; whoever may lift it can take it back at once."""
    site, by = _site(id), caller(request)
    if protecting.protect_site(site=site):
        lifts = protecting.may_lift_site(site=site, by=by, role=role_of(by))
        undo = reverse("site-unprotect", args=[site.public_id]) if lifts else ""
        pages.said(request, f"Everybody at {site} is protected until a manager lifts it.", undo=undo)
    return pages.back_to(request, _home(site))


@require_POST
def site_unprotect(request: HttpRequest, id: Any) -> HttpResponse:
    """A manager, or whoever looks after everybody there, lifts it; undo protects again."""
    site, by = _site(id), caller(request)
    try:
        lifted = protecting.unprotect_site(site=site, by=by, role=role_of(by))
    except DomainError as error:
        pages.refused(request, error)
        return pages.back_to(request, _home(site))
    if lifted:
        undo = reverse("site-protect", args=[site.public_id])
        pages.said(request, f"{site} is not protected any more: what was held goes on.", undo=undo)
    return pages.back_to(request, _home(site))


@require_http_methods(["GET", "POST"])
def site_stop(request: HttpRequest, id: Any) -> HttpResponse:
    """Asks, saying whom it concerns, then stops the whole site."""
    site = _site(id)
    form = StopForm(request.POST if request.method == "POST" else None)
    if not companies.may_stop(site):
        pages.refused(request, f"Strangers share {site}. Stop the person or their address instead.")
        return pages.back_to(request, _home(site))
    if request.method == "POST" and form.is_valid():
        companies.stop_site(site=site, reason=form.cleaned_data["reason"], by=caller(request))
        pages.said(request, f"Nobody at {site} will ever be written to.")
        return pages.back_to(request, _home(site))
    concerned = companies.concerned(site)
    known = f"{people(concerned.known)} {'is' if concerned.known == 1 else 'are'} known there"
    under_way = f", {concerned.running:,} of them under way: what is planned is cancelled" if concerned.running else ""
    return pages.confirm(
        request,
        title=f"Never contact {site}?",
        text=f"{known}{under_way}. Nobody at this site or at an address of it is "
        "ever written to again, also after a new import.",
        button="Never contact this company",
        back=pages.back_to(request, _home(site)).url,
        form=form,
    )
