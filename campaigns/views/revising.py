"""Editing a running sequence: what a new version changes, for whom, and the versions there were."""

import uuid
from collections import Counter
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.callers import caller
from campaigns import drafting, errands, revising
from campaigns.fates import Hand, Kind
from campaigns.models import Campaign, SequenceVersion
from campaigns.revising import Group, Revision
from campaigns.views import building_parts as parts
from outreach.lib import pages, words
from outreach.lib.errors import DomainError

VERSIONS = 10  # on one page
COUNTED = {
    Kind.GOES_ON: "went on in it",
    Kind.FOLLOWS: "had a mail with a server, and followed once that was settled",
    Kind.FINISHES: "had nothing left to get, and finished",
    Kind.GOES_ON_AGAIN: "had finished, and got what was added",
}


class PublishForm(forms.Form):
    """Who goes on in the new version; `seen` names what was looked at."""

    audience = forms.ChoiceField(
        choices=SequenceVersion.Audience.choices,
        initial=SequenceVersion.Audience.EVERYBODY,
        widget=forms.RadioSelect,
        label="Who gets it",
    )
    reaches_finished = forms.BooleanField(required=False)
    seen = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, revision: Revision, data: Any = None) -> None:
        super().__init__(data, initial={"seen": revision.seen})
        if revision.addable:
            label = f"Also {words.people(revision.addable)} who got every step: they get what was added behind it"
            self.fields["reaches_finished"].label = label
        else:
            del self.fields["reaches_finished"]


def _campaigns() -> QuerySet[Campaign]:
    found = Campaign.objects.filter(rehearsal_of=None).select_related("program", "segment", "mailbox")
    return found.defer("mailbox__smtp_password", "mailbox__imap_password", "mailbox__service_key")


@require_POST
def campaign_revise(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Begins a new version of the sequence, or goes on with the one that is being written."""
    campaign = get_object_or_404(_campaigns(), public_id=id)
    try:
        revising.begin(campaign=campaign, by=caller(request))
    except DomainError as error:
        pages.refused(request, error)
        return redirect("campaign", id=id)
    return redirect("campaign-edit", id=id)


@require_http_methods(["GET", "POST"])
def campaign_changes(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """What the new version changes and for how many people; publishes it for whom was chosen."""
    campaign = get_object_or_404(_campaigns(), public_id=id)
    try:
        revision = revising.look(campaign=campaign)
    except drafting.NotEditable as error:
        pages.refused(request, error)
        return redirect("campaign", id=id)
    form = PublishForm(revision, request.POST or None)
    if request.method == "POST" and form.is_valid():
        fixed = {"campaign": campaign, "now": timezone.now(), "by": caller(request), "seconds": errands.HURRY}
        if (version := pages.called(form, revising.publish, **fixed)) is not None:
            goes_on = " The others follow in the next minutes." if errands.of_campaign(campaign) else ""
            pages.said(request, f"Version {version.number} of the sequence runs. {_counted(version)}{goes_on}")
            return redirect("campaign", id=id)
        form.data = {**request.POST.dict(), "seen": revision.seen}  # what is shown now
    page = {"campaign": campaign, "revision": revision, "form": form, "ways": ways(revision), **_obstacles(revision)}
    name = "campaigns/revise/changes.html" if pages.is_part(request) else "campaigns/revise_changes.html"
    return render(request, name, {**page, "is_part": pages.is_part(request)})


def _obstacles(revision: Revision) -> dict[str, Any]:
    campaign = revision.version.campaign
    contents = drafting.contents(campaign=campaign, version=revision.version)
    return {"obstacles": parts.obstacles(campaign, contents, revision.problems) if revision.problems else []}


def _counted(version: SequenceVersion) -> str:
    said = [f"{words.people(n)} {COUNTED[Kind(kind)]}" for kind, n in version.counts.items() if n]
    return f"{'; '.join(said)}." if said else "It is for people who are enrolled from now on."


def ways(revision: Revision) -> list[tuple[int, str, str]]:
    """How many people stand where, and what comes next for them; in words, those that read the same together."""
    found: Counter[tuple[str, str]] = Counter()
    for group in revision.groups:
        if group.fate.kind != Kind.GOES_ON_AGAIN:
            found[_stands(group, revision), _goes_on(group)] += group.people
    return [(people, *said) for said, people in found.items()]


def _stands(group: Group, revision: Revision) -> str:
    version = f" of version {group.version}" if group.version != revision.before.number else ""
    if group.standing.hand == Hand.BUSY:
        return f"Step {group.position}{version} is being handed over, or nobody knows yet whether it was"
    if group.standing.hand == Hand.TRIED:
        return f"Step {group.position}{version} was not taken at once, and is tried again"
    if not group.standing.got and group.position == 1:
        return "Not written to yet"
    planned = " (planned already)" if group.standing.hand != Hand.NONE else ""
    return f"Before step {group.position}{version}{planned}"


def _goes_on(group: Group) -> str:
    then = f"step {group.next_position}" if group.next_position else "nothing more: they are finished"
    rest = len(group.fate.gets) - 1
    more = f", then {words.counted(rest, 'more step')}" if rest > 0 else ""
    if group.fate.kind == Kind.FOLLOWS:
        return f"That mail goes out as it was; then {then}{more}"
    return f"{then[:1].upper()}{then[1:]}{more}"


@require_http_methods(["GET", "POST"])
def campaign_discard(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Asks, then throws away the version that is being written."""
    campaign = get_object_or_404(_campaigns(), public_id=id)
    if request.method == "POST":
        if revising.discard(campaign=campaign):
            pages.said(request, "What was written is thrown away; the sequence runs on as it is.")
        return redirect("campaign", id=id)
    back = reverse("campaign-edit", args=[id])
    text = "What you changed here is lost. What runs goes on as it is, for everybody in the campaign."
    return pages.confirm(request, title="Throw away this new version?", text=text, button="Throw it away", back=back)


@require_safe
def campaign_versions(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """The versions that were published, the newest first, each with what it changed and for how many."""
    campaign = get_object_or_404(_campaigns(), public_id=id)
    published = SequenceVersion.objects.filter(campaign=campaign, published_at__isnull=False)
    paged = pages.paged(request, published.select_related("campaign", "published_by"), size=VERSIONS)
    rows = [(each, revising.changes_of(version=each), _counted(each)) for each in paged.rows]
    written = revising.draft(campaign=campaign)
    return render(
        request, "campaigns/versions.html", {"campaign": campaign, "paged": paged, "rows": rows, "written": written}
    )
