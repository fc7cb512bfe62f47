"""The people of the demo world: they act when mail reaches them, go on after a kill, and leave strangers alone."""

import imaplib
import smtplib
from datetime import timedelta

import pytest

from outreach.demo import behaviour, people
from outreach.demo.behaviour import ACCELERATED, Habit
from outreach.demo.visiting import OverHttp, Unvisited
from outreach.demo.world import World
from tests.outreach.test_demo import LANGUAGES, LETTER, NOON


class Visits:
    """Keeps what was visited."""

    def __init__(self):
        self.seen = []

    def visit(self, method, url, *, agent, body=b"", content_type=""):
        self.seen.append((method, url, body))
        return 200


def address_of(habit):
    """Somebody who behaves like this, from the first message on."""
    for person in people.shipped():
        nature = behaviour.temperament(person.email, 7)
        if nature.habit is habit and nature.step == 1:
            return person.email
    raise AssertionError(habit)


def world_on(folder, visits):
    return World(folder=folder, seed=7, pace=ACCELERATED, visitor=visits, languages=LANGUAGES)


def hand_over(world, address):
    raw = LETTER.replace(b"benoit@atelier.example", address.encode())
    with smtplib.SMTP("127.0.0.1", world.smtp.port) as client:
        client.sendmail("partners@lumentea.example", [address], raw)


def inbox_of(world, user):
    with imaplib.IMAP4("127.0.0.1", world.imap.port) as client:
        client.login(user, world.imap._login.users_dict[user].password)
        return int(client.select()[1][0])


def test_refuses_an_unknown_recipient_and_greylists_once(tmp_path):
    with world_on(tmp_path, Visits()) as world:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            hand_over(world, address_of(Habit.UNKNOWN))
        assert [code for code, _ in refused.value.recipients.values()] == [550]
        with pytest.raises(smtplib.SMTPRecipientsRefused) as put_off:
            hand_over(world, address_of(Habit.GREYLISTED))
        assert [code for code, _ in put_off.value.recipients.values()] == [451]
        hand_over(world, address_of(Habit.GREYLISTED))
        assert [copy.recipient for copy in world.records.accepted()] == [address_of(Habit.GREYLISTED)]


def test_goes_on_after_a_kill_where_it_was(tmp_path):
    visits = Visits()
    with world_on(tmp_path, visits) as world:
        hand_over(world, address_of(Habit.ONE_CLICK))
    (tmp_path / "received.jsonl").open("a").write('{"cut sho')
    with world_on(tmp_path, visits) as world:
        assert world.remember(now=NOON) == 1
        assert world.react(now=NOON + timedelta(hours=1)) == 1
    assert [(method, url) for method, url, _ in visits.seen] == [("POST", "http://127.0.0.1:8000/u/token")]
    assert b"One-Click" in visits.seen[0][2]
    with world_on(tmp_path, visits) as world:
        assert world.remember(now=NOON) == 0


def test_gives_a_forgetful_mail_server_its_mail_again_and_says_nothing_of_it(tmp_path):
    with world_on(tmp_path, Visits()) as world:
        world.open_mailbox("partners@lumentea.example")
        hand_over(world, address_of(Habit.POSITIVE))
        assert world.react(now=NOON) == 0
        assert world.react(now=NOON + timedelta(hours=1)) == 1
    with world_on(tmp_path, Visits()) as world:
        world.open_mailbox("partners@lumentea.example")
        assert world.remember(now=NOON) == 0
        assert inbox_of(world, "partners@lumentea.example") == 1
        assert len(world.records.done()) == 1


def test_lets_only_its_own_people_act(tmp_path):
    visits = Visits()
    with world_on(tmp_path, visits) as world:
        for number in range(60):  # strangers with every habit there is, had they one
            hand_over(world, f"reader{number}@real{number}.example")
        assert len(world.records.accepted()) == 60
        assert world.react(now=NOON) == world.react(now=NOON + timedelta(hours=1)) == 0
        assert world.records.kept_letters() == {}
    assert visits.seen == []


def test_lets_nobody_act_once_it_rests(tmp_path):
    with world_on(tmp_path, Visits()) as world:
        hand_over(world, address_of(Habit.ONE_CLICK))
        world.rest()
        hand_over(world, address_of(Habit.UNKNOWN))
        assert world.react(now=NOON + timedelta(hours=1)) == 0
        assert len(world.records.accepted()) == 2


def test_never_reaches_further_than_loopback():
    with pytest.raises(Unvisited):
        OverHttp().visit("GET", "http://192.0.2.1/u/token", agent="test")
