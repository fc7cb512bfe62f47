"""Something of everything that a page can show, without any server outside."""

from django.urls import get_resolver, reverse

from accounts import keys
from campaigns import enrolling, lifecycle, planning
from campaigns.models import Enrollment, Event, Message, Reply
from prospects.models import ImportBatch, ImportRow, Note, Suppression
from tests import factories

DRAFTS = (
    "campaign-edit",
    "campaign-save",
    "campaign-audience",
    "campaign-check",
    "campaign-launch",
    "campaign-rehearse",
)


class World:
    """Something of everything a page can show, without any server."""

    def __init__(self, now):
        self.now = now
        self.mailbox = factories.MailboxFactory(verified_at=now)
        self.campaign = self._running()
        self.draft = factories.campaign(mailbox=self.mailbox, steps=2)
        self.grow()

    def _running(self):
        factories.ProspectFactory()
        campaign = factories.campaign(mailbox=self.mailbox, steps=2)
        lifecycle.launch(campaign=campaign, now=self.now, by=None)
        planning.plan(now=self.now)
        return campaign

    def grow(self):
        """Another one of each."""
        self._running()
        enrolling.enroll_segment(campaign=self.campaign, now=self.now, by=None)
        planning.plan(now=self.now)
        factories.ProspectFactory(tags=["tea"], country="DE", source="a list")
        message = Message.objects.filter(campaign=self.campaign).order_by("-id").first()
        self.person = getattr(self, "person", message.prospect)
        Note.objects.create(prospect=self.person, text="Likes tea")
        self.message = message
        Message.objects.filter(pk=message.pk).update(
            state="uncertain", marked_at=self.now, handed_over_at=self.now, subject="Hello", text="Hello there"
        )
        event, _ = Event.record_once(
            kind="replied", message=message, occurred_at=self.now, dedupe_key=f"reply:{message.pk}"
        )
        self.reply = Reply.objects.create(
            prospect=message.prospect,
            message=message,
            event=event,
            sender=message.recipient,
            text="Yes, please",
            reply_class="positive",
            received_at=self.now,
        )
        Enrollment.objects.filter(pk=message.enrollment_id).update(state="stopped", stop_reason="replied", look_at=None)
        batch = ImportBatch.objects.create(file_name="people.csv", status="done", added=1, rejected=1)
        ImportRow.objects.create(batch=batch, line=2, reason="There is no address in this row.", values={"email": ""})
        self.batch = batch
        key = f"address:{message.pk:064}"
        Suppression.objects.create(kind="address", key=key, value=f"no{message.pk}@site.example", reason="manual")
        self.segment, self.program = factories.SegmentFactory(), factories.ProgramFactory()
        self.key, _ = keys.create_key(name="k", role="viewer", owner=factories.UserFactory(role="administrator"))

    def address(self, route):
        match get_resolver().reverse_dict.getlist(route)[0][0][0][1]:
            case []:
                return reverse(route)
            case ["id"]:
                return reverse(route, args=[self._subject(route).public_id])
            case ["id", "reason"]:
                return reverse(route, args=[self.draft.public_id, "written"])
            case ["id", "step_id"]:
                step = self.draft.current_version().steps.order_by("position").first()
                return reverse(route, args=[self.draft.public_id, step.public_id])

    def _subject(self, route):
        if route in DRAFTS or route.startswith("step"):
            return self.draft
        kinds = {
            "campaign": self.campaign,
            "rehearsal": self.campaign,
            "prospect": self.person,
            "message": self.message,
            "reply": self.reply,
            "segment": self.segment,
            "import": self.batch,
            "program": self.program,
            "mailbox": self.mailbox,
            "api": self.key,
        }
        return kinds[route.partition("-")[0]]
