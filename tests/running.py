"""A running campaign over real mail servers; the fixture is known to every test through tests/conftest.py."""

from datetime import timedelta
from time import monotonic

import pytest
from django.utils import timezone

from campaigns import delivery, inbound, lifecycle, planning
from campaigns.models import Enrollment
from integrations import polling
from tests import factories

MOMENT = 1  # seconds by which a tick is late


class Running:
    """Drives a launched campaign the way the ticks do, with business time in the test's hand."""

    def __init__(self, campaign, mailbox, smtp, imap, now):
        self.campaign, self.mailbox, self.smtp, self.imap, self.now = campaign, mailbox, smtp, imap, now

    def later(self, **delta):
        self.now += timedelta(**delta)
        return self

    def tick(self, **delta):
        """One round of every tick, in the order poll, apply, plan, deliver; a moment late, as ticks are."""
        self.later(**delta).later(seconds=MOMENT)
        self.receive()
        planning.plan(now=self.now)
        return self.deliver()

    def days(self, days, *, hours=4):
        """Days on which no mail comes in: a tick every so many hours, which hands over where something is due."""
        self.receive()
        for _ in range(round(days * 24 / hours)):
            self.later(hours=hours, seconds=1)
            planning.plan(now=self.now)
            if delivery.mailboxes_with_work(now=self.now):
                self.deliver()

    def receive(self):
        polling.poll(mailbox=self.mailbox)
        return inbound.apply_waiting(now=self.now)

    def deliver(self, **options):
        """Business time goes on while a worker is at work: on a slow machine by more than the moment of a tick."""
        began = monotonic()
        done = delivery.deliver(mailbox_id=self.mailbox.pk, now=self.now, owner="test", **options)
        if (took := monotonic() - began) > MOMENT / 2:
            self.later(seconds=took)
        return done

    def deliver_from(self, mailbox):
        """What is due from another mailbox of the campaign, which is read first."""
        polling.poll(mailbox=mailbox)
        return delivery.deliver(mailbox_id=mailbox.pk, now=self.now, owner="test")

    def answers(self, raw):
        """A mail arrives in our mailbox."""
        self.imap.deliver(self.mailbox.imap_username, raw)


@pytest.fixture
def running(mailbox, smtp, imap, now):
    """`running(people=3)` launches a three-step campaign for that many new people."""

    def launch(people=1, **options):
        prospects = [factories.ProspectFactory() for _ in range(people)]
        campaign = factories.campaign(mailbox=mailbox, **options)
        mailbox.verified_at = now
        mailbox.save(update_fields=["verified_at"])
        lifecycle.launch(campaign=campaign, now=now, by=None)
        world = Running(campaign, mailbox, smtp, imap, now)
        world.prospects = prospects
        return world

    return launch


@pytest.fixture
def running_now(running):
    """As `running`, for three people who get their first mail at once, by the machine's own time."""

    def launch(**options):
        world = running(**{"people": 3, "steps": 2, **options})
        world.now = timezone.now()
        Enrollment.objects.update(due_at=world.now, look_at=world.now)
        return world

    return launch
