"""The life of a message in any order of plan, claim, mark, outcome, death, stop and merge, against the invariants."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from campaigns import batches, enrolling, ledger, lifecycle, merging, outcomes, planning, reconciling, stopping
from campaigns.ledger import Said
from campaigns.models import Message
from integrations import leases
from integrations.ports import Fault, Outcome, Phase, Verdict
from prospects import merging as people
from prospects import suppression
from prospects.models import Prospect
from tests import factories
from tests.amounts import PROVING
from tests.faults.rig import Rig, bury

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
workers = st.sampled_from(["first", "second"])
some = st.integers(0, 3)
ENDS = {
    "accepted": Outcome(Verdict.ACCEPTED, Phase.ACCEPTED, 250),
    "unknown": Outcome(Verdict.UNKNOWN, Phase.DOT_SENT),
    "deferred": Outcome(Verdict.DEFERRED, Phase.RCPT, 451, "4.7.1"),
    "withheld": Outcome(Verdict.WITHHELD, Phase.RCPT),
    "no such person": Outcome(Verdict.REFUSED, Phase.RCPT, 550, "5.1.1", fault=Fault.RECIPIENT),
    "not wanted": Outcome(Verdict.REFUSED, Phase.DOT_SENT, 554, "5.6.0", fault=Fault.CONTENT),
}
TAKEN = ("accepted", "unknown")  # ways to end for a mail that has arrived


@dataclass
class Hand:
    """A marked message on its worker's connection."""

    worker: str
    token: int
    job: batches.Job
    arrived: bool = False


@dataclass(frozen=True)
class Mail:
    """What the receiving server took."""

    message_id: str
    recipient: str
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Life(RuleBasedStateMachine):
    """Two workers that may be overtaken or die, and everybody else who has a say; one statement after the other."""

    def __init__(self):
        super().__init__()
        self.everything = transaction.atomic()
        self.everything.__enter__()
        self.now = NOON
        self.mailbox = factories.MailboxFactory(verified_at=NOON, daily_cap=5)
        self.people = [factories.ProspectFactory() for _ in range(4)]
        self.campaign = factories.campaign(mailbox=self.mailbox, steps=2)
        lifecycle.launch(campaign=self.campaign, now=NOON, by=None)
        self.tokens, self.claims, self.hands, self.doubts = {}, {}, {}, 0
        self.sink = SimpleNamespace(received=[])
        self.rig = Rig(SimpleNamespace(smtp=self.sink))

    def teardown(self):
        transaction.set_rollback(True)
        self.everything.__exit__(None, None, None)

    @rule()
    def plan(self):
        planning.plan(now=self.now)

    @rule(hours=st.sampled_from([1, 30]))
    def wait(self, hours):
        self.now += timedelta(hours=hours)
        planning.plan(now=self.now)

    @rule()
    def enroll_somebody(self):
        if len(self.people) < 6:
            self.people.append(factories.ProspectFactory())
            enrolling.enroll_segment(campaign=self.campaign, now=self.now, by=None)

    @rule(worker=workers)
    def take(self, worker):
        if token := leases.take(mailbox_id=self.mailbox.pk, owner=worker):
            self.tokens[worker] = token
            self.claims[worker] = {}
            ledger.settle(mailbox_id=self.mailbox.pk, token=token)

    @rule()
    def let_the_lease_end(self):
        bury()

    @precondition(lambda self: self.tokens)
    @rule(worker=workers, most=st.integers(1, 4))
    def claim(self, worker, most):
        if token := self.tokens.get(worker):
            left = self.mailbox.daily_cap - ledger.begun_since(
                mailbox_id=self.mailbox.pk, since=self.now.replace(hour=0, minute=0)
            )
            held = self.claims[worker]
            limit = max(0, min(most, left - len(held)))
            ids = ledger.claim(mailbox_id=self.mailbox.pk, token=token, now=self.now, limit=limit, held=held)
            held |= {job.message.pk: job for job in batches.prepare(message_ids=ids, now=self.now) if job.composed}

    @precondition(lambda self: self.tokens)
    @rule(worker=workers, which=some)
    def mark(self, worker, which):
        """What the worker has claimed, by the token that it has: an overtaken one must not get it."""
        claims, token = self.claims.get(worker), self.tokens.get(worker)
        if not claims or token is None:
            return
        job = claims.pop(sorted(claims)[which % len(claims)])
        pk = job.message.pk
        if ledger.mark(said=[Said(pk, job.message.version, "s", "t", "")], token=token, now=self.now):
            assert pk not in self.hands or self.hands[pk].token != token
            self.hands[pk] = Hand(worker, token, job)

    @precondition(lambda self: self.hands)
    @rule(which=some)
    def arrive(self, which):
        pk, hand = self._hand(which)
        if not hand.arrived:
            hand.arrived = True
            message = Message.objects.get(pk=pk)
            self.sink.received.append(Mail(message.message_id, message.recipient))

    @precondition(lambda self: self.hands)
    @rule(which=some, how=st.sampled_from(sorted(ENDS)))
    def end(self, which, how):
        pk, hand = self._hand(which)
        if hand.arrived != (how in TAKEN) and how != "unknown":
            return
        del self.hands[pk]
        self.doubts += how == "unknown"
        outcomes.apply(job=hand.job, outcome=ENDS[how], token=hand.token, now=self.now, mailbox=self.mailbox)

    @rule(worker=workers)
    def die(self, worker):
        self.tokens.pop(worker, None)
        lost = [pk for pk, hand in self.hands.items() if hand.worker == worker]
        self.doubts += len(lost)
        for pk in lost:
            del self.hands[pk]

    @rule(worker=workers)
    def release(self, worker):
        if worker in self.tokens and not any(hand.worker == worker for hand in self.hands.values()):
            token = self.tokens.pop(worker)
            ledger.release(mailbox_id=self.mailbox.pk, token=token)
            leases.release(mailbox_id=self.mailbox.pk, token=token)

    @rule(who=some, how=st.sampled_from(["person", "unsubscribe", "domain", "reply"]))
    def say_no(self, who, how):
        person = self.people[who]
        message = Message.objects.filter(prospect=person).first()
        match how:
            case "unsubscribe" if message:
                stopping.unsubscribe(message=message, source="test", now=self.now)
            case "domain":
                stopping.suppress(kind="domain", value=person.email.partition("@")[2], reason="manual")
            case "reply":
                stopping.stop_enrollments(prospect=person, reason="replied")
            case _:
                stopping.stop_person(prospect=person, reason="asked")
        self.rig.stopped(person)

    @rule(stopped=st.booleans())
    def stop_everything(self, stopped):
        self.rig.resumed()
        stopping.resume_all(by=None)
        if stopped:
            stopping.stop_all(by=None)
            self.rig.stopped()

    @rule(pair=st.sampled_from([(0, 1), (2, 1), (3, 0)]))
    def merge(self, pair):
        survivor, merged = (Prospect.objects.get(pk=self.people[each].pk) for each in pair)
        try:
            people.merge(survivor=survivor, merged=merged, by=None, now=self.now)
        except people.CannotMerge:
            return
        self.rig.stopped(merged)

    @rule()
    def apply_merges(self):
        merging.apply_waiting()

    @rule(which=some)
    def prove_sent(self, which):
        arrived = [mail.message_id for mail in self.sink.received]
        if message := self._some(which, state__in=("uncertain", "abandoned"), message_id__in=arrived):
            reconciling.proven_sent(message=message)

    @rule()
    def give_up(self):
        reconciling.abandon_old(now=self.now)

    @invariant()
    def everything_holds(self):
        self.rig.allowed = self.doubts + len(self.hands)
        self.rig.check()

    def _some(self, which, **states):
        found = list(Message.objects.filter(**states).order_by("id").select_related("prospect", "campaign"))
        return found[which % len(found)] if found else None

    def _hand(self, which):
        return sorted(self.hands.items(), key=lambda item: item[0])[which % len(self.hands)]


def test_any_order_of_events_keeps_every_invariant():
    examples, steps = (50, 50) if PROVING else (4, 40)
    chosen = settings(max_examples=examples, stateful_step_count=steps, deadline=None)
    run_state_machine_as_test(Life, settings=chosen)


@pytest.mark.parametrize("how", ["verb", "list"])
def test_a_no_to_the_other_half_of_a_merged_person_cancels_what_was_planned(how):
    """Found by the machine above: the way ended, and its message waited for the next sweep."""
    life = Life()
    try:
        life.plan()
        life.merge((0, 1))
        if how == "verb":
            life.say_no(0, "domain")
        else:
            key = suppression.named(kind="domain", value=life.people[0].email.partition("@")[2])[1]
            stopping.end_named(keys=[key], reason="manual")
        life.everything_holds()
        theirs = Message.objects.filter(prospect__in=life.people[:2])
        assert set(theirs.values_list("state", flat=True)) == {"cancelled"}
    finally:
        life.teardown()
