"""Every page with 200,000 prospects and 500,000 messages: p95 of each, as milliseconds and against an empty page.

Fills a database of its own (`bench_outreach`) on the configured server and drops it again; `--keep` keeps it for the
next run. A page fails above 300 ms or 300 kB compressed.
"""

import gzip
import os
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta

from outreach import embedded

embedded.provide()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "outreach.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django  # noqa: E402
from django.conf import settings  # noqa: E402

django.setup()
settings.ALLOWED_HOSTS = ["testserver"]

from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.runner import DiscoverRunner  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.urls import get_resolver, reverse  # noqa: E402

from accounts.models import User  # noqa: E402
from campaigns import counting, lifecycle  # noqa: E402
from campaigns.models import Campaign, Message, Reply  # noqa: E402
from integrations.models import Mailbox  # noqa: E402
from outreach.permissions import ROUTES  # noqa: E402
from prospects.models import ImportBatch, Program, Prospect, Segment  # noqa: E402
from templates import versions  # noqa: E402

connection.settings_dict["TEST"] |= {"NAME": "bench_outreach", "SERIALIZE": False}
ROUNDS = 20
MOST_MS, MOST_BYTES = 300, 300_000
NOW = datetime.now(UTC)
TEXT = "Hello {{ first_name | default: 'there' }}\n{{ postal_address }}\n{{ unsubscribe_url }}"
# Pages that change something, call a server outside, or need what only a running process has.
LEFT_OUT = {"sign-in", "sign-out", "metrics", "health", "ready", "unsubscribe", "click", "rehearsal", "rehearsal-live"}

PEOPLE = """
INSERT INTO prospects_site (public_id, domain, hold_reason) SELECT gen_random_uuid(), 'site' || n || '.example', '' FROM generate_series(1, 50000) n;
INSERT INTO prospects_prospect (public_id, kind, email, identity_key, contact_keys, first_name, last_name, company, job_title, website,
    site_id, x_handle, linkedin_url, country, time_zone, language, tags, custom, source, legal_basis, is_demo, stop_reason, hold_reason)
SELECT gen_random_uuid(), 'person', 'person' || n || '@site' || n % 50000 + 1 || '.example', md5(n::text) || md5((-n)::text),
    ARRAY['address:' || md5(n::text) || md5((-n)::text), 'domain:site' || n % 50000 + 1 || '.example'],
    (ARRAY['Anna', 'Ben', 'Chloé', 'Dmitri', 'Elif', 'Femi'])[n % 6 + 1], 'Family' || n % 9000, 'Company ' || n % 40000, '', '',
    (SELECT min(id) FROM prospects_site) + n % 50000, '', '', (ARRAY['DE', 'GB', 'US', 'FR', ''])[n % 5 + 1],
    (ARRAY['Europe/Berlin', 'Europe/London', 'America/New_York', 'Europe/Paris', ''])[n % 5 + 1], 'en',
    ARRAY['tag' || n % 20], '{}', 'list ' || n % 12, '', false, '', ''
FROM generate_series(1, 200000) n;
UPDATE prospects_prospect SET held_at = now(), hold_reason = 'ask Ada' WHERE id % 1000 = 1;
INSERT INTO prospects_suppression (public_id, kind, key, value, reason, source)
SELECT gen_random_uuid(), 'address', 'address:' || md5(n::text) || md5((-n)::text), 'person' || n || '@site.example', 'unsubscribed', ''
FROM generate_series(1, 200000, 10) n;
"""  # noqa: E501
LEDGER = """
INSERT INTO campaigns_enrollment (public_id, campaign_id, prospect_id, sequence_version_id, mailbox_id, state, stop_reason, next_step_key,
    steps_handed_over, due_at, look_at)
SELECT gen_random_uuid(), c.id, p.id, v.id, (SELECT min(id) FROM integrations_mailbox) + p.id % 20, (ARRAY['active', 'active', 'finished', 'stopped'])[p.id % 4 + 1],
    CASE WHEN p.id % 4 = 3 THEN (ARRAY['replied', 'bounced', 'unsubscribed'])[p.id % 3 + 1] ELSE '' END, s.key, 1, now(),
    CASE WHEN p.id % 4 < 2 THEN now() + interval '1 day' END
FROM campaigns_campaign c JOIN campaigns_sequenceversion v ON v.campaign_id = c.id
JOIN campaigns_step s ON s.sequence_version_id = v.id AND s.position = 1
JOIN prospects_prospect p ON c.name = 'Campaign 0' OR p.id % 29 = c.id % 29
WHERE c.state <> 'draft';
INSERT INTO campaigns_message (public_id, enrollment_id, campaign_id, prospect_id, mailbox_id, step_id, step_key, arm_id, template_version_id,
    recipient, recipient_key, contact_keys, message_id, is_follow_up, state, send_at, why, planned_at, attempts, marked_at, handed_over_at,
    cancel_reason, smtp_phase, smtp_code, smtp_status, smtp_reply, subject, text, html, outcome)
SELECT gen_random_uuid(), e.id, e.campaign_id, e.prospect_id, e.mailbox_id, s.id, s.key, a.id, a.template_version_id,
    p.email, p.identity_key, p.contact_keys, '<' || e.id || '.' || s.id || '@bench.example>', s.position > 1, x.state, y.at, '{}', y.at, 0,
    CASE WHEN x.state <> 'planned' THEN y.at END, CASE WHEN x.state <> 'planned' THEN y.at END, '', '', 0, '', '', 'Hello', 'Hello there', '',
    CASE WHEN e.id % 40 = 0 THEN 'bounced' ELSE '' END
FROM campaigns_enrollment e JOIN campaigns_step s ON s.sequence_version_id = e.sequence_version_id
JOIN campaigns_arm a ON a.step_id = s.id JOIN prospects_prospect p ON p.id = e.prospect_id
CROSS JOIN LATERAL (SELECT CASE WHEN s.position = 2 AND e.id % 50 = 0 THEN 'planned' WHEN e.id % 9000 = 0 THEN 'uncertain' ELSE 'sent' END AS state) x
CROSS JOIN LATERAL (SELECT now() + CASE WHEN x.state = 'planned' THEN 1 ELSE -1 END * (e.id % 2000000) * interval '3 seconds' AS at) y
WHERE s.position = 1 OR e.id % 10 < 3 OR e.campaign_id = (SELECT min(id) FROM campaigns_campaign) LIMIT 500000;
INSERT INTO campaigns_event (public_id, kind, prospect_id, enrollment_id, message_id, occurred_at, by_machine, detail, dedupe_key)
SELECT gen_random_uuid(), (ARRAY['replied', 'clicked', 'bounced', 'unsubscribed'])[m.id % 4 + 1], m.prospect_id, m.enrollment_id, m.id,
    m.handed_over_at + interval '1 hour', false, '{}', 'bench:' || m.id
FROM campaigns_message m WHERE m.state = 'sent' AND m.id % 5 = 0;
INSERT INTO campaigns_reply (public_id, prospect_id, message_id, event_id, sender, subject, text, reply_class, received_at, read_at)
SELECT gen_random_uuid(), e.prospect_id, e.message_id, e.id, 'a@site.example', 'Re: Hello', 'Yes, tell me more.',
    (ARRAY['positive', 'question', 'negative', 'other'])[e.id % 4 + 1], e.occurred_at, CASE WHEN e.id % 100 > 0 THEN now() END
FROM campaigns_event e WHERE e.kind = 'replied';
ANALYZE;
"""  # noqa: E501


def fill():
    """200,000 people on 50,000 sites, 20 mailboxes, 30 campaigns, the first of them with everybody."""
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE)
    program = Program.objects.create(name="Bench", merchant="Bench", postal_address="1 High Street")
    everybody = Segment.objects.create(name="Everybody", filter={})
    boxes = [
        Mailbox.objects.create(
            name=f"Box {n}",
            from_name="Ada",
            from_address=f"ada{n}@bench.example",
            smtp_host="127.0.0.1",
            smtp_port=1,
            smtp_security="none",
            imap_host="127.0.0.1",
            imap_port=1,
            imap_security="none",
            imap_username="ada",
            daily_cap=2_000,
            is_demo=True,
            verified_at=NOW,
            polled_at=NOW,
        )
        for n in range(20)
    ]
    template = versions.create_template(name="Bench", subject="Hello", text=TEXT, by=None)
    for n in range(31):
        campaign = lifecycle.create_campaign(
            name=f"Campaign {n}", program=program, segment=everybody, mailbox=boxes[n % 20], by=None
        )
        for _ in range(2):
            lifecycle.add_step(campaign=campaign, template=template, by=None)
    Campaign.objects.exclude(name="Campaign 30").update(state="running", launched_at=NOW - timedelta(days=60))
    with connection.cursor() as cursor:
        cursor.execute(LEDGER)
    began = time.perf_counter()
    counting.recount(now=NOW)
    print(f"first count of everything: {time.perf_counter() - began:.1f} s")
    ImportBatch.objects.create(file_name="people.csv", status="done", added=200_000)


def address(route):
    """The page's address, about the busiest of what it can show."""
    names = get_resolver().reverse_dict.getlist(route)[0][0][0][1]
    if not names:
        return reverse(route)
    kind = route.partition("-")[0]
    drafts = ("campaign-edit", "campaign-audience", "campaign-check", "campaign-launch", "campaign-rehearse")
    if route.startswith(drafts):
        subject = Campaign.objects.get(name="Campaign 30")
    elif kind == "campaign":
        subject = Campaign.objects.get(name="Campaign 0")
    else:
        model = {
            "prospect": Prospect,
            "message": Message,
            "reply": Reply,
            "segment": Segment,
            "import": ImportBatch,
            "program": Program,
            "mailbox": Mailbox,
        }.get(kind)
        if model is None:
            return None
        subject = model.objects.order_by("id").first()
    values = {"id": subject.public_id, "reason": "written"}
    return reverse(route, args=[values[name] for name in names])


def addresses():
    """Each page once, and the lists with the filters that cost most."""
    pages = {
        route: where
        for route, methods in ROUTES.items()
        if "GET" in methods and route not in LEFT_OUT and not route.startswith("api-") and (where := address(route))
    }
    more = {
        "prospects: search": "/prospects/?q=family+12",
        "prospects: rare": "/prospects/?q=person199999",
        "search: name": "/search/?q=anna",
        "search: address": "/search/?q=person777@site",
        "search: none": "/search/?q=zzzzzz",
        "inbox: all": "/inbox/?tab=all",
        "admin: prospects": "/admin/prospects/prospect/",
        "admin: messages": "/admin/campaigns/message/",
        "admin: events": "/admin/campaigns/event/",
    }
    return {**pages, **more}


def measure(client, where):
    """Milliseconds of each round, number of queries, compressed bytes, status; the first visit only warms up."""
    took = []
    client.get(where)
    for _ in range(ROUNDS):
        began = time.perf_counter()
        response = client.get(where)
        took.append(1000 * (time.perf_counter() - began))
    with CaptureQueriesContext(connection) as queries:
        response = client.get(where)
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return took, len(queries), len(gzip.compress(body)), response.status_code


def main():
    runner = DiscoverRunner(verbosity=0, interactive=False, keepdb="--keep" in sys.argv)
    old = runner.setup_databases(serialized_aliases=[])
    try:
        if not Prospect.objects.exists():
            fill()
        client = Client(raise_request_exception=False)
        user, _ = User.objects.get_or_create(username="bench", role="administrator", is_staff=True, is_superuser=True)
        client.force_login(user)
        wanted = [word for word in sys.argv[1:] if not word.startswith("-")]
        floor = statistics.median(measure(client, "/settings/")[0])
        print(f"{'page':34} {'p50 ms':>8} {'p95 ms':>8} {'÷ empty':>8} {'queries':>8} {'kB gz':>6}  status")
        failed = False
        for name, where in addresses().items():
            if wanted and not any(word in name for word in wanted):
                continue
            took, queries, size, status = measure(client, where)
            p50, p95 = statistics.median(took), statistics.quantiles(took, n=20)[-1]
            slow = p95 > MOST_MS or size > MOST_BYTES or status >= 500
            failed |= slow
            print(
                f"{name:34} {p50:8.1f} {p95:8.1f} {p50 / floor:8.1f} {queries:8} {size / 1000:6.1f}  {status}"
                + ("  <-- over" if slow else "")
            )
        return int(failed)
    finally:
        runner.teardown_databases(old)


if __name__ == "__main__":
    sys.exit(main())
