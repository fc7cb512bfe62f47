"""Every stage of a conversation × every way it can end: where the ledger must be then, and after the next try."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import pytest

from campaigns.models import Enrollment, Message
from integrations.adapters import smtp as adapter
from integrations.adapters.smtp_transaction import Timeouts
from integrations.models import Mailbox
from outreach.demo.smtp_server import Manner, Stage
from prospects.models import Suppression

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.prove]

IMPATIENT = Timeouts(connect=0.4, command=0.4, data=0.4, block=0.4, dot=0.4, quit=0.4)
CLASSES = ("2yz", "4yz", "5yz", "421", "close", "hang")


@dataclass(frozen=True)
class End:
    """Where the message is after the try, and `then` after the next one, when the server has found its manners."""

    state: str
    then: str
    mailbox: str = "active"
    enrollment: tuple[str, str] = ("active", "")
    suppressed: int = 0
    copies: int = 1


SENT = End("sent", then="sent", enrollment=("finished", ""))
RETRIED = End("planned", then="sent")
PAUSED = End("planned", then="sent", mailbox="paused")
REFUSED = End("refused", then="refused", enrollment=("stopped", "refused"), copies=0)
BOUNCED = End("refused", then="refused", enrollment=("stopped", "bounced"), suppressed=1, copies=0)
UNSURE = End("uncertain", then="uncertain")

TABLE = {
    Stage.CONNECT: (SENT, RETRIED, RETRIED, RETRIED, RETRIED, RETRIED),
    Stage.EHLO: (SENT, RETRIED, RETRIED, RETRIED, RETRIED, RETRIED),
    Stage.AUTH: (SENT, RETRIED, PAUSED, RETRIED, RETRIED, RETRIED),
    Stage.MAIL: (SENT, RETRIED, PAUSED, RETRIED, RETRIED, RETRIED),
    Stage.RCPT: (SENT, RETRIED, BOUNCED, RETRIED, RETRIED, RETRIED),
    Stage.DATA: (RETRIED, RETRIED, REFUSED, RETRIED, RETRIED, RETRIED),  # 2yz is no 354: nobody knows where we are
    Stage.DOT: (SENT, RETRIED, REFUSED, RETRIED, UNSURE, UNSURE),
    Stage.QUIT: (SENT, SENT, SENT, SENT, SENT, SENT),
}
FIVES = {
    Stage.CONNECT: "554 5.3.2 no service here",
    Stage.EHLO: "554 5.3.2 not today",
    Stage.AUTH: "535 5.7.8 wrong user name or password",
    Stage.MAIL: "550 5.1.8 not your address",
    Stage.RCPT: "550 5.1.1 no such user",
    Stage.DATA: "554 5.5.1 no valid recipients",
    Stage.DOT: "554 5.6.0 this text is not wanted",
    Stage.QUIT: "550 5.5.0 stay",
}
TWOS = {Stage.MAIL: "251 fine", Stage.RCPT: "251 fine", Stage.DATA: "250 what text?", Stage.DOT: "252 fine"}
CELLS = [
    pytest.param(stage, kind, end, id=f"{stage}-{kind}")
    for stage, ends in TABLE.items()
    for kind, end in zip(CLASSES, ends, strict=True)
]


def answer(stage, kind):
    """None is the usual answer: of the class 2yz wherever a server says one."""
    return {
        "2yz": TWOS.get(stage),
        "4yz": "451 4.3.0 not now",
        "5yz": FIVES[stage],
        "421": "421 4.3.2 closing the channel",
        "close": Manner.CLOSE,
        "hang": Manner.HANG,
    }[kind]


class Peer:
    """A server with accounts that answers as told at one stage, and remembers what it was asked."""

    def __init__(self, world):
        self.world, self.smtp, self.asked = world, world.smtp, []
        self.smtp.users = {"ada": "secret"}
        self.smtp.behaviour = self.behave
        self.says = lambda recipient, stage: None
        Mailbox.objects.update(smtp_username="ada", smtp_password="secret")

    def behave(self, recipient, message, stage):
        self.asked.append(stage)
        return self.says(recipient, stage)

    def at(self, stage, said):
        self.says = lambda recipient, asked: said if asked is stage else None

    def mend(self):
        self.says = lambda recipient, stage: None
        self.smtp.release()

    def count(self, stage):
        return self.asked.count(stage)


@pytest.fixture
def peer(running):
    def make(**options):
        return Peer(running(**options))

    return make


def seen():
    message = Message.objects.select_related("enrollment").get()
    return End(
        state=message.state,
        then="",
        mailbox=Mailbox.objects.get().status,
        enrollment=(message.enrollment.state, message.enrollment.stop_reason),
        suppressed=Suppression.objects.count(),
    )


def test_the_table_is_whole():
    assert set(TABLE) == set(Stage)
    assert len(CELLS) == 48


@pytest.mark.parametrize(("stage", "kind", "end"), CELLS)
def test_ends_each_conversation_in_the_required_state_and_never_sends_twice(peer, monkeypatch, stage, kind, end):
    server = peer(steps=1)
    world = server.world
    if kind == "hang":
        monkeypatch.setattr(adapter, "TIMEOUTS", IMPATIENT)
    server.at(stage, answer(stage, kind))
    world.tick()
    assert stage in server.asked
    first = seen()
    assert (first.state, first.mailbox) == (end.state, end.mailbox)
    assert (first.enrollment, first.suppressed) == (end.enrollment, end.suppressed)
    message_id = Message.objects.get().message_id

    server.mend()
    tries = server.count(Stage.CONNECT)
    world.tick(minutes=1)
    assert server.count(Stage.CONNECT) == tries  # whatever it was, nobody is asked again within a minute
    Mailbox.objects.get().resume()
    for hours in (1, 25, 25):
        world.tick(hours=hours)
    message = Message.objects.get()
    assert (message.state, message.message_id) == (end.then, message_id)
    assert [mail.message_id for mail in world.smtp.received] == [message_id] * end.copies
    assert Suppression.objects.count() == end.suppressed


@pytest.mark.parametrize(
    ("stage", "reply"),
    [
        (Stage.CONNECT, "554 5.7.1 your address is listed"),
        (Stage.EHLO, "530 5.7.0 must issue STARTTLS first"),
        (Stage.AUTH, "535 5.7.8 wrong"),
        (Stage.AUTH, "534 5.7.9 an application password is needed"),
        (Stage.MAIL, "530 5.7.0 log in first"),
        (Stage.RCPT, "535 5.7.8 your login has run out"),
        (Stage.DOT, "550 5.7.26 not authenticated"),
        (Stage.DOT, "550 5.7.515 access denied"),
        (Stage.RCPT, "421 4.7.28 our system has seen an unusual rate of mail"),
    ],
)
def test_asks_a_server_that_refuses_us_once_and_then_waits_for_a_person(peer, stage, reply):
    server = peer(people=3, steps=1)
    server.at(stage, reply)
    for _ in range(30):
        server.world.tick(hours=3)
    assert (server.count(Stage.CONNECT), server.count(stage)) == (1, 1)
    assert server.count(Stage.AUTH) <= 1
    assert Mailbox.objects.get().status == "paused"
    assert reply.split()[0] in Mailbox.objects.get().status_reason
    assert set(Message.objects.values_list("state", flat=True)) == {"planned"}
    assert not Suppression.objects.exists()
    server.mend()
    Mailbox.objects.get().resume()
    for _ in range(3):
        server.world.tick(hours=25)
    assert len({mail.recipient for mail in server.smtp.received}) == len(server.smtp.received) == 3


def test_tries_a_greylisted_follow_up_again_on_the_same_row_and_keeps_the_thread_in_order(peer):
    server = peer(steps=3)
    world = server.world
    world.tick()
    server.at(Stage.RCPT, "451 4.7.1 Greylisted, come back later")
    world.tick(days=1)
    (waiting,) = Message.objects.filter(state="planned")
    for tries in range(2, 8):
        world.now = Message.objects.get(pk=waiting.pk).send_at
        world.tick()
        assert Message.objects.get(pk=waiting.pk).attempts == tries
    assert Message.objects.count() == 2  # the third step waits for the second
    server.mend()
    for _ in range(16):  # sooner than what is overdue
        world.tick(hours=5)
    ids = [mail.message_id for mail in world.smtp.received]
    assert ids[1] == waiting.message_id
    assert ids == list(Message.objects.order_by("id").values_list("message_id", flat=True))
    assert f"In-Reply-To: {ids[1]}".encode() in world.smtp.received[2].raw
    assert set(Message.objects.values_list("state", flat=True)) == {"sent"}


def test_gives_up_after_four_days_of_temporary_refusals(peer):
    server = peer(steps=2)
    world, began = server.world, server.world.now
    server.at(Stage.RCPT, "451 4.7.1 Greylisted, come back later")
    tried = []
    while (message := Message.objects.first()) is None or message.state == "planned":
        world.now = max(world.now, message.send_at) if message else world.now
        world.tick()
        tried.append(world.now)
    assert timedelta(days=3, hours=12) < tried[-1] - began <= timedelta(days=4, hours=4)
    assert min(later - earlier for earlier, later in pairwise(tried)) >= timedelta(minutes=30)
    assert (message.state, message.attempts) == ("refused", server.count(Stage.RCPT))
    assert Enrollment.objects.get().stop_reason == "gave_up"
    server.mend()
    world.tick(days=5)
    assert world.smtp.received == []
    assert Mailbox.objects.get().status == "active"
    assert not Suppression.objects.exists()
