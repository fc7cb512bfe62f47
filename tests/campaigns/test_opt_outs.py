"""Whoever said no stays without mail: in every spelling, however they come back, and whomever they are merged with."""

import io
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns import enrolling, gate, lifecycle, merging, planning, stopping
from campaigns.models import Enrollment, Message
from outreach.lib.errors import DomainError
from prospects import addresses, editing, suppression
from prospects import merging as people
from prospects.importing.files import import_file
from prospects.models import Merge, Prospect
from tests import amounts, factories

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
UNICODE, PUNYCODE = "bücher.example", "xn--bcher-kva.example"
SPELLINGS = (
    "{0}@{1}",
    "{0}+x@{1}",
    "\u00a0{0}@{1}\u200b",
    "{0}\u200b@{1}",
    "mailto:{0}@{1}",
    '"Anna" <{0}@{1}>',
    "\ufeff {0}+news@{1} ",
)


def spelled(how, local, domain, upper):
    text = how.format(local, domain)
    return text.upper() if upper else text


spellings = st.builds(
    spelled, st.sampled_from(SPELLINGS), st.just("anna"), st.sampled_from([UNICODE, PUNYCODE]), st.booleans()
)
ways_back = st.sampled_from(["add", "import", "edit", "further"])


def come_back(way, email):
    """Somebody brings this person in again; a refusal is as good."""
    try:
        match way:
            case "add":
                editing.add_prospect(email=email, by=None)
            case "import":
                sheet = f'Email,First name\n"{email.replace(chr(34), chr(34) * 2)}",Anna\n'
                import_file(source=io.BytesIO(sheet.encode()), file_name="again.csv", by=None)
            case "edit":
                other = factories.ProspectFactory()
                editing.change_prospect(prospect=other, by=None, email=email)
            case "further":
                addresses.add_address(prospect=factories.ProspectFactory(), email=email, by=None)
    except DomainError:
        pass


def running_campaign():
    factories.ProspectFactory(email="control@elsewhere.example")
    campaign = factories.campaign(steps=2)
    campaign.mailbox.verified_at = NOON
    campaign.mailbox.save()
    lifecycle.launch(campaign=campaign, now=NOON, by=None)
    return campaign


def open_messages():
    return Message.objects.filter(state="planned").exclude(recipient="control@elsewhere.example")


class TestTheirSpellings(TestCase):
    @amounts.STORIES
    @given(said=spellings, again=spellings, way=ways_back, known=st.booleans())
    def test_are_stopped_in_every_other_spelling(self, said, again, way, known):
        campaign = running_campaign()
        if known:
            come_back("add", said)
        suppression.suppress(kind="address", value=said, reason="unsubscribed")
        come_back(way, again)
        enrolling.enroll_segment(campaign=campaign, now=NOON, by=None)
        planning.plan(now=NOON)
        named = Prospect.objects.filter(contact_keys__overlap=[suppression.named(kind="address", value=said)[1]])
        assert not open_messages().filter(prospect__in=named).exists()
        assert Message.objects.filter(recipient="control@elsewhere.example").count() == 1

    @amounts.STORIES
    @given(said=spellings, again=spellings, way=ways_back)
    def test_are_stopped_when_they_were_planned_before(self, said, again, way):
        campaign = running_campaign()
        come_back(way, again)
        enrolling.enroll_segment(campaign=campaign, now=NOON, by=None)
        planning.plan(now=NOON)
        suppression.suppress(kind="address", value=said, reason="unsubscribed")
        key = suppression.named(kind="address", value=said)[1]
        concerned = open_messages().filter(prospect__contact_keys__contains=[key])
        held = gate.refusals(message_ids=list(concerned.values_list("id", flat=True)))
        assert all("suppressed" in names for names in held.values())


pairs = st.sampled_from([(0, 1), (1, 0), (1, 2), (2, 0)])
some = st.sampled_from([{0}, {1}, {0, 1}, {0, 1, 2}])
STEPS = st.one_of(
    st.tuples(st.just("merge"), pairs, st.booleans()),
    st.tuples(st.just("merge"), pairs, st.booleans()),
    st.tuples(st.just("day"), some, some),
    st.tuples(st.just("day"), some, some),
    st.tuples(st.just("undo")),
    st.tuples(st.just("apply")),
    st.tuples(st.just("no"), st.integers(0, 2), st.sampled_from(["address", "person", "unsubscribe"])),
)


class History:
    """People are merged in any order, taken apart again, enrolled and written to, and somebody says no. Nobody who has
    been one person with somebody who said no is let through from then on, and nobody gets a step twice.
    """

    def __init__(self):
        self.campaign = running_campaign()  # for everybody who is here by now: the control
        self.rows = [factories.ProspectFactory() for _ in range(3)]
        self.refused = set()
        self.sent = set()

    def live(self, steps):
        for name, *how in steps:
            getattr(self, name)(*how)
            self.check()

    def no(self, number, how):
        if self.refused:
            return  # once: whoever says no ends most of what can happen
        row = Prospect.objects.get(pk=self.rows[number].pk)
        message = Message.objects.filter(prospect=row).first()
        if how == "person":
            stopping.stop_person(prospect=row, reason="asked")
        elif how == "unsubscribe" and message:
            stopping.unsubscribe(message=message, source="test", now=NOON)
        else:
            suppression.suppress(kind="address", value=row.email, reason="unsubscribed")
        self.refused |= same(row)

    def merge(self, pair, applied):
        survivor, merged = (self.rows[number] for number in pair)
        try:
            people.merge(survivor=survivor, merged=merged, by=None, now=NOON)
        except people.CannotMerge:
            return
        for row in Prospect.objects.filter(pk__in=list(self.refused)):
            self.refused |= same(row)
        if applied:
            self.apply()

    def undo(self):
        newest = Merge.objects.filter(undone_at=None).order_by("-id").first()
        if newest:
            people.undo(merge=newest, by=None, now=NOON)

    def apply(self):
        merging.apply_waiting()

    def day(self, enrolled, sent):
        """Some are enrolled; of what is planned some is marked, where the gate lets it through."""
        some = Prospect.objects.filter(pk__in=self.keys(enrolled))
        enrolling.enroll(campaign=self.campaign, prospects=some, now=NOON, by=None)
        planning.plan(now=NOON)
        self.check()
        for message in open_messages().filter(prospect__in=self.keys(sent)).select_related("prospect"):
            if gate.refusals(message_ids=[message.pk])[message.pk]:
                continue
            assert not {(pk, message.step_key) for pk in same(message.prospect)} & self.sent, "the same step twice"
            self.sent.add((message.prospect_id, message.step_key))
            Message.objects.filter(pk=message.pk).update(state="sent", marked_at=NOON, handed_over_at=NOON)
            Enrollment.objects.filter(prospect=message.prospect).update(steps_handed_over=1)

    def check(self):
        theirs = open_messages().filter(prospect__in=self.refused).values_list("id", flat=True)
        assert all(gate.refusals(message_ids=list(theirs)).values()), "somebody who said no gets through"

    def keys(self, numbers):
        return [self.rows[number].pk for number in numbers]


def same(row):
    """All rows of this person."""
    return set(stopping.rows_of(row))


class TestMerges(TestCase):
    @amounts.STORIES
    @given(steps=st.lists(STEPS, min_size=4, max_size=14))
    @example([("day", {0, 1}, {0}), ("merge", (1, 0), True), ("day", {2}, {1})])
    @example([("day", {0}, {0}), ("merge", (1, 0), True), ("day", {1}, {1})])
    @example([("no", 0, "address"), ("merge", (1, 0), True), ("undo",), ("day", {1}, {1})])
    @example([("no", 0, "person"), ("merge", (1, 0), False), ("merge", (2, 1), False), ("day", {2}, {2})])
    def test_in_any_order_lift_no_stop_and_repeat_no_step(self, steps):
        History().live(steps)


@pytest.mark.django_db
@pytest.mark.parametrize("handle", ["@Anna", "https://twitter.com/anna/", "x.com/ANNA?s=20"])
def test_a_handle_that_is_suppressed_stops_who_has_it(handle):
    suppression.suppress(kind="x", value=handle, reason="declined")
    person = factories.ProspectFactory(x_handle="anna")
    assert suppression.is_suppressed(person.contact_keys)
