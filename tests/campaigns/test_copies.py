"""Messages we are not sure about, found in the Sent folder of their mailbox."""

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from campaigns import reconciling, tasks
from campaigns.models import Enrollment, Message
from integrations import sending
from integrations.models import Mailbox
from outreach.demo.smtp_server import Manner, Stage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_rests():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def unsure(running):
    """Two people, three steps; the server took the first mail of each and never said so."""
    world = running(people=2)
    world.smtp.behaviour = lambda recipient, message, stage: Manner.CLOSE if stage is Stage.DOT else None
    world.tick()
    world.smtp.behaviour = None
    assert states() == ["uncertain", "uncertain"]
    return world


def states():
    return list(Message.objects.order_by("id").values_list("state", flat=True))


def keeps_copy(world, number, folder="Sent"):
    world.imap.deliver(world.mailbox.imap_username, world.smtp.received[number].raw, folder=folder)


def search(world):
    cache.clear()
    return reconciling.search_copies(mailbox_id=world.mailbox.pk, now=world.now)


def logins(world, monkeypatch):
    """Counts what the IMAP server sees of us."""
    count = []
    authenticate = type(world.imap._login).authenticate

    async def counted(self, credentials):
        count.append(credentials.authcid)
        return await authenticate(self, credentials)

    monkeypatch.setattr(type(world.imap._login), "authenticate", counted)
    return count


def test_a_copy_proves_it_and_the_sequence_goes_on(unsure):
    keeps_copy(unsure, 0)
    assert search(unsure) == 1
    found = Message.objects.get(message_id=unsure.smtp.received[0].message_id)
    assert (found.state, found.why["settled_by"]) == ("sent", "the Sent folder")
    assert found.why["rule"] == "due"
    assert Mailbox.objects.get().copies_seen_at == unsure.now
    for _ in range(3):
        unsure.tick(days=1)
    theirs = [mail for mail in unsure.smtp.received if mail.recipient == found.recipient]
    assert theirs[0].message_id == found.message_id
    assert len({mail.message_id for mail in theirs}) == len(theirs) == 3
    assert f"In-Reply-To: {found.message_id}".encode() in theirs[1].raw


def test_what_is_not_there_proves_nothing_and_is_given_up_after_five_days(unsure):
    keeps_copy(unsure, 0)
    search(unsure)
    assert sorted(states()) == ["sent", "uncertain"]
    missing = Message.objects.get(state="uncertain")
    for _ in range(6):
        unsure.tick(days=1)
        search(unsure)
    assert reconciling.abandon_old(now=unsure.now) == 1
    missing.refresh_from_db()
    assert missing.state == "abandoned"
    assert [mail.recipient for mail in unsure.smtp.received].count(missing.recipient) == 1


def test_another_mail_that_only_resembles_it_proves_nothing(unsure):
    (one, two) = [mail.message_id for mail in unsure.smtp.received]
    quoting = f"From: a@b.example\r\nMessage-ID: <x{one[1:-1]}>\r\nReferences: {one}\r\n\r\n{two}\r\n".encode()
    unsure.imap.deliver(unsure.mailbox.imap_username, quoting, folder="Sent")
    keeps_copy(unsure, 0, folder="INBOX")
    assert search(unsure) == 0
    assert states() == ["uncertain", "uncertain"]


def test_one_login_settles_many_and_does_not_stop_whom_a_person_stopped(running, monkeypatch):
    world = running(people=45, steps=2)
    world.smtp.behaviour = lambda recipient, message, stage: Manner.CLOSE if stage is Stage.DOT else None
    world.tick()
    for number in range(45):
        keeps_copy(world, number, folder="Sent Items")
    first = Enrollment.objects.order_by("id").first()
    Enrollment.objects.filter(pk=first.pk).update(state="stopped", stop_reason="replied", look_at=None)
    count = logins(world, monkeypatch)
    assert search(world) == 45
    assert len(count) == 1
    assert set(states()) == {"sent"}
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"active", "stopped"}
    first.refresh_from_db()
    assert (first.stop_reason, first.steps_handed_over) == ("replied", 0)


def test_a_mailbox_rests_between_two_looks(unsure, monkeypatch):
    count = logins(unsure, monkeypatch)
    for _ in range(3):
        for mailbox_id in reconciling.mailboxes_to_search():
            tasks.search_copies(mailbox_id)
        tasks.search_copies(unsure.mailbox.pk)
    assert len(count) == 1
    assert reconciling.mailboxes_to_search() == []
    cache.clear()
    assert reconciling.mailboxes_to_search() == [unsure.mailbox.pk]
    Mailbox.objects.update(poll_error="The login was refused.")
    assert reconciling.mailboxes_to_search() == []


def test_nobody_logs_in_where_nothing_is_uncertain(running, monkeypatch):
    world = running()
    world.tick()
    assert reconciling.mailboxes_to_search() == []
    count = logins(world, monkeypatch)
    tasks.search_copies(world.mailbox.pk)
    assert count == []


def test_a_server_that_is_away_leaves_all_as_it_is(unsure):
    keeps_copy(unsure, 0)
    unsure.imap.stop()
    assert search(unsure) == 0
    assert states() == ["uncertain", "uncertain"]


def test_the_check_of_a_mailbox_sees_whether_copies_appear(running, client_as):
    world = running(people=1)
    world.tick()
    assert sending.check(mailbox=world.mailbox, now=world.now) == []
    assert Mailbox.objects.get().copies_seen_at is None
    keeps_copy(world, 0)
    now = timezone.now()
    assert sending.check(mailbox=world.mailbox, now=now) == []
    mailbox = Mailbox.objects.get()
    assert mailbox.copies_seen_at == now
    page = client_as("manager").get(reverse("mailbox", args=[mailbox.public_id])).content.decode()
    assert "keeps copies" in page
