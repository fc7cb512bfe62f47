"""What the gate mostly asks, against all that it asks."""

import random
from contextlib import nullcontext, suppress
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from campaigns import gate, ledger, planning
from campaigns.models import Message, TouchRules
from campaigns.rules import ruling
from integrations import leases
from tests.saying import said

pytestmark = pytest.mark.django_db(transaction=True)

TOUCH_RULES = "INSERT INTO campaigns_touchrules (id, person_days, site_days, exclusive, site_reply, site_reply_days)"
INBOUND = """INSERT INTO integrations_inboundevent (
    source, digest, raw, attempts, error, stored_at, mailbox_id, uidvalidity, uid)"""
FACTS = (
    "INSERT INTO campaigns_sendingcontrol (id, stop_reason, held_because, held_note, stopped_at, beats)"
    " VALUES (1, 'x', '', '', now(), 1)",
    "INSERT INTO campaigns_sendingcontrol (id, stop_reason, held_because, held_note, held_at, beats)"
    " VALUES (1, '', 'clock', '', now(), 1)",
    "UPDATE campaigns_message SET overdue_at = now()",
    "UPDATE campaigns_message SET worker_deaths = 4",
    "UPDATE campaigns_message SET awaits = 'approval'",
    "UPDATE campaigns_message SET contact_keys = '{address:x}'",
    "UPDATE campaigns_campaign SET state = 'paused'",
    "UPDATE campaigns_campaign SET rehearsal_of_id = id, rehearsal_to = 'me@shop.example'",
    "UPDATE campaigns_campaign SET one_per_site = true",
    "UPDATE campaigns_campaign SET goals = '{}'",
    "UPDATE integrations_mailbox SET status = 'paused'",
    "UPDATE integrations_mailbox SET polled_at = now() - interval '1 hour'",
    "UPDATE integrations_mailbox SET polled_at = NULL",
    "UPDATE campaigns_enrollment SET state = 'stopped', look_at = NULL",
    "UPDATE prospects_prospect SET email = 'new@tea.example'",
    "UPDATE prospects_prospect SET stopped_at = now()",
    "UPDATE prospects_prospect SET held_at = now()",
    "UPDATE prospects_prospect SET protected_at = now()",
    "UPDATE prospects_prospect SET contacted_elsewhere_at = '2999-01-01Z'",
    "UPDATE prospects_prospect SET is_demo = true",
    "UPDATE prospects_prospect SET country = 'FR'",
    "UPDATE prospects_prospect SET person_id = (SELECT max(id) FROM prospects_prospect)",
    "UPDATE prospects_prospect SET site_id = NULL",
    "UPDATE prospects_site SET stopped_at = now()",
    "UPDATE prospects_site SET held_at = now()",
    "UPDATE prospects_site SET protected_at = now()",
    "UPDATE prospects_site SET answered_at = '2999-01-01Z'",
    "INSERT INTO campaigns_countryrule (country, rule) VALUES ('FR', 'never')",
    "INSERT INTO campaigns_countryrule (country, rule) VALUES ('FR', 'task')",
    "INSERT INTO prospects_suppression (public_id, kind, key, value, reason, source)"
    " SELECT gen_random_uuid(), 'address', contact_keys[1], '', 'manual', '' FROM prospects_prospect",
    "INSERT INTO prospects_merge (public_id, reason, before, merged_id, survivor_id)"
    " SELECT gen_random_uuid(), 'same', '{}', min(id), max(id) FROM prospects_prospect",
    "INSERT INTO prospects_stage (name, changed_at, program_id, prospect_id)"
    " SELECT 'joined', now(), c.program_id, p.id FROM campaigns_campaign c, prospects_prospect p",
    f"{INBOUND} SELECT 'imap', 'x', '', 0, '', now() - interval '3 minutes', id, 1, 1 FROM integrations_mailbox",
    f"{INBOUND} VALUES ('mailgun', 'y', '', 0, '', now() - interval '3 minutes', NULL, NULL, NULL)",
    f"{TOUCH_RULES} VALUES (1, 0, 0, 'none', 'nothing', 14)",
    f"{TOUCH_RULES} VALUES (1, 90, 90, 'site', 'hold', 14)",
)


@pytest.fixture
def claimed(running):
    """A first message and a follow-up that are about to be marked, with the token of their claim."""

    def launch():
        world = running(people=2, steps=2)
        planning.plan(now=world.now)
        world.deliver()
        world.later(days=8)
        late, early = Message.objects.order_by("-id")[:2]
        planning.plan(now=world.now)
        follow_up = Message.objects.filter(is_follow_up=True).order_by("id").first()
        first = late if late.enrollment_id != follow_up.enrollment_id else early
        Message.objects.filter(pk=first.pk).update(state="planned", send_at=world.now)
        Message.objects.filter(pk=follow_up.pk).update(send_at=world.now)
        return world, first.pk, follow_up.pk

    return launch


def asked(pk):
    """Whether the message mostly passes, and whether it does."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT coalesce({gate.MOSTLY_PASSES}, false), coalesce({gate.PASSES}, false)"
            " FROM campaigns_message m WHERE id = %s",
            [pk],
        )
        return cursor.fetchone()


def test_lets_an_ordinary_message_pass_by_what_is_mostly_asked(claimed):
    _, first, follow_up = claimed()
    assert asked(first) == asked(follow_up) == (True, True)


@pytest.mark.parametrize("mixtures", [40, pytest.param(1000, marks=pytest.mark.prove)])
def test_mostly_passes_only_what_passes_whatever_is_known(claimed, mixtures):
    """Each fact alone, and many mixtures of two to four."""
    _, *messages = claimed()
    chance, refused = random.Random(5), 0
    some = [(fact,) for fact in FACTS] + [chance.sample(FACTS, chance.randint(2, 4)) for _ in range(mixtures)]
    for facts in some:
        with transaction.atomic(), connection.cursor() as cursor:
            for number, fact in enumerate(facts):
                with suppress(IntegrityError) if number else nullcontext(), transaction.atomic():
                    cursor.execute(fact)
            for pk in messages:
                mostly, passes = asked(pk)
                assert passes or not mostly, facts
                refused += not passes
            transaction.set_rollback(True)
    assert refused > len(FACTS)


def test_asks_the_whole_gate_about_whom_the_most_part_refuses(claimed):
    """A rule that keeps nobody here apart: they are marked, as they would be without it."""
    world, first, follow_up = claimed()
    ruling.change(now=world.now, person_days=1)
    Message.objects.filter(state="sent").update(handed_over_at=world.now - timedelta(days=30))
    assert asked(first) == asked(follow_up) == (False, True)
    token = leases.take(mailbox_id=world.mailbox.pk, owner="a")
    words = [said(pk, now=world.now) for pk in (first, follow_up)]
    assert ledger.mark(said=words, token=token, now=world.now) == {first, follow_up}


def test_a_rule_that_was_committed_before_the_mark_holds_the_message(claimed):
    """Nobody asked for rules when the run began."""
    world, first, follow_up = claimed()
    token = leases.take(mailbox_id=world.mailbox.pk, owner="a")
    words = [said(pk, now=world.now) for pk in (first, follow_up)]
    ruling.change(now=world.now, exclusive=TouchRules.Exclusive.SITE, person_days=90)
    assert ledger.mark(said=words, token=token, now=world.now) == {first}
    assert gate.refusals(message_ids=[follow_up])[follow_up] == ["touched_lately"]
