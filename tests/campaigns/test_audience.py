"""Who a launch would enrol, foretold as a sum."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns import audience, enrolling
from campaigns.models import Enrollment, SequenceVersion
from outreach.lib.models import DatabaseClock
from prospects import addresses, suppression
from prospects.models import Prospect, Segment, Site, Suppression
from tests import amounts, factories

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def counts(campaign):
    found = audience.add_up(campaign=campaign)
    return found.in_segment, found.written, {part.reason: part.count for part in found.left_out}


def make(number, *, email, suppressed, stopped, site_stopped, is_demo, many_keys):
    address = f"p{number}@s{number}.example" if email else ""
    person = factories.ProspectFactory(
        email=address, website=f"https://s{number}.example", x_handle=f"p{number}", is_demo=is_demo
    )
    if many_keys:
        keys = ["domain:a.example", "domain:b.example", "domain:c.example", "domain:d.example", *person.contact_keys]
        Prospect.objects.filter(pk=person.pk).update(contact_keys=keys)
    if suppressed:
        suppression.suppress(
            kind=suppressed,
            value=f"s{number}.example" if suppressed == "domain" else f"P{number}@s{number}.example",
            reason="manual",
        )
    if stopped:
        Prospect.objects.filter(pk=person.pk).update(stopped_at=DatabaseClock())
    if site_stopped:
        Site.objects.filter(prospects=person).update(stopped_at=DatabaseClock())
    return person


PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "email": st.booleans(),
            "suppressed": st.sampled_from(["", "", "address", "domain"]),
            "stopped": st.booleans(),
            "site_stopped": st.booleans(),
            "is_demo": st.booleans(),
            "many_keys": st.booleans(),
        }
    ),
    max_size=5,
)


class TestAgreement(TestCase):
    @amounts.STORIES
    @given(people=PEOPLE, demo_mailbox=st.booleans())
    def test_foretells_whom_enrolling_takes(self, people, demo_mailbox):
        for number, person in enumerate(people):
            make(number, **person)
        campaign = factories.campaign(mailbox=factories.MailboxFactory(is_demo=demo_mailbox), steps=1)
        foretold = audience.add_up(campaign=campaign)
        written = set(audience.people(campaign=campaign, reason="written").values_list("pk", flat=True))
        assert foretold.in_segment == len(people)
        assert foretold.in_segment - sum(part.count for part in foretold.left_out) == foretold.written == len(written)
        for part in foretold.left_out:
            assert audience.people(campaign=campaign, reason=part.reason).count() == part.count
        type(campaign).objects.update(state="running")
        SequenceVersion.objects.update(published_at=NOON)
        campaign.refresh_from_db()
        enrolling.enroll_segment(campaign=campaign, now=NOON, by=None)
        assert set(Enrollment.objects.values_list("prospect", flat=True)) == written
        again = audience.add_up(campaign=campaign)
        assert (again.written, again.in_segment) == (0, len(people))


def test_counts_each_person_under_the_first_reason_that_fits():
    factories.ProspectFactory()
    factories.ProspectFactory(email="", x_handle="creator")
    nothing = {"email": True, "suppressed": "", "stopped": False, "site_stopped": False, "is_demo": False}
    make(91, **{**nothing, "suppressed": "address", "stopped": True, "many_keys": False})
    make(92, **{**nothing, "suppressed": "domain", "many_keys": True})
    make(93, **{**nothing, "stopped": True, "site_stopped": True, "many_keys": False})
    make(94, **{**nothing, "site_stopped": True, "is_demo": True, "many_keys": False})
    make(95, **{**nothing, "is_demo": True, "many_keys": False})
    campaign = factories.campaign(mailbox=factories.MailboxFactory(is_demo=False))
    expected = {"no-address": 1, "suppressed": 2, "person-stopped": 1, "site-stopped": 1, "demo": 1}
    assert counts(campaign) == (7, 1, expected)
    assert counts(factories.campaign()) == (7, 2, {name: n for name, n in expected.items() if name != "demo"})


def test_says_who_waits_because_of_a_hold():
    held, at_site, _ = (factories.ProspectFactory() for _ in range(3))
    Prospect.objects.filter(pk=held.pk).update(held_at=NOON)
    Site.objects.filter(pk=at_site.site_id).update(held_at=NOON)
    campaign = factories.campaign()
    assert counts(campaign) == (3, 1, {"held": 2})
    assert audience.add_up(campaign=campaign).left_out[0].words == "are on hold, and wait until somebody releases them"
    assert set(audience.people(campaign=campaign, reason="held")) == {held, at_site}
    Site.objects.update(held_at=None)
    assert audience.add_up(campaign=campaign).left_out[0].words == "is on hold, and waits until somebody releases them"


def test_counts_only_the_segment():
    factories.ProspectFactory(country="DE")
    factories.ProspectFactory(country="FR")
    segment = Segment.objects.create(name="Germans", filter={"field": "country", "op": "is", "value": "DE"})
    assert counts(factories.campaign(segment=segment)) == (1, 1, {})
    Segment.objects.update(filter={"all": []})
    segment.refresh_from_db()
    assert counts(factories.campaign(segment=segment)) == (2, 2, {})


def test_adds_up_in_six_queries(django_assert_num_queries):
    for _ in range(3):
        factories.ProspectFactory()
    Suppression.objects.create(kind="domain", key="domain:elsewhere.example", reason="manual")
    campaign = factories.campaign()
    with django_assert_num_queries(6):  # how long the list of suppressions is, the first step, the rules, and the sum
        assert counts(campaign) == (3, 3, {})


def test_knows_no_other_part():
    with pytest.raises(audience.UnknownReason):
        audience.people(campaign=factories.campaign(), reason="whims")


def test_counts_who_is_under_way_elsewhere_without_leaving_them_out(running, monkeypatch):
    world = running(people=3)
    rehearsal = factories.campaign(name="Rehearsal")
    draft = factories.campaign(name="Second")
    Enrollment.objects.filter(prospect=world.prospects[0]).update(state="stopped", look_at=None)
    assert audience.elsewhere(campaign=draft).count == 2
    assert counts(draft) == (3, 3, {})
    assert audience.elsewhere(campaign=draft).is_all
    monkeypatch.setattr(audience, "LOOKED_AT", 1)
    assert audience.elsewhere(campaign=draft) == audience.Elsewhere(count=1, is_all=False)
    found = audience.people(campaign=draft, reason="elsewhere")
    assert set(found) == set(world.prospects[1:])
    assert audience.elsewhere(campaign=world.campaign).count == 0  # its own people
    Enrollment.objects.update(campaign=rehearsal)
    type(draft).objects.filter(pk=rehearsal.pk).update(rehearsal_of=draft, state="running", rehearsal_to="me@x.example")
    assert audience.elsewhere(campaign=draft).count == 0


def test_counts_those_elsewhere_in_five_queries(django_assert_num_queries):
    campaign = factories.campaign()
    with django_assert_num_queries(5):  # the first step, the rules, and the count
        assert audience.elsewhere(campaign=campaign).count == 0


@pytest.mark.parametrize("longest", [0, 50_000])
def test_finds_who_said_no_by_any_address_however_long_the_list_is(monkeypatch, longest):
    monkeypatch.setattr(suppression, "SHORT", longest)
    person = factories.ProspectFactory(x_handle="anna", linkedin_url="in/anna")
    addresses.add_address(prospect=person, email="anna@private.example", by=None)
    other = factories.ProspectFactory()
    addresses.add_address(prospect=other, email="other@private.example", by=None)
    factories.ProspectFactory()
    for value in ("anna@private.example", "other@private.example"):
        suppression.suppress(kind="address", value=value, reason="unsubscribed")
    assert counts(factories.campaign()) == (3, 1, {"suppressed": 2})
