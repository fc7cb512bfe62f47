from datetime import UTC, datetime, timedelta

import pytest

from campaigns import enrolling, lifecycle, planning, retention, tasks
from campaigns.models import Message
from prospects.models import File, Note, PrivacyRecord, Prospect, Stage, Suppression
from tests import factories

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
