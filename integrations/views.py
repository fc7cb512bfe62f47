"""Mailboxes: their health, their check, their settings."""

import uuid
from datetime import UTC

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from integrations import editing, health, sending
from integrations.forms import MailboxForm
from integrations.models import Mailbox
from integrations.providers import BY_SLUG, PROVIDERS, SERVICES
from outreach.lib import pages

OTHER = "other"


def mailboxes(request: HttpRequest) -> HttpResponse:
    """Every mailbox and how it is doing."""
    paged, now = pages.paged(request, _without_secrets()), timezone.now()
    rows = [(mailbox, health.of(mailbox=mailbox, now=now)) for mailbox in paged.rows]
    return render(request, "integrations/mailboxes.html", {"paged": paged, "rows": rows})


def mailbox_add(request: HttpRequest) -> HttpResponse:
    """Asks for the provider, then for the rest; what was added is checked at once."""
    chosen = request.POST.get("provider") or request.GET.get("provider") or ""
    if request.method != "POST" and chosen not in (*BY_SLUG, OTHER):
        return render(request, "integrations/mailbox_provider.html", {"providers": PROVIDERS, "services": SERVICES})
    form = MailboxForm(
        request.POST if request.method == "POST" else None, provider=BY_SLUG.get(chosen), from_name=_own_name(request)
    )
    if request.method == "POST" and form.is_valid() and (made := pages.called(form, editing.add_mailbox)):
        pages.said(request, f"{made.from_address} is here.")
        _check(request, made)
        return redirect("mailbox", made.public_id)
    context = {"form": form, "provider": BY_SLUG.get(chosen), "chosen": chosen or OTHER}
    return render(request, "integrations/mailbox_form.html", context)


def mailbox(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """One mailbox: how it is doing and what can be done."""
    found = get_object_or_404(_without_secrets(), public_id=id)
    now = timezone.now()
    cap_today = found.cap_on(now.astimezone(UTC).date())
    context = {"mailbox": found, "health": health.of(mailbox=found, now=now), "cap_today": cap_today}
    return render(request, "integrations/mailbox.html", context)


def mailbox_edit(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Changes a mailbox; when it was a server or an account, it is checked at once."""
    found = get_object_or_404(Mailbox, public_id=id)
    form = MailboxForm(request.POST if request.method == "POST" else None, mailbox=found)
    if request.method == "POST" and form.is_valid():
        changed = pages.called(form, editing.change_mailbox, mailbox=Mailbox.objects.get(pk=found.pk))
        if changed:
            pages.said(request, "Saved.")
            if changed.verified_at is None:
                _check(request, changed)
            return redirect("mailbox", id)
    return render(request, "integrations/mailbox_form.html", {"form": form, "mailbox": found})


def mailbox_check(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Logs in to both servers and says what is wrong; nothing is sent."""
    _check(request, get_object_or_404(Mailbox, public_id=id))
    return redirect("mailbox", id)


def mailbox_bring_back(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Takes a retired one back, paused."""
    found = get_object_or_404(_without_secrets(), public_id=id)
    if found.bring_back(reason=f"brought back by {request.user}"):
        pages.said(request, f"{found.from_address} is back, and paused: check it, then resume it.")
    else:
        pages.refused(request, f"{found.from_address} is not retired.")
    return redirect("mailbox", id)


def mailbox_resume(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Takes it back into service."""
    found = get_object_or_404(_without_secrets(), public_id=id)
    if found.resume():
        pages.said(request, f"{found.from_address} sends again.")
    else:
        pages.refused(request, f"{found.from_address} was not paused.")
    return redirect("mailbox", id)


def _check(request: HttpRequest, found: Mailbox) -> None:
    wrong = sending.check(mailbox=found, now=timezone.now())
    for sentence in wrong:
        pages.refused(request, sentence)
    if not wrong:
        pages.said(request, "Checked: both servers answer and take the login. Nothing was sent.")


def _without_secrets() -> QuerySet[Mailbox]:
    return Mailbox.objects.defer("smtp_password", "imap_password", "service_key")


def _own_name(request: HttpRequest) -> str:
    return request.user.get_full_name() if request.user.is_authenticated else ""
