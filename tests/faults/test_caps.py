"""Many planners and many workers at once, some killed: caps and daily limits are used up exactly, and never passed."""

import random
import threading
from collections import Counter
from datetime import UTC, datetime, time, timedelta

import pytest

from campaigns import enrolling, lifecycle, senders
from campaigns.models import Enrollment, Message
from campaigns.rules import ruling
from integrations.models import Mailbox
from tests import factories
from tests.faults import workers
from tests.faults.rig import MARKS, Rig, bury, slowly, standing_still

pytestmark = pytest.mark.django_db(transaction=True)

CAP, LIMIT = 37, 20
LEASE = 2  # seconds
DAY = timedelta(days=1)


@pytest.fixture
def shared(running, smtp, imap):
    """Two campaigns that write from the same mailboxes to enough people of their own; the first has a daily limit."""

    def launch(*, mailboxes, days):
        world = running(people=mailboxes * CAP * (days + 1), steps=1)
        world.boxes = [world.mailbox, *(factories.mailbox_on(smtp, imap) for _ in range(mailboxes - 1))]
        Mailbox.objects.update(daily_cap=CAP, verified_at=world.now)
        mine = set(Enrollment.objects.values_list("prospect", flat=True))
        for _ in range(LIMIT * (days + 2)):
            factories.ProspectFactory()
        limited = factories.campaign(mailbox=world.boxes[0], steps=1, more_mailboxes=world.boxes[1:], daily_limit=LIMIT)
        lifecycle.launch(campaign=limited, now=world.now, by=None)
        Enrollment.objects.filter(campaign=limited, prospect__in=mine).delete()
        senders.set_further(campaign=world.campaign, mailboxes=world.boxes[1:])
        senders.share_out(campaign=world.campaign, now=world.now)
        world.limited, world.rig, world.killed = limited, Rig(world), 0
        return world

    return launch


class Crew:
    """So many children that do one job; whoever dies, or is done, is followed by another."""

    def __init__(self, size, job, **given):
        self.job, self.given = job, given
        self.alive = [workers.start(job, **given) for _ in range(size)]

    def kill(self, place):
        victim = self.alive[place % len(self.alive)]
        lived = victim.exitcode is None
        victim.kill()
        victim.join()
        return lived

    def renew(self):
        for place, child in enumerate(self.alive):
            if child.exitcode is not None:
                self.alive[place] = workers.start(self.job, **self.given)

    def end(self):
        for child in self.alive:
            child.kill()
            child.join()


def begun(day):
    midnight = datetime.combine(day, time(0), UTC)
    rows = Message.objects.filter(
        state__in=Message.BEGUN, handed_over_at__gte=midnight, handed_over_at__lt=midnight + DAY
    )
    return Counter(rows.values_list("mailbox", flat=True)), Counter(rows.values_list("campaign", flat=True))


@pytest.mark.parametrize(
    ("planners", "crew", "mailboxes", "days", "every"),
    [
        pytest.param(2, 2, 2, 1, 1.0, id="2 planners, 2 workers"),
        pytest.param(50, 20, 6, 3, 1.0, id="50 planners, 20 workers, one killed every second", marks=pytest.mark.prove),
    ],
)
def test_every_mailbox_sends_exactly_its_cap_of_each_day(shared, planners, crew, mailboxes, days, every):
    world, chance, never = shared(mailboxes=mailboxes, days=days), random.Random(5), threading.Event()
    world.smtp.behaviour = slowly(0.02)
    for number in range(days):
        planning = Crew(planners, workers.plan_often, now=world.now, times=50)
        sending = Crew(crew, workers.deliver_all, now=world.now, lease_seconds=LEASE)
        day, full = world.now.date(), dict.fromkeys([box.pk for box in world.boxes], CAP)
        for _ in range(120):
            never.wait(every)
            by_mailbox, _ = begun(day)
            with standing_still([*planning.alive, *sending.alive]):
                world.rig.allowed = (world.killed + crew) * MARKS
                world.rig.check()
            if by_mailbox == full:
                break
            world.killed += sending.kill(chance.randrange(crew))
            planning.kill(chance.randrange(planners))
            planning.renew()
            sending.renew()
        planning.end()
        sending.end()
        bury()
        assert begun(day) == (full, {world.limited.pk: LIMIT, world.campaign.pk: mailboxes * CAP - LIMIT}), number
        world.killed += crew  # whoever was at it when the day ended
        world.now = datetime.combine(day + DAY, time(0, 30), UTC)
    sent = Counter(mail.recipient for mail in world.smtp.received)
    assert max(sent.values()) == 1
    assert sent.total() >= days * mailboxes * CAP - world.killed * MARKS
    world.rig.check()


@pytest.fixture
def side_by_side(running):
    """Two campaigns to the same people, three at each site, of whom one may be written to in three days."""

    def launch(*, sites):
        world = running(people=1, steps=1)
        for number in range(sites * 3):
            factories.ProspectFactory(email=f"p{number}@shared{number % sites}.example")
        other = factories.campaign(mailbox=world.mailbox, steps=1)
        lifecycle.launch(campaign=other, now=world.now, by=None)
        enrolling.enroll_segment(campaign=world.campaign, now=world.now, by=None)
        ruling.change(now=world.now, person_days=3, site_days=3, exclusive="site")
        world.rig = Rig(world)
        return world

    return launch


@pytest.mark.parametrize(
    ("planners", "crew", "sites", "every"),
    [
        pytest.param(2, 2, 6, 0.5, id="2 planners, 2 workers"),
        pytest.param(50, 20, 100, 1.0, id="50 planners, 20 workers, one killed every second", marks=pytest.mark.prove),
    ],
)
def test_two_campaigns_never_touch_one_site_at_once(side_by_side, planners, crew, sites, every):
    world, chance, never = side_by_side(sites=sites), random.Random(7), threading.Event()
    world.smtp.behaviour = slowly(0.02)
    planning = Crew(planners, workers.plan_often, now=world.now, times=20)
    sending = Crew(crew, workers.deliver_all, now=world.now, lease_seconds=LEASE)
    for _ in range(60):
        never.wait(every)
        waiting = Message.objects.filter(state="planned")
        if Message.objects.filter(state__in=Message.BEGUN).count() > sites and not waiting.exists():
            break
        sending.kill(chance.randrange(crew))
        planning.kill(chance.randrange(planners))
        planning.renew()
        sending.renew()
    planning.end()
    sending.end()
    bury()
    touched = Counter(Message.objects.filter(state__in=Message.BEGUN).values_list("prospect__site__domain", flat=True))
    assert len(touched) == sites + 1
    assert set(touched.values()) == {1}
    assert max(Counter(mail.recipient.partition("@")[2] for mail in world.smtp.received).values()) == 1
