"""Telling a person what is held about them, and forgetting them."""

import json
from typing import Any

from django import forms
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.callers import caller
from campaigns import privacy
from campaigns.models import Message
from outreach.lib import pages
from outreach.lib.errors import DomainError
from outreach.lib.words import counted
from prospects.models import Prospect
from prospects.privacy import everything_of


class EraseForm(forms.Form):
    reason = forms.CharField(
        max_length=privacy.LONGEST_REASON,
        label="Why",
        help_text="Such as “asked us by mail on 3 May”. It is kept, so don't name the person.",
    )


@require_POST
def prospect_export(request: HttpRequest, id: Any) -> HttpResponse:
    """One file with all that is held about a person, to hand to them."""
    person = get_object_or_404(Prospect, public_id=id)
    try:
        found = privacy.export_person(prospect=person, by=caller(request), now=timezone.now())
    except DomainError as error:
        pages.refused(request, error)
        return pages.back_to(request, reverse("prospect", args=[person.public_id]))
    text = json.dumps(found, cls=DjangoJSONEncoder, indent=1, ensure_ascii=False)
    name = f"person-{person.public_id}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(text, content_type="application/json", headers=headers)


@require_http_methods(["GET", "POST"])
def prospect_erase(request: HttpRequest, id: Any) -> HttpResponse:
    """Says what goes and what stays, asks why, then forgets the person."""
    person = get_object_or_404(Prospect, public_id=id)
    form = EraseForm(request.POST if request.method == "POST" else None)
    try:
        rows = everything_of(people=[person])
        if request.method == "POST" and form.is_valid():
            privacy.erase(prospect=person, by=caller(request), now=timezone.now(), **form.cleaned_data)
            pages.said(request, "They are forgotten, and no import brings them back.")
            return pages.back_to(request, reverse("prospects"))
    except DomainError as error:
        pages.refused(request, error)
        return pages.back_to(request, reverse("prospect", args=[person.public_id]))
    return pages.confirm(
        request,
        title=f"Forget {person} for good?",
        text=_what_goes(rows),
        button="Forget them for good",
        back=reverse("prospect", args=[person.public_id]),
        form=form,
    )


def _what_goes(rows: list[Prospect]) -> str:
    sent = Message.objects.filter(prospect__in=rows, handed_over_at__isnull=False, campaign__rehearsal_of=None).count()
    merged = f", and {counted(len(rows) - 1, 'row')} that had been merged with theirs" if len(rows) > 1 else ""
    stay = f"{counted(sent, 'mail')} {'stays' if sent == 1 else 'stay'} counted, without text and without a name. "
    return (
        f"All that is known of them goes: notes, files, answers, the texts they got{merged}. What is planned is "
        f"cancelled. {stay if sent else ''}Of their addresses and pages only a code stays that nobody can read, so "
        "that no import brings them back. Nobody can undo this. If they want to know what you hold, export it before."
    )
