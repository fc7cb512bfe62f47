"""A database that is put back at any moment: sending goes on once a person has confirmed, and nobody gets a mail twice,
or one after their no.
"""

from collections import Counter

import pytest
from hypothesis import Phase
from hypothesis import settings as how
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from campaigns import enrolling, guards, planning, reconciling, restoring, stopping
from campaigns.models import Enrollment, Message
from prospects.models import Prospect
from tests import factories
from tests.campaigns import mails

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.prove]

STEPS = 3
EXAMPLES = 3
some = st.integers(0, 5)


class Restores(RuleBasedStateMachine):
    """Work, noes, backups and restores in any order; the mail server's log is the truth and is never put back."""

    def __init__(self, begin, backup):
        super().__init__()
        self.world, self.backup = begin(), backup
        self.copy, self.said_no, self.silent_at = None, {}, None

    @property
    def received(self):
        return self.world.smtp.received

    @rule(limit=st.sampled_from([1, 2, None]))
    def work(self, limit):
        """Every tick once, the heartbeat last."""
        self.world.later(seconds=1).receive()
        self.hand_over(limit)
        self.beat()

    @rule(limit=st.sampled_from([1, 3]))
    def hand_over(self, limit):
        """As far as it comes before the heartbeat."""
        planning.plan(now=self.world.now)
        self.world.deliver(limit=limit)

    @rule()
    def beat(self):
        guards.beat(now=self.world.now)

    @rule(which=some, how=st.sampled_from(["link", "answer"]))
    def say_no_to_a_mail(self, which, how):
        """One that the database knows."""
        known = Message.objects.filter(message_id__in=[mail.message_id for mail in self.received])
        found = known.select_related("prospect", "campaign", "mailbox").order_by("id")
        if message := found[which % len(found)] if found else None:
            if how == "link":
                stopping.unsubscribe(message=message, source="one-click", now=self.world.now)
            else:
                self.world.answers(
                    mails.reply(message, sender=message.recipient, text=f"No thanks {len(self.said_no)}")
                )
                self.world.receive()
            self._said_no(message.recipient)

    @rule(which=some, how=st.sampled_from(["telephone", "domain"]))
    def say_no_otherwise(self, which, how):
        people = Prospect.objects.order_by("id")
        person = people[which % len(people)]
        if how == "telephone":
            stopping.stop_person(prospect=person, reason="asked")
        else:
            stopping.suppress(kind="domain", value=person.email.partition("@")[2], reason="declined")
        self._said_no(person.email)

    def _said_no(self, email):
        self.said_no.setdefault(email, len(self.received))

    @rule()
    def enroll_somebody(self):
        """Somebody who said no and whom the backup does not know comes back too, in the next import."""
        forgotten = sorted(self.said_no.keys() - set(Prospect.objects.values_list("email", flat=True)))
        if forgotten or Prospect.objects.count() < 6:
            factories.ProspectFactory(**({"email": forgotten[0]} if forgotten else {}))
            enrolling.enroll_segment(campaign=self.world.campaign, now=self.world.now, by=None)

    @rule()
    def back_up(self):
        if self.copy:
            self.copy.forget()
        self.copy = self.backup()

    @precondition(lambda self: self.copy)
    @rule()
    def restore(self):
        self.copy.restore(again=True)
        self.world.later(seconds=1)  # it takes a while
        self.silent_at = len(self.received)

    @precondition(lambda self: self.silent_at is not None)
    @rule()
    def confirm(self):
        assert guards.look()
        restoring.settle(restored=True, now=self.world.now, by=None)
        self.silent_at = None
        self.beat()  # which notes it beside the database: a copy of the seconds before that is not told from a move

    @rule(which=some)
    def reconcile(self, which):
        """What arrived is proven; of the rest somebody says that it never left."""
        if unsure := Message.objects.filter(state__in=("uncertain", "abandoned")).order_by("id"):
            message = unsure[which % len(unsure)]
            if message.message_id in {mail.message_id for mail in self.received}:
                reconciling.proven_sent(message=message)
            elif message.state == "uncertain":
                reconciling.decide(message=message, sent=False, note="", by=None)

    @invariant()
    def nobody_gets_a_mail_twice(self):
        assert set(Counter(mail.message_id for mail in self.received).values()) <= {1}

    @invariant()
    def nobody_gets_a_mail_after_their_no(self):
        for email, since in self.said_no.items():
            assert email not in {mail.recipient for mail in self.received[since:]}

    @invariant()
    def nothing_leaves_before_somebody_confirms(self):
        assert self.silent_at in (None, len(self.received))

    @invariant()
    def everybody_has_one_thing_that_comes_next(self):
        for way in Enrollment.objects.filter(state="active"):
            waits = Message.objects.filter(enrollment=way, state__in=("planned", "sending", "uncertain")).count()
            assert waits + (way.look_at is not None) == 1

    def teardown(self):
        if self.copy:
            self.copy.forget()


def test_a_restore_at_any_moment_repeats_nothing_and_forgets_no_no(running_now, backup, smtp, settings, tmp_path):
    pristine, examples = backup(), iter(range(10_000))

    def begin():
        pristine.restore(again=True)
        smtp.received.clear()
        settings.SAFETY_DIR = tmp_path / str(next(examples))
        world = running_now(people=3, steps=STEPS, delay=0, delay_unit="minutes")
        guards.beat(now=world.now)
        return world

    phases = [Phase.reuse, Phase.generate]  # a step takes a third of a second: too long for a search for fewer
    chosen = how(max_examples=EXAMPLES, stateful_step_count=30, deadline=None, phases=phases)
    run_state_machine_as_test(lambda: Restores(begin, backup), settings=chosen)
