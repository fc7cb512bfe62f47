"""What is kept about the relationship with one person: owner, protection, next step, stage, files, proof."""

import json
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_POST

from accounts.callers import caller, role_of
from campaigns import proof
from campaigns.views.forms import OwnerForm, StageForm
from outreach.lib import pages
from outreach.lib.errors import DomainError
from prospects import files, following_up, owning, protecting, stages
from prospects.models import File, Prospect, Stage


class NextStepForm(forms.Form):
    text = forms.CharField(max_length=following_up.LONGEST, label="What is to be done")
    due = forms.DateField(label="By", widget=forms.DateInput(attrs={"type": "date"}))


def _person(id: Any) -> Prospect:
    return get_object_or_404(Prospect.objects.present().select_related("site", "owner"), public_id=id)


def _home(person: Prospect) -> str:
    return reverse("prospect", args=[person.public_id])


def _ask_again(request: HttpRequest, person: Prospect, form: forms.Form, title: str) -> HttpResponse:
    """What was typed, with what is wrong beside it."""
    return pages.confirm(request, title=title, text="", button="Keep it", back=_home(person), danger=False, form=form)


@require_POST
def prospect_owner(request: HttpRequest, id: Any) -> HttpResponse:
    """Says who looks after them; undo gives them back."""
    person, form = _person(id), OwnerForm(request.POST)
    if not form.is_valid():
        return _ask_again(request, person, form, f"Who looks after {person}?")
    owner, by = form.cleaned_data["owner"], caller(request)
    try:
        given = owning.give(prospect=person, owner=owner, by=by, role=role_of(by))
    except DomainError as error:
        pages.refused(request, error)
        return pages.back_to(request, _home(person))
    if given:
        pages.said(request, f"{owner or 'Nobody'} looks after {person} now.")
    return pages.back_to(request, _home(person))


@require_POST
def prospect_protect(request: HttpRequest, id: Any) -> HttpResponse:
    """No campaign writes to them before their owner was asked; whoever may lift it can take it back at once."""
    person = _person(id)
    if protecting.protect(prospect_ids=[person.pk]):
        by, who = caller(request), person.owner or "a manager"
        lifts = protecting.may_lift(owner_id=person.owner_id, by=by, role=role_of(by))
        undo = reverse("prospect-unprotect", args=[person.public_id]) if lifts else ""
        pages.said(request, f"{person} is protected: no campaign writes to them before {who} lifts it.", undo=undo)
    return pages.back_to(request, _home(person))


@require_POST
def prospect_unprotect(request: HttpRequest, id: Any) -> HttpResponse:
    """Their owner or a manager lifts it; undo protects again."""
    person, by = _person(id), caller(request)
    try:
        lifted = protecting.unprotect(prospect=person, by=by, role=role_of(by))
    except DomainError as error:
        pages.refused(request, error)
        return pages.back_to(request, _home(person))
    if lifted:
        undo = reverse("prospect-protect", args=[person.public_id])
        pages.said(request, f"{person} is not protected any more: what was held goes on.", undo=undo)
    return pages.back_to(request, _home(person))


@require_POST
def prospect_next_step(request: HttpRequest, id: Any) -> HttpResponse:
    """Keeps what is to be done, and by when."""
    person, form = _person(id), NextStepForm(request.POST)
    kept = None
    if form.is_valid():
        kept = pages.called(form, following_up.set_next_step, prospect=person, by=caller(request))
    if kept is not None:
        pages.said(request, "The next step is kept. It stands on Today when it is due.")
        return pages.back_to(request, _home(person))
    return _ask_again(request, person, form, f"The next step with {person}")


@require_POST
def prospect_next_step_done(request: HttpRequest, id: Any) -> HttpResponse:
    """Takes the step off, and notes that it was done."""
    person = _person(id)
    if following_up.done(prospect=person, by=caller(request)):
        pages.said(request, "Done, and noted.")
    return pages.back_to(request, _home(person))


@require_POST
def prospect_stage(request: HttpRequest, id: Any) -> HttpResponse:
    """Moves them in one program."""
    person, form = _person(id), StageForm(request.POST)
    if not form.is_valid():
        return _ask_again(request, person, form, f"The stage of {person}")
    said = form.cleaned_data
    common = {"prospect": person, "program": said["program"], "by": caller(request), "now": timezone.now()}
    if stages.move(to=said["stage"], why=said["why"], **common):
        words = Stage.Name(said["stage"]).label.lower()
        pages.said(request, f"{person} is {words} in {said['program']} now.")
    return pages.back_to(request, _home(person))


@require_POST
def prospect_file_add(request: HttpRequest, id: Any) -> HttpResponse:
    """Keeps a file."""
    person, sent = _person(id), request.FILES.get("file")
    if sent is None:
        pages.refused(request, "Choose a file first.")
        return pages.back_to(request, _home(person))
    named = {"name": sent.name or "", "content_type": sent.content_type or ""}
    try:
        kept = files.keep_file(prospect=person, source=sent, by=caller(request), **named)
    except DomainError as error:
        pages.refused(request, error)
    else:
        pages.said(request, f"{kept.name} is kept.")
    return pages.back_to(request, _home(person))


def file(request: HttpRequest, id: Any) -> HttpResponse:
    """A download, whatever the file claims to be: nothing in it is shown or run here."""
    kept = get_object_or_404(File.objects.filter(prospect__erased_at=None), public_id=id)
    return _download(bytes(kept.data), kept.name, "application/octet-stream")


@require_http_methods(["GET", "POST"])
def file_delete(request: HttpRequest, id: Any) -> HttpResponse:
    """Asks, then deletes it."""
    kept = get_object_or_404(File.objects.defer("data").select_related("prospect"), public_id=id)
    home = _home(kept.prospect)
    if request.method == "POST":
        files.delete_file(file=kept)
        pages.said(request, f"{kept.name} is deleted.")
        return pages.back_to(request, home)
    return pages.confirm(
        request,
        title=f"Delete {kept.name}?",
        text=f"It is about {kept.prospect}. It can't be brought back.",
        button="Delete the file",
        back=home,
    )


@require_POST
def prospect_proof(request: HttpRequest, id: Any) -> HttpResponse:
    """The proof file, to read or as JSON (`format`). Also of a row that was merged away, or erased."""
    person = get_object_or_404(Prospect, public_id=id)
    made = proof.prove(prospect=person, by=caller(request), now=timezone.now())
    if request.POST.get("format") == "json":
        text = json.dumps(made, ensure_ascii=False, indent=1)
        return _download(text.encode(), f"proof-{person.public_id}.json", "application/json")
    return _download(proof.as_html(made).encode(), f"proof-{person.public_id}.html", "text/html; charset=utf-8")


def _download(data: bytes, name: str, content_type: str) -> HttpResponse:
    headers = {
        "Content-Disposition": content_disposition_header(True, name) or "attachment",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(data, content_type=content_type, headers=headers)
