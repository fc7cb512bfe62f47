"""What the parts of the campaign builder show: steps with preview and checks, windows in words, the outlook."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from django.db.models import Count, F, Func, Q, QuerySet, TextField
from django.forms import BaseForm
from django.http import HttpRequest
from django.urls import reverse

from campaigns import composing, conditions, drafting, senders
from campaigns.drafting import Content
from campaigns.models import Campaign, Message, Step
from campaigns.timings import delay_words, window_words
from campaigns.views.building_forms import StepForm
from integrations.models import Mailbox
from outreach.lib.errors import Problem
from prospects import segments
from prospects.models import Prospect
from prospects.models.people import searchable
from templates import rendering
from templates.context import CUSTOM, VARIABLES
from templates.models import TemplateVersion

READERS = 20
MOST_DAYS = 36_500  # a hundred years
SAMPLED, COLUMNS = 500, 20  # the newest people whose own columns are offered, and how many of these
REMOVED = "removed_step"
KEPT = ("channel", "needs_approval", "condition")


@dataclass(frozen=True)
class Preview:
    """What one person would read, or why nothing can be shown; `goes_on` when it stays in its thread.

    `html` is empty for a mail that goes out as plain text.
    """

    subject: str = ""
    text: str = ""
    html: str = ""
    goes_on: bool = False
    missing: str = ""


@dataclass(frozen=True)
class StepPart:
    """One step as the builder shows it."""

    content: Content
    form: StepForm
    problems: Sequence[Problem]
    preview: Preview | None
    delay: str
    window: str
    only_for: str

    @property
    def step(self) -> Step:
        """The step itself."""
        return self.content.step


def step_parts(campaign: Campaign, contents: Sequence[Content], reader: Prospect | None) -> list[StepPart]:
    """Every step with its form, its preview as the reader and what is wrong with it. No query of its own."""
    return [step_part(campaign, contents, content, reader) for content in contents]


def step_part(
    campaign: Campaign,
    contents: Sequence[Content],
    content: Content,
    reader: Prospect | None,
    form: StepForm | None = None,
) -> StepPart:
    """One step; a form that was just posted keeps what is wrong with it."""
    refused = [Problem("", sentence) for sentence in refusals(form)] if form else []
    problems = (*refused, *drafting.problems(content))
    return StepPart(
        content=content,
        form=form or StepForm(content),
        problems=problems,
        preview=preview(campaign, contents, content, reader) if reader else None,
        delay=delay_words(content.step),
        window=window_words(content.step),
        only_for=conditions.words(content.step.condition),
    )


def refusals(form: BaseForm) -> list[str]:
    """What a posted form refuses, one sentence each."""
    return [str(problem) for problems in form.errors.values() for problem in problems]


def preview(campaign: Campaign, contents: Sequence[Content], content: Content, reader: Prospect) -> Preview:
    """What they would get; a follow-up without a subject runs under that of the last message before it that has one."""
    earlier = [other for other in contents if other.step.position < content.step.position and other.subject.strip()]
    try:
        said = _rendered(campaign, content.subject, content.text, content.html, reader)
        if said.subject or not earlier:
            return Preview(subject=said.subject, text=said.text, html=said.html)
        thread = _rendered(campaign, earlier[-1].subject, "–", "", reader)
        return Preview(subject=thread.subject, text=said.text, html=said.html, goes_on=True)
    except rendering.RenderError as error:
        return Preview(missing=str(error))


def _rendered(campaign: Campaign, subject: str, text: str, html: str, reader: Prospect) -> rendering.Rendered:
    draft = TemplateVersion(subject=subject, text=text, html=html)
    return composing.preview(
        template_version=draft, prospect=reader, program=campaign.program, mailbox=campaign.mailbox
    )


def readers(campaign: Campaign, *, search: str = "", chosen: str = "") -> tuple[list[Prospect], Prospect | None]:
    """Up to 20 people of the segment to preview as, and who is chosen: the first, unless somebody was named."""
    try:
        people: QuerySet[Prospect] = segments.members(segment=campaign.segment).select_related("site")
    except segments.BadFilter:
        people = Prospect.objects.none()
    people = people.exclude(email="")
    if search:
        people = people.annotate(found=searchable()).filter(found__contains=search.upper())
    listed = list(people.order_by("-pk")[:READERS])
    named = next((person for person in listed if str(person.public_id) == chosen), None)
    if chosen and named is None and not search and (named := _person(chosen)) is not None:
        listed.insert(0, named)
    return listed, named or next(iter(listed), None)


def reader(campaign: Campaign, chosen: str) -> Prospect | None:
    """Whom the page previews as."""
    return _person(chosen) or readers(campaign)[1]


def _person(public_id: str) -> Prospect | None:
    people = Prospect.objects.select_related("site")
    return people.filter(public_id=public_id).first() if is_uuid(public_id) else None


def is_uuid(text: str) -> bool:
    """Whether a text can be a public id."""
    return len(text) == 36 and not set(text) - set("0123456789abcdef-") and text.count("-") == 4


def variables(campaign: Campaign) -> list[tuple[str, list[tuple[str, str]]]]:
    """What a message may say, in groups, each as it is written and what it means; first what the sheets brought."""
    own = [(f"{{{{ {CUSTOM}.{name} }}}}", _readable(name)) for name in _own_columns(campaign)]
    always = [(f"{{{{ {name} }}}}", meaning) for name, meaning in VARIABLES.items()]
    return [(name, each) for name, each in (("From your sheet", own), ("Always there", always)) if each]


def _own_columns(campaign: Campaign) -> list[str]:
    """The names of custom fields of the segment's newest people, as far as a list of them can be read."""
    try:
        newest = segments.members(segment=campaign.segment).order_by("-pk").values("pk")[:SAMPLED]
    except segments.BadFilter:
        return []
    keys = Func(F("custom"), function="jsonb_object_keys", output_field=TextField())
    names = Prospect.objects.filter(pk__in=newest).annotate(name=keys).values_list("name", flat=True)
    return list(names.order_by("name").distinct()[:COLUMNS])


def _readable(name: str) -> str:
    said = name.replace("_", " ").strip()
    return said[:1].upper() + said[1:]


def windows(contents: Iterable[Content]) -> list[tuple[int, str, str]]:
    """Each step's position, when it follows the one before, and its days and hours."""
    steps = [content.step for content in contents]
    return [(step.position, delay_words(step), window_words(step)) for step in steps]


@dataclass(frozen=True)
class SentToday:
    """What a mailbox has handed over on this UTC day, and may at most; `rehearsed` of it to ourselves."""

    all: int
    rehearsed: int
    cap: int


def sent_today(campaign: Campaign, now: datetime) -> list[tuple[Mailbox, SentToday]]:
    """Of each of the campaign's mailboxes. Two queries."""
    boxes, midnight = senders.of(campaign), now.replace(hour=0, minute=0, second=0, microsecond=0)
    begun = Message.objects.filter(mailbox__in=boxes, state__in=Message.BEGUN, handed_over_at__gte=midnight)
    rehearsed = Count("pk", filter=Q(campaign__rehearsal_of__isnull=False))
    rows = begun.order_by().values("mailbox").annotate(all=Count("pk"), rehearsed=rehearsed)
    found = {row["mailbox"]: (row["all"], row["rehearsed"]) for row in rows}
    today = midnight.astimezone(UTC).date()
    return [(box, SentToday(*found.get(box.pk, (0, 0)), cap=box.cap_on(today))) for box in boxes]


@dataclass(frozen=True)
class Obstacle:
    """What keeps a campaign from its launch, and where it is mended."""

    sentence: str
    link: str
    button: str


def obstacles(campaign: Campaign, contents: Sequence[Content], problems: Iterable[Problem]) -> list[Obstacle]:
    """Every problem of the pre-flight check with the place that mends it."""
    steps = {f"steps[{content.step.position}]": content.step for content in contents}
    edit = reverse("campaign-edit", args=[campaign.public_id])
    places = {
        "mailbox": (reverse("mailbox", args=[campaign.mailbox.public_id]), "Open the mailbox"),
        "program": (reverse("program-edit", args=[campaign.program.public_id]), "Open the program"),
        "public_address": (reverse("setup"), "Open the set-up"),
        "segment": (f"{edit}#who", "Choose other people"),
        "steps": (f"{edit}#what", "Add a step"),
        **{field: (f"{edit}#step-{step.public_id}", f"To step {step.position}") for field, step in steps.items()},
    }
    elsewhere = (f"{edit}#who", "Look at it")
    return [Obstacle(problem.message, *places.get(problem.field, elsewhere)) for problem in problems]


def remember(request: HttpRequest, campaign: Campaign, content: Content) -> None:
    """Keeps a step that is about to go, so that one click brings it back."""
    step = content.step
    request.session[REMOVED] = {
        "campaign": campaign.pk,
        "position": step.position,
        "subject": content.subject,
        "text": content.text,
        "html": content.html,
        "delay": step.delay,
        "delay_unit": step.delay_unit,
        "weekdays": step.weekdays,
        "window_start": step.window_start.isoformat(),
        "window_end": step.window_end.isoformat(),
        **{name: getattr(step, name) for name in KEPT},
    }


def recall(request: HttpRequest, campaign: Campaign) -> dict[str, Any] | None:
    """The step that went last, as `drafting.add_step` takes it; None when there is none of this campaign."""
    kept = request.session.pop(REMOVED, None)
    if not kept or kept["campaign"] != campaign.pk:
        return None
    window = {name: time.fromisoformat(kept[name]) for name in ("window_start", "window_end")}
    timing = {**window, **{name: kept[name] for name in ("delay", "delay_unit", "weekdays", *KEPT) if name in kept}}
    return {**{name: kept[name] for name in ("subject", "text", "html", "position")}, "timing": timing}
