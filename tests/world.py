"""Something of everything that a page can show, without any server outside."""

import io

from django.urls import get_resolver, reverse

from accounts import keys
from campaigns import drafting, enrolling, lifecycle, planning, rehearsing, revising, stopping
from campaigns.models import Enrollment, Event, Message, Reply
from integrations.ports import ReplyClass
from prospects import files, following_up, holding, merging, stages
from prospects.importing import choosing, uploading
from prospects.models import Duplicate, ImportBatch, ImportRow, Note, SavedMapping, Suppression
from tests import factories

DRAFTS = (
    "campaign-edit",
    "campaign-save",
    "campaign-audience",
    "campaign-check",
    "campaign-launch",
    "campaign-rehearse",
)
REVISED = ("campaign-revise", "campaign-changes", "campaign-discard", "campaign-versions")
WAITING_SHEETS = ("import-columns", "import-preview", "import-run")
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenfabrikationsleiterin"
HOSTILE = f'<b>Ünïcode</b> & "{LONG}"'
SHEET = f"Email;First name;{LONG}\nada@tea.example;Ada;tea\nnobody;Bo;\nada@tea.example;Ada;{LONG * 3}\n"


class World:
    """Something of everything a page can show, without any server."""

    def __init__(self, now):
        self.now = now
        self.mailbox = factories.MailboxFactory(verified_at=now)
        self.campaign = self._running()
        self.draft = factories.campaign(mailbox=self.mailbox, steps=2)
        self.revised = self._revised()
        self.grow()
        self.sheet = self._sheet()
        self.saved = SavedMapping.objects.create(name="Saved", mapping={"Email": "email"})
        self.rehearsal = self._rehearsal()

    def _running(self):
        factories.ProspectFactory()
        campaign = factories.campaign(mailbox=self.mailbox, steps=2)
        lifecycle.launch(campaign=campaign, now=self.now, by=None)
        planning.plan(now=self.now)
        return campaign

    def _revised(self):
        """One whose sequence was edited twice; the second new version is still being written."""
        campaign = self._running()
        for says in ("Otherwise", f"Anew {LONG}"):
            revising.begin(campaign=campaign, by=None)
            step = campaign.current_version().steps.order_by("position").first()
            drafting.save_text(step=step, subject=says, text=factories.TEXT)
            if says == "Otherwise":
                revising.publish(campaign=campaign, now=self.now, by=None)
        return campaign

    def _sheet(self):
        """One that was uploaded, its columns chosen, and waits."""
        sheet = uploading.store(source=io.BytesIO(SHEET.encode()), file_name=f"{LONG}.csv", by=None, now=self.now)
        choosing.choose_by_names(batch=sheet)
        return sheet

    def _rehearsal(self):
        """One whose first mail has left."""
        made = rehearsing.start(
            campaign=self.campaign, prospects=[self.person], to="me@outreach.example", now=self.now, by=None
        )
        planning.plan(now=self.now)
        handed = {"marked_at": self.now, "handed_over_at": self.now}
        Message.objects.filter(campaign=made).update(state="sent", subject="Hello", text=f"Hello {LONG}", **handed)
        return made

    def grow(self):
        """Another one of each."""
        self._running()
        enrolling.enroll_segment(campaign=self.campaign, now=self.now, by=None)
        planning.plan(now=self.now)
        factories.ProspectFactory(tags=["tea"], country="DE", source="a list")
        message = Message.objects.filter(campaign=self.campaign).order_by("-id").first()
        self.person = getattr(self, "person", message.prospect)
        Note.objects.create(prospect=self.person, text="Likes tea")
        self.file = self._relate()
        self.duplicate, self.merge = self._look_alikes()
        self.message = message
        Message.objects.filter(pk=message.pk).update(
            state="uncertain", marked_at=self.now, handed_over_at=self.now, subject="Hello", text="Hello there"
        )
        self.reply = self._answered(message, "positive", "Yes, please")
        batch = ImportBatch.objects.create(file_name="people.csv", status="done", added=1, rejected=1)
        ImportRow.objects.create(batch=batch, line=2, reason="There is no address in this row.", values={"email": ""})
        self.batch = batch
        key = f"address:{message.pk:064}"
        value = f"no{message.pk}@site.example"
        self.suppression = Suppression.objects.create(kind="address", key=key, value=value, reason="manual")
        self.segment, self.program = factories.SegmentFactory(), factories.ProgramFactory()
        self.key, _ = keys.create_key(name="k", role="viewer", owner=factories.UserFactory(role="administrator"))

    def _relate(self):
        """A next step that is overdue, a stage and a file."""
        following_up.set_next_step(prospect=self.person, text="Call them", due=self.now.date(), by=None)
        program, why = factories.ProgramFactory(), "They said so on the telephone"
        stages.move(prospect=self.person, program=program, to="negotiating", why=why, by=None, now=self.now)
        kept = {"name": f"{LONG}.pdf", "content_type": "application/pdf", "source": io.BytesIO(b"%PDF"), "by": None}
        return files.keep_file(prospect=self.person, **kept)

    def _look_alikes(self):
        """Two rows that may be one person, and two that were found to be one."""
        first, second, survivor, merged = (factories.ProspectFactory() for _ in range(4))
        duplicate = Duplicate.objects.create(first=first, second=second, reason="Same name at the same site", score=0.9)
        return duplicate, merging.merge(survivor=survivor, merged=merged, by=None, now=self.now)

    def _answered(self, message, kind, text):
        event, _ = Event.record_once(
            kind="replied", message=message, occurred_at=self.now, dedupe_key=f"reply:{message.pk}:{kind}"
        )
        Enrollment.objects.filter(pk=message.enrollment_id).update(state="stopped", stop_reason="replied", look_at=None)
        return Reply.objects.create(
            prospect=message.prospect,
            message=message,
            event=event,
            sender=message.recipient,
            text=text,
            reply_class=kind,
            received_at=self.now,
        )

    def address(self, route):
        match get_resolver().reverse_dict.getlist(route)[0][0][0][1]:
            case []:
                return reverse(route)
            case ["id"]:
                return reverse(route, args=[self._subject(route).public_id])
            case ["person_id"]:
                return reverse(route, args=[self.key.owner_id])
            case ["id", "campaign_id"]:
                return reverse(route, args=[self.message.prospect.public_id, self.message.campaign.public_id])
            case ["id", "reason"]:
                return reverse(route, args=[self.draft.public_id, "written"])
            case ["id", "other"]:
                return reverse(route, args=[self.duplicate.first.public_id, self.duplicate.second.public_id])
            case ["id", "step_id"]:
                step = self.draft.current_version().steps.order_by("position").first()
                return reverse(route, args=[self.draft.public_id, step.public_id])

    def _subject(self, route):
        if route in DRAFTS or route.startswith("step"):
            return self.draft
        if route in REVISED:
            return self.revised
        if route in WAITING_SHEETS:
            return self.sheet
        kinds = {
            "campaign": self.campaign,
            "rehearsal": self.rehearsal,
            "prospect": self.person,
            "message": self.message,
            "task": self.message,
            "reply": self.reply,
            "suppression": self.suppression,
            "segment": self.segment,
            "import": self.batch,
            "saved": self.saved,
            "program": self.program,
            "mailbox": self.mailbox,
            "api": self.key,
            "file": self.file,
            "site": self.person.site,
            "duplicate": self.duplicate,
            "merge": self.merge,
        }
        return kinds[route.partition("-")[0]]


class OddWorld(World):
    """With what makes pages ugly: long words, markup in names, people who must not be written to, answers of all kinds.

    Its odd person, campaign and mailbox are the ones that the pages of one subject are about.
    """

    def __init__(self, now):
        super().__init__(now)
        self.person = self._odd_person()
        held, stopped = factories.ProspectFactory(time_zone="Asia/Tokyo"), factories.ProspectFactory()
        enrolling.enroll_segment(campaign=self.campaign, now=now, by=None)
        planning.plan(now=now)
        holding.hold(prospect_ids=[held.pk], reason=f"Asked to wait, {LONG}", by=None)
        stopping.stop_person(prospect=stopped, reason="A competitor")
        self.message = Message.objects.filter(campaign=self.campaign, prospect=self.person).get()
        for kind in ReplyClass:
            self.reply = self._answered(self.message, kind, f"{HOSTILE} {LONG * 3}\n\nYours" * 3)
        Reply.objects.filter(pk=self.reply.pk).update(read_at=now)
        self._idle_ones()
        self.rehearsal = self._rehearsal()

    def _odd_person(self):
        return factories.ProspectFactory(
            email=f"{'a' * 60}@{'long-' * 10}site.example",
            first_name=HOSTILE,
            last_name=LONG,
            company=HOSTILE,
            job_title=LONG,
            tags=[LONG[:50], "tea", "pots", "cups", "herbs"],
            source=HOSTILE,
            country="DE",
            time_zone="America/Argentina/ComodRivadavia",
            custom={"what_they_write_about": f"{LONG} " * 20},
        )

    def _idle_ones(self):
        paused = factories.campaign(mailbox=self.mailbox, steps=1, name=f"Spring {LONG}")
        lifecycle.launch(campaign=paused, now=self.now, by=None)
        lifecycle.pause(campaign=paused, by=None)
        self.mailbox = factories.MailboxFactory(name=LONG, from_address=f"{'b' * 60}@{'long-' * 10}site.example")
        self.mailbox.pause(reason=f"The password was refused, {LONG}")
        self.program = factories.ProgramFactory(name=LONG, merchant=LONG, postal_address="")
        self.segment = factories.SegmentFactory(name=HOSTILE[:100])
