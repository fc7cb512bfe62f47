"""The demo world: its people are what they claim to be, and `manage.py demo --once` finds a broken promise."""

import io
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from campaigns import delivery, gate, ledger, lifecycle, planning, reaching, stopping
from campaigns.models import Campaign, Event, Message
from integrations import reading, sending
from integrations.adapters.smtp import SmtpConnection
from integrations.models import Mailbox
from integrations.ports import BounceKind, MailKind, Outcome, Phase, Verdict
from outreach.demo import behaviour, mails, people, serving, staging, story
from outreach.demo.behaviour import ACCELERATED, Habit
from outreach.demo.staging import Cast
from outreach.demo.visiting import InProcess
from outreach.demo.world import World
from prospects.models import Prospect, Suppression
from tests import factories

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
EVERY_HABIT = {"prospects": 40, "seed": 13}  # the smallest stories in which each habit occurs,
A_FEW = {"prospects": 6, "seed": 5}  # and in which some people stop us early
LANGUAGES = {person.email: person.language for person in people.shipped()}


# --- people and their behaviour ---


def test_ships_the_people_that_the_script_invents():
    assert people.invent(300) == people.shipped()
    assert people.invent(40) == people.shipped()[:40]


def test_invents_people_on_reserved_domains_only():
    hosts = {person.email.partition("@")[2] for person in people.shipped()}
    assert all(host.endswith((".example", ".example.com", ".example.net", ".example.org")) for host in hosts)
    assert len({person.email for person in people.shipped()}) == 300
    assert len({person.country for person in people.shipped()}) > 25


@pytest.mark.parametrize("seed", range(20))
def test_has_at_least_three_of_each_habit_among_300_people_and_mostly_silence(seed):
    found = Counter(behaviour.temperament(person.email, seed).habit for person in people.shipped())
    assert set(found) == set(Habit)
    assert min(found.values()) >= 3
    assert found.most_common(1)[0][0] is Habit.SILENT


def test_behaves_the_same_in_every_run():
    for person in people.shipped()[:50]:
        assert behaviour.temperament(people.tagged(person, "run0a1b").email, 7) == behaviour.temperament(
            person.email, 7
        )
    assert any(behaviour.temperament(p.email, 7) != behaviour.temperament(p.email, 8) for p in people.shipped())


# --- what recipients send back is what the product's reader must understand ---

LETTER = (
    b"From: Mira Castell <partners@lumentea.example>\r\nTo: =?utf-8?b?QmVub8OudA==?= <benoit@atelier.example>\r\n"
    b"Subject: Atelier and loose-leaf tea\r\nMessage-ID: <step1@lumentea.example>\r\n"
    b"List-Unsubscribe: <http://127.0.0.1:8000/u/token>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    b"Hi, see http://127.0.0.1:8000/c/abc\r\n"
)


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "it", "pt", "nl", "pl"])
@pytest.mark.parametrize("habit", sorted(behaviour.ANSWERS))
def test_answers_are_read_as_a_persons_answers(habit, language):
    raw = mails.answer(mails.read(LETTER), habit=habit, language=language, now=NOON)
    mail = reading.read(raw)
    assert mail.kind is (MailKind.UNSUBSCRIBE if habit is Habit.REMOVAL else MailKind.REPLY)
    assert mail.candidates[0] == "<step1@lumentea.example>"
    assert mail.sender == "benoit@atelier.example"


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "pl"])
def test_out_of_office_is_read_with_its_return_date(language):
    mail = reading.read(mails.out_of_office(mails.read(LETTER), language=language, now=NOON))
    assert mail.kind is MailKind.AUTO_REPLY
    assert mail.return_date == (NOON + timedelta(days=mails.DAYS_AWAY)).date()


def test_delivery_report_is_read_as_a_bounce_for_good():
    mail = reading.read(mails.delivery_report(mails.read(LETTER), now=NOON))
    assert (mail.kind, mail.bounce) == (MailKind.BOUNCE, BounceKind.HARD)
    assert "<step1@lumentea.example>" in mail.candidates


# --- the story ---


@pytest.fixture
def tell(transactional_db, settings, tmp_path):
    """`tell(prospects=…, seed=…)` runs the command and returns what it printed; CommandError when it exits 1."""
    settings.DATA_DIR = tmp_path

    def run(**options):
        out = io.StringIO()
        try:
            call_command("demo", once=True, stdout=out, **options)
        except CommandError as error:
            return f"{out.getvalue()}\nexit 1: {error}"
        return out.getvalue()

    return run


def test_demo_once_tells_a_whole_story_and_every_promise_is_kept(tell):
    told = tell(**EVERY_HABIT, keep=True)
    assert "Every promise was kept." in told
    assert {state for (state,) in Message.objects.values_list("state").distinct()} == {"sent", "refused", "cancelled"}
    kinds = {"bounced", "auto_replied", "replied", "unsubscribed", "clicked"}
    assert set(Event.objects.values_list("kind", flat=True)) == kinds
    assert set(Suppression.objects.values_list("reason", flat=True)) == {"bounced", "unsubscribed"}


@pytest.mark.prove
def test_demo_once_keeps_every_promise_to_300_people(tell):
    assert "Every promise was kept." in tell(prospects=300, seed=7)


@pytest.mark.prove
def test_demo_once_can_be_told_again_on_the_same_database(tell):
    assert "Every promise was kept." in tell(**A_FEW, keep=True)
    assert "Every promise was kept." in tell(**A_FEW, keep=True)
    assert Campaign.objects.filter(is_demo=True, state="paused").count() == 2
    assert Prospect.objects.count() == 2 * A_FEW["prospects"]


@pytest.mark.prove
def test_demo_once_leaves_nobody_behind_when_every_promise_was_kept(tell):
    factories.ProspectFactory()
    assert "Every promise was kept." in tell(**A_FEW)
    assert [model.objects.count() for model in (Campaign, Message, Event, Suppression, Mailbox)] == [0] * 5
    assert Prospect.objects.filter(is_demo=False).count() == Prospect.objects.count() == 1


def test_says_so_when_all_sending_is_stopped(tell):
    stopping.stop_all(by=None)
    assert "All sending is stopped" in tell(**A_FEW)


# --- planted bugs: a check that cannot fail proves nothing ---


def test_exits_1_when_an_accepted_message_is_planned_again(tell, monkeypatch):
    end = ledger.end

    def forgetful(*, ended, **options):
        end(ended=ended, **options)
        ids = [each.message_id for each in ended]
        Message.objects.filter(pk__in=ids, state="sent", attempts=1).update(state="planned", lease_token=None)

    monkeypatch.setattr(ledger, "end", forgetful)
    told = tell(**A_FEW)
    assert "exit 1" in told
    assert "2 times" in told


@pytest.mark.prove
def test_exits_1_when_an_accepted_message_is_planned_again_without_end(tell, monkeypatch):
    ended = replace(ledger._ENDED, sql=ledger._ENDED.sql.replace("SET state = 'sent'", "SET state = 'planned'"))
    monkeypatch.setattr(ledger, "_ENDED", ended)
    told = tell(**A_FEW)
    assert "exit 1" in told
    assert "times" in told


def test_exits_1_when_nothing_reads_the_stops_any_more(tell, monkeypatch):
    monkeypatch.setattr(ledger, "_CLAIM", replace(ledger._CLAIM, sql=ledger._CLAIM.sql.replace(gate.PASSES, "TRUE")))
    monkeypatch.setattr(ledger, "_MARK_MOSTLY", ledger._mark("TRUE"))
    monkeypatch.setattr(gate, "cancel_refused", lambda **options: 0)
    monkeypatch.setattr(stopping, "_stop", lambda **options: 0)
    told = tell(**A_FEW)
    assert "exit 1" in told
    assert "was marked after the person's stop" in told


def test_exits_1_when_the_ledger_says_sent_and_nothing_was_handed_over(tell, monkeypatch):
    accepted = Outcome(verdict=Verdict.ACCEPTED, phase=Phase.ACCEPTED, code=250)
    monkeypatch.setattr(SmtpConnection, "send", lambda self, **options: accepted)
    told = tell(**A_FEW)
    assert "exit 1" in told
    assert "was never received" in told


def test_exits_1_when_an_answer_stops_nothing(tell, monkeypatch):
    monkeypatch.setattr(stopping, "stop_enrollments", lambda **options: 0)
    told = tell(**A_FEW)
    assert "exit 1" in told
    assert "was marked after the person's stop" in told


# --- one kill later ---


class PowerCut(BaseException):
    """Nothing in the product catches it."""


def test_takes_up_a_killed_story_and_finishes_it_without_a_double(transactional_db, tmp_path, monkeypatch):
    """The process dies right after the server took a message: that one is uncertain, it is never sent again."""
    mark, count = ledger.mark, Counter()

    def cut_the_power(*, ended=(), **options):
        count["ended"] += len(ended)
        if count["ended"] == 4:
            monkeypatch.setattr(ledger, "end", lambda **options: None)
            raise PowerCut
        return mark(ended=ended, **options)

    end = ledger.end
    monkeypatch.setattr(ledger, "mark", cut_the_power)
    with pytest.raises(PowerCut):
        story.run_once(now=timezone.now(), root=tmp_path, **A_FEW)
    monkeypatch.setattr(ledger, "mark", mark)
    monkeypatch.setattr(ledger, "end", end)
    told = story.run_once(now=timezone.now(), root=tmp_path, **A_FEW)
    assert told.broken == ()
    assert told.counts["doubles"] == 0
    assert told.counts["uncertain"] <= 1
    assert Campaign.objects.count() == 1


# --- the world in real time ---


def somebodys_own_campaign(mailbox):
    """A newcomer tries a campaign of their own through the demo mailbox."""
    factories.ProspectFactory(tags=["mine"])
    mine = factories.SegmentFactory(filter={"field": "tags", "op": "contains", "value": "mine"})
    lifecycle.launch(campaign=factories.campaign(mailbox=mailbox, segment=mine), now=timezone.now(), by=None)
    planning.plan(now=timezone.now())


def test_serves_the_shipped_people_in_real_time_and_can_be_checked_meanwhile(transactional_db, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    stopped = threading.Event()

    def serve():
        try:
            serving.serve(stopped=stopped)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=1) as pool:
        served = pool.submit(serve)
        try:
            running = Campaign.objects.filter(state="running", is_demo=True)
            while not served.done() and not running.exists():
                stopped.wait(0.1)
            with pytest.raises(serving.AlreadyServed):
                serving.serve(stopped=stopped)
            planning.plan(now=timezone.now())
            mailbox = running.get().mailbox
            delivery.deliver(mailbox_id=mailbox.pk, now=timezone.now(), owner="test", limit=10)
            somebodys_own_campaign(mailbox)
            delivery.deliver(mailbox_id=mailbox.pk, now=timezone.now(), owner="test")
            checked = serving.check()
        finally:
            stopped.set()
    assert served.exception() is None
    assert checked.broken == ()
    assert checked.counts["received"] == checked.counts["sent"] > 0
    assert checked.counts["people"] == 300


# --- the demo world keeps to itself ---


@pytest.fixture
def staged(transactional_db, tmp_path):
    """A demo campaign that was just launched, with its world."""
    world = World(folder=tmp_path, seed=7, pace=ACCELERATED, visitor=InProcess(), languages={})
    with world:
        cast = Cast(tag="", people=people.shipped()[:3])
        yield world, cast, staging.ensure(world, cast=cast, now=NOON)


def test_sets_itself_up_once_and_finds_the_servers_again(staged):
    world, cast, campaign = staged
    assert staging.ensure(world, cast=cast, now=NOON) == campaign
    assert Prospect.objects.filter(is_demo=True).count() == 3
    mailbox = Mailbox.objects.get()
    assert (mailbox.is_demo, mailbox.smtp_port, mailbox.imap_port) == (True, world.smtp.port, world.imap.port)


def test_refuses_to_write_from_an_address_that_belongs_to_a_real_mailbox(transactional_db, tmp_path):
    real = factories.MailboxFactory(from_address="partners@lumentea.example", is_demo=False, smtp_port=2525)
    with (
        World(folder=tmp_path, seed=7, pace=ACCELERATED, visitor=InProcess(), languages={}) as world,
        pytest.raises(staging.CannotStage, match="real mailbox"),
    ):
        staging.ensure(world, cast=Cast(tag="", people=people.shipped()[:3]), now=NOON)
    real.refresh_from_db()
    assert real.smtp_port == 2525


def test_demo_people_are_never_written_to_from_a_real_mailbox(transactional_db, settings, smtp, imap):
    """Neither enrolled by a launch, nor let through by the gate when their mailbox is declared real afterwards."""
    settings.PUBLIC_URL = "https://outreach.example.com"
    cache.set(reaching.key(url=settings.PUBLIC_URL), "", 60)  # as if it had just answered
    mailbox = factories.mailbox_on(smtp, imap, verified_at=NOON)
    factories.ProspectFactory(is_demo=True)
    launched, real = factories.campaign(mailbox=mailbox), factories.campaign(mailbox=mailbox)
    assert lifecycle.launch(campaign=launched, now=NOON, by=None).enrolled == 1
    planning.plan(now=NOON)
    Mailbox.objects.update(is_demo=False)
    delivery.deliver(mailbox_id=mailbox.pk, now=NOON, owner="test")
    assert smtp.received == []
    real.refresh_from_db()
    assert lifecycle.launch(campaign=real, now=NOON, by=None).enrolled == 0


def test_a_demo_mailbox_reaches_loopback_only(transactional_db, smtp, imap):
    mailbox = factories.mailbox_on(smtp, imap, smtp_host="192.0.2.1")
    assert any("only this machine" in sentence for sentence in sending.check(mailbox=mailbox, now=NOON))
