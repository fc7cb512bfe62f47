"""A claim, an empty tick and the whole path as enrollments grow from a hundred thousand to five million.

What is due is the same each time; what grows is everything around it: people under way who wait for their next step,
and mails that were sent. The table says medians of seven, and each against the smallest size.

Uses a database of its own (`bench_claim`) on the configured server. `--sizes 100000,1000000` for others.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime

from outreach import embedded

embedded.provide()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "outreach.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django  # noqa: E402

django.setup()

from django.db import connection  # noqa: E402
from django.test.runner import DiscoverRunner  # noqa: E402

from bench import results, sending  # noqa: E402
from campaigns import delivery, ledger, planning  # noqa: E402
from campaigns.models import Campaign, Enrollment, Message  # noqa: E402
from campaigns.pacing import Pace  # noqa: E402
from integrations import leases  # noqa: E402
from prospects.models import Prospect  # noqa: E402

NAME = "bench_claim"
SIZES = "100000,1000000,5000000"
ROUNDS, CLAIMED, SENT = 7, 500, 500
MOST_PEOPLE = 1_000_000
MOST_CLAIM, MOST_TICK, LEAST_PATH = 3, 2, 0.7
# Everybody is in the first campaign; further ones take them again, until there are enough. All wait for next month, and
# every fifth was written to.
GROW = """
INSERT INTO campaigns_enrollment (
    public_id, campaign_id, prospect_id, sequence_version_id, mailbox_id, state, stop_reason, next_step_key,
    steps_handed_over, due_at, look_at)
SELECT gen_random_uuid(), %(campaign)s, p.id, v.id, %(mailbox)s, 'active', '', s.key, 1, now() + interval '30 days',
    now() + interval '29 days' + p.id * interval '1 millisecond'
FROM prospects_prospect p
JOIN campaigns_sequenceversion v ON v.campaign_id = %(campaign)s
JOIN campaigns_step s ON s.sequence_version_id = v.id AND s.position = 2
LIMIT %(number)s;
INSERT INTO campaigns_message (
    public_id, enrollment_id, campaign_id, prospect_id, mailbox_id, step_id, step_key, arm_id, template_version_id,
    recipient, recipient_key, contact_keys, message_id, is_follow_up, state, send_at, why, planned_at, attempts,
    marked_at, handed_over_at, cancel_reason, smtp_phase, smtp_code, smtp_status, smtp_reply, subject, text, html,
    outcome)
SELECT gen_random_uuid(), e.id, e.campaign_id, e.prospect_id, e.mailbox_id, s.id, s.key, a.id, a.template_version_id,
    p.email, p.identity_key, p.contact_keys, '<' || e.id || '@bench.example>', false, 'sent', y.at, '{}', y.at, 1, y.at,
    y.at, '', 'accepted', 250, '', '', 'Hello', 'Hello there', '', ''
FROM campaigns_enrollment e
JOIN prospects_prospect p ON p.id = e.prospect_id
JOIN campaigns_step s ON s.sequence_version_id = e.sequence_version_id AND s.position = 1
JOIN campaigns_arm a ON a.step_id = s.id
CROSS JOIN LATERAL (SELECT now() - interval '2 days' - e.id * interval '100 milliseconds' AS at) y
WHERE e.campaign_id = %(campaign)s AND e.id %% 5 = 0
"""


def grow(size, boxes):
    """So many enrollments, over campaigns of their own: the same million people, again and again."""
    if (missing := min(size, MOST_PEOPLE) - Prospect.objects.count()) > 0:
        sending.add_people(missing)
    while (missing := size - Enrollment.objects.count()) > 0:
        number = Campaign.objects.count()
        campaign = sending.campaign(boxes[number % len(boxes)], f"Other {number}")
        sending.run(GROW, {"campaign": campaign.pk, "mailbox": campaign.mailbox_id, "number": missing})
    sending.run("VACUUM ANALYZE")


def timed(work):
    """Milliseconds, the median of ROUNDS, after one that warms up."""
    found = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        work()
        found.append((time.perf_counter() - began) * 1e3)
    return statistics.median(found[1:])


def claim(mailbox):
    """One claim of many, given back."""
    token = leases.take(mailbox_id=mailbox.pk, owner="bench")
    found = ledger.claim(mailbox_id=mailbox.pk, token=token, now=datetime.now(UTC), limit=CLAIMED)
    ledger.release(mailbox_id=mailbox.pk, token=token)
    leases.release(mailbox_id=mailbox.pk, token=token)
    if len(found) != CLAIMED:
        raise SystemExit(f"{len(found)} were claimed.")


def tick():
    """The two ticks that come every five seconds, with nothing to do."""
    now = datetime.now(UTC)
    planning.plan(now=now)
    delivery.mailboxes_with_work(now=now)


def path(campaign):
    """From due to sent, for so many people."""
    sending.plan(SENT)
    how = {"mailbox_id": campaign.mailbox_id, "owner": "bench", "pace": Pace(connections=4, ahead=10)}
    done = delivery.deliver(now=datetime.now(UTC), limit=SENT, **how)
    if done.sent != SENT:
        raise SystemExit(f"{done.sent} were sent.")


def end(campaign):
    """Nothing of it is left for the next size's empty tick, neither first mails nor what follows on them."""
    Message.objects.filter(campaign=campaign, state="planned").update(state="cancelled")
    Enrollment.objects.filter(campaign=campaign).update(state="finished", look_at=None)


def report(found):
    """A line for each size; False when growth costs more than it may."""
    first, fine = next(iter(found.values())), True
    print(f"{'enrollments':>12}{'claim ms':>10}{'×':>6}{'empty tick ms':>15}{'×':>6}{'path msgs/s':>13}{'÷':>6}")
    for size, (claimed, ticked, sent) in found.items():
        ratios = claimed / first[0], ticked / first[1], first[2] / sent
        missed = ratios[0] > MOST_CLAIM or ratios[1] > MOST_TICK or ratios[2] < LEAST_PATH
        print(
            f"{size:12,}{claimed:10.1f}{ratios[0]:6.1f}{ticked:15.1f}{ratios[1]:6.1f}{SENT / sent * 1e3:13,.0f}"
            f"{ratios[2]:6.2f}" + ("  <--" if missed else "")
        )
        fine &= not missed
    names = ("claim_ms", "tick_ms", "path_ms")
    results.keep("claim", {str(size): dict(zip(names, ms, strict=True)) for size, ms in found.items()})
    return fine


def measured(sizes, port):
    boxes = [sending.relay(port, number=number) for number in range(6)]
    busy = sending.campaign(boxes[0], "Busy")
    found = {}
    for size in sizes:
        grow(size, boxes[1:])
        ticked = timed(tick)
        sending.enrol(busy, sending.add_people(SENT * (ROUNDS + 1) + CLAIMED))
        sent = timed(lambda: path(busy))
        sending.plan(CLAIMED)
        found[size] = timed(lambda: claim(busy.mailbox)), ticked, sent
        end(busy)
        print(f"{size:,} enrollments: {found[size]}", file=sys.stderr)
    return report(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=SIZES)
    sizes = [int(size) for size in parser.parse_args().sizes.split(",")]
    connection.settings_dict["TEST"] |= {"NAME": NAME, "SERIALIZE": False}
    runner = DiscoverRunner(verbosity=0, interactive=False)
    old = runner.setup_databases(serialized_aliases=[])
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    sink = subprocess.Popen([sys.executable, "-m", "bench.sink"], **pipes)
    try:
        return int(not measured(sizes, int(sink.stdout.readline())))
    finally:
        sink.terminate()
        runner.teardown_databases(old)


if __name__ == "__main__":
    sys.exit(main())
