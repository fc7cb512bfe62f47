"""What segments and steps can ask about that only campaigns know: clicks, answers, and which text somebody received."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from campaigns.models import Arm, Campaign, Event, Message, Reply
from integrations.ports import ReplyClass
from prospects.segments import values
from prospects.segments.fields import Choices, Field, Kind, Provider, both, provide
from prospects.segments.values import Asked
from templates.models import TemplateVersion

CLICKED, RECEIVED, ANSWERED = "clicked", "received", "answered"
LABELS = {CLICKED: "clicked in", RECEIVED: "text received from", ANSWERED: "answer to"}
GROUP = "What they got, and did"
MOST = 50  # campaigns and texts that a page offers, the newest first
GOT = (Message.State.SENT, Message.State.UNCERTAIN, Message.State.ABANDONED)  # they may have got it
CLASSES: dict[str, str] = {
    ReplyClass.POSITIVE: "interested",
    ReplyClass.QUESTION: "a question",
    ReplyClass.NEGATIVE: "not interested",
    ReplyClass.UNSUBSCRIBE: "asked us to stop",
    ReplyClass.OTHER: "something else",
}


def register() -> None:
    """Called once, when the app starts."""
    provide(Provider((CLICKED, RECEIVED, ANSWERED), GROUP, field, offered, choices, names))


def field(name: str) -> Field:
    """The field of such a name, whatever campaign its id means."""
    kind = name.partition(".")[0]
    if kind == CLICKED:
        return Field(name, LABELS[CLICKED], Kind.FLAG, both("is", _has_clicked))
    if kind == RECEIVED:
        return Field(name, LABELS[RECEIVED], Kind.CODE, {**both("is", _got), **both("in", _got_one)})
    known = tuple(CLASSES.items())
    return Field(
        name, LABELS[ANSWERED], Kind.CODE, {**both("is", _has_answered), **both("in", _has_answered_one)}, known
    )


def offered() -> Choices:
    """Each of the fields for each of the newest campaigns. One query."""
    campaigns = Campaign.objects.filter(rehearsal_of=None).order_by("-id")
    found = list(campaigns.values_list("public_id", "name")[:MOST])
    return [(f"{kind}.{id}", f"{words} {name}") for kind, words in LABELS.items() for id, name in found]


def choices(name: str) -> Choices:
    """The texts that a campaign's steps say or once said; nothing for the other fields. One query."""
    kind, _, id = name.partition(".")
    if kind != RECEIVED:
        return []
    arms = Arm.objects.filter(step__sequence_version__campaign__public_id=id)
    said = TemplateVersion.objects.filter(pk__in=arms.values("template_version")).select_related("template")
    return [(str(version.public_id), str(version)) for version in said.order_by("-id")[:MOST]]


def names(ids: Collection[UUID]) -> dict[str, str]:
    """What the ids of campaigns and texts stand for. Two queries."""
    said = TemplateVersion.objects.filter(public_id__in=ids).select_related("template")
    campaigns = Campaign.objects.filter(public_id__in=ids).values_list("public_id", "name")
    return {str(id): name for id, name in [*campaigns, *((version.public_id, str(version)) for version in said)]}


def _campaign(asked: Asked) -> str:
    return asked.field.partition(".")[2]


def _has_clicked(asked: Asked) -> Q:
    clicks = Event.objects.filter(kind=Event.Kind.CLICKED, by_machine=False, prospect=OuterRef("pk"))
    found = Q(Exists(clicks.filter(message__campaign__public_id=_campaign(asked))))
    return found if values.flag(asked.value, asked.path) else ~found


def _has_answered(asked: Asked) -> Q:
    return _answered_as(asked, [values.one_of(CLASSES, asked.value, asked.path)])


def _has_answered_one(asked: Asked) -> Q:
    said = values.texts(asked.value, asked.path)
    return _answered_as(asked, [values.one_of(CLASSES, text, f"{asked.path}[{n}]") for n, text in enumerate(said)])


def _answered_as(asked: Asked, kinds: list[str]) -> Q:
    stored = [*kinds, ""] if ReplyClass.OTHER in kinds else kinds  # of no class is something else
    answers = Reply.objects.filter(prospect=OuterRef("pk"), message__campaign__public_id=_campaign(asked))
    return Q(Exists(answers.filter(reply_class__in=stored)))


def _got(asked: Asked) -> Q:
    return _received(asked, [values.uuid(asked.value, asked.path)])


def _got_one(asked: Asked) -> Q:
    said = values.texts(asked.value, asked.path)
    return _received(asked, [values.uuid(text, f"{asked.path}[{n}]") for n, text in enumerate(said)])


def _received(asked: Asked, versions: list[UUID]) -> Q:
    theirs = Message.objects.filter(prospect=OuterRef("pk"), campaign__public_id=_campaign(asked), state__in=GOT)
    return Q(Exists(theirs.filter(template_version__public_id__in=versions)))
