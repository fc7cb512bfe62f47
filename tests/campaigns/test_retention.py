from datetime import UTC, datetime, timedelta

import pytest

from campaigns import enrolling, lifecycle, merging, planning, retention, stopping, tasks
from campaigns.models import Enrollment, Message
from prospects import addresses, suppression
from prospects import merging as people
from prospects.models import File, Note, PrivacyRecord, Prospect, Stage, Suppression
from tests import factories
from tests.campaigns.measuring import rows_passed
from tests.racing import meanwhile

LATER = datetime(2030, 3, 31, 12, 0, tzinfo=UTC)
OLD = LATER - timedelta(days=400)


@pytest.fixture(autouse=True)
def _months(settings):
    settings.RETENTION_MONTHS = 12


@pytest.fixture
def old(db):
    """Makes somebody who has been here for more than a year."""

    def make(**fields):
        person = factories.ProspectFactory(**fields)
        Prospect.objects.filter(pk=person.pk).update(created_at=OLD)
        return person

    return make


def left():
    return set(Prospect.objects.present().values_list("pk", flat=True))


def test_forgets_whom_nobody_was_in_touch_with_and_notes_it(old):
    gone, fresh = old(), factories.ProspectFactory()
    Prospect.objects.filter(pk=fresh.pk).update(created_at=LATER - timedelta(days=300))
    assert retention.forget_old(now=LATER) == 1
    assert left() == {fresh.pk}
    record = PrivacyRecord.objects.get()
    assert (record.action, record.subject, record.recorded_by) == ("retention", gone.public_id, None)
    assert record.reason == "not in touch for 12 months"
    assert retention.forget_old(now=LATER) == 0


def test_forgets_nobody_by_itself(old, settings):
    settings.RETENTION_MONTHS = 0
    old()
    assert retention.forget_old(now=LATER) == 0
    tasks.forget_old()
    assert len(left()) == 1


def _enrolled(person, now):
    campaign = factories.campaign(mailbox=factories.MailboxFactory(verified_at=now))
    lifecycle.launch(campaign=campaign, now=now, by=None)
    enrolling.enroll_segment(campaign=campaign, now=now, by=None)
    planning.plan(now=now)


def _written_to(person, now):
    _enrolled(person, now)
    Message.objects.filter(prospect=person).update(state="sent", marked_at=now, handed_over_at=now)


def _twin_written_to(person, now):
    twin = factories.ProspectFactory()
    _written_to(twin, now)
    Prospect.objects.filter(pk=twin.pk).update(person=person)


def _partner(person, now):
    Stage.objects.create(prospect=person, program=factories.ProgramFactory(), name="joined", changed_at=now)


def _set(**fields):
    return lambda person, now: Prospect.objects.filter(pk=person.pk).update(**fields)


@pytest.mark.parametrize(
    "happened",
    [
        *[_enrolled, _written_to, _twin_written_to, _partner],
        lambda person, now: Note.objects.create(prospect=person, text="spoke on the telephone"),
        lambda person, now: File.objects.create(prospect=person, name="x", size=1, data=b"x"),
        *[_set(protected_at=OLD), _set(contacted_elsewhere_at=LATER - timedelta(days=90)), _set(is_demo=True)],
        *[_set(next_step_date=OLD.date())],
    ],
)
def test_keeps_whom_somebody_looks_after(old, happened, now):
    person = old()
    happened(person, now)
    later = max(LATER, now)
    Note.objects.update(created_at=later)
    File.objects.update(created_at=later)
    retention.forget_old(now=later)
    assert person.pk in left()


def test_keeps_a_no_by_its_hash_and_bars_nobody(old):
    said_no, other = old(email="no@tea.example"), old(email="yes@tea.example")
    key = said_no.contact_keys[0]
    Suppression.objects.create(kind="address", key=key, value="no@tea.example", reason="unsubscribed", source="reply")
    assert retention.forget_old(now=LATER) == 2
    assert list(Suppression.objects.values_list("key", "value", "reason", "source")) == [(key, "", "unsubscribed", "")]
    assert factories.ProspectFactory(email=other.email).email == "yes@tea.example"


def brought_in_again(campaign, now, **fields):
    """Whether somebody who comes back under the same name would be written to."""
    person = factories.ProspectFactory(**fields)
    return enrolling.enroll(campaign=campaign, prospects=Prospect.objects.filter(pk=person.pk), now=now, by=None)


@pytest.fixture
def campaign(db, now):
    factories.ProspectFactory(is_demo=True)  # somebody to launch for
    campaign = factories.campaign(mailbox=factories.MailboxFactory(verified_at=now))
    lifecycle.launch(campaign=campaign, now=now, by=None)
    return campaign


def test_keeps_never_write_again_by_its_hash_too(old, campaign, now):
    stopped = old(email="no@tea.example", linkedin_url="https://linkedin.com/in/no")
    addresses.add_address(prospect=stopped, email="other@pots.example", by=None)
    suppression.suppress(
        kind="address", value="no@tea.example", reason="manual", expires_at=LATER + timedelta(days=9), source="a list"
    )
    stopping.stop_person(prospect=stopped, reason="Said so on the telephone")
    assert retention.forget_old(now=LATER) == 1
    assert set(Suppression.objects.values_list("value", "source", "reason", "expires_at")) == {("", "", "manual", None)}
    assert not brought_in_again(campaign, now, email="No+tag@tea.example")
    assert not brought_in_again(campaign, now, email="other@pots.example")
    assert not brought_in_again(campaign, now, email="third@cups.example", linkedin_url="linkedin.com/in/no")
    assert brought_in_again(campaign, now, email="somebody.else@tea.example")


def test_keeps_never_write_again_of_a_row_that_was_merged(old, campaign, now):
    stays, goes = old(email="no@tea.example"), old(email="no@pots.example")
    stopping.stop_person(prospect=goes, reason="Said so on the telephone")
    people.merge(survivor=stays, merged=goes, by=None, now=now)
    merging.apply_waiting()
    assert retention.forget_old(now=LATER) == 1
    for email in ("no@tea.example", "no@pots.example"):
        assert not brought_in_again(campaign, now, email=email)


@pytest.mark.django_db(transaction=True)
def test_forgets_nobody_who_is_being_enrolled(old, now):
    person = old()
    assert meanwhile(lambda: retention.forget_old(now=LATER), under_way=lambda: _enrolled(person, now)) == 0
    assert left() == {person.pk}
    assert Enrollment.objects.get(prospect=person).state == "active"


def test_compares_nobody_with_everybodys_mails(old, now):
    people = 150
    written_to = [old() for _ in range(people)]
    _enrolled(written_to[0], now)
    Message.objects.update(state="sent", marked_at=now, handed_over_at=now)
    Enrollment.objects.update(state="finished", look_at=None)
    for _ in range(people):
        old()
    found = retention.never_in_touch(since=LATER)
    assert found.count() == people
    assert rows_passed(found) < people * people


def test_works_in_sets_up_to_a_limit(old, monkeypatch, django_assert_max_num_queries):
    for _ in range(7):
        old()
    monkeypatch.setattr(retention, "TOGETHER", 3)
    with django_assert_max_num_queries(200):
        assert retention.forget_old(now=LATER, limit=5) == 5
    assert len(left()) == 2


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [((2030, 3, 31), 1, (2030, 2, 28)), ((2030, 1, 15), 12, (2029, 1, 15)), ((2028, 2, 29), 12, (2027, 2, 28))],
)
def test_counts_calendar_months(day, months, before):
    at = datetime(*day, 9, 30, tzinfo=UTC)
    assert retention.months_before(at, months) == datetime(*before, 9, 30, tzinfo=UTC)
