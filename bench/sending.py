"""What the benches of sending share: people, a relay, a campaign, and planning what is due."""

import time
from datetime import UTC, datetime

from django.db import connection

from campaigns import enrolling, lifecycle, planning
from campaigns.models import Campaign, Message, Step
from integrations.models import Mailbox
from prospects.models import Program, Prospect, Segment
from templates import versions

SUBJECT = "{{ first_name }}, a partnership with {{ merchant }}?"
TEXT = """Hello {{ first_name | default: "there" }},

I read {{ site }} and liked what {{ company | default: "you" }} say there. {{ merchant }} pays its partners monthly, and
your readers in {{ country | default: "your country" }} already buy from us: {{ program_website }}

Shall I send you the terms of {{ program }}?

{{ sender_name }}, {{ sender_address }}
{{ postal_address }}
No more mails: {{ unsubscribe_url }}
"""
HTML = """<html><body><p>Hello {{ first_name | default: "there" }},</p>
<p>I read {{ site }} and liked what {{ company | default: "you" }} say there. {{ merchant }} pays its partners monthly,
and your readers in {{ country | default: "your country" }} <a href="https://shop.example/partners">already buy</a>.</p>
<p>Shall I send you the <a href="https://shop.example/terms">terms of {{ program }}</a>?</p>
<p>{{ sender_name }}, {{ sender_address }}<br>{{ postal_address }} <a href="{{ unsubscribe_url }}">No more mails</a></p>
</body></html>"""
PEOPLE = """
INSERT INTO prospects_site (public_id, domain, hold_reason)
SELECT gen_random_uuid(), 'site' || n || '.example', '' FROM generate_series(%(first)s, %(last)s) n;
INSERT INTO prospects_prospect (
    public_id, kind, email, identity_key, contact_keys, first_name, last_name, company, job_title, website, site_id,
    x_handle, linkedin_url, country, time_zone, language, tags, custom, source, legal_basis, is_demo, stop_reason,
    hold_reason)
SELECT gen_random_uuid(), 'person', 'person@' || s.domain, k.key, ARRAY['address:' || k.key, 'domain:' || s.domain],
    'Anna', 'Family' || n, 'Company ' || n, '', '', s.id, '', '', 'DE', 'Europe/Berlin', 'en', '{}', '{}', 'list',
    '', false, '', ''
FROM generate_series(%(first)s, %(last)s) n JOIN prospects_site s ON s.domain = 'site' || n || '.example'
CROSS JOIN LATERAL (SELECT md5(s.domain) || md5('x' || s.domain) AS key) k"""


def run(statements, values=None):
    """Statements with a semicolon between them."""
    with connection.cursor() as cursor:
        for statement in statements.split(";"):
            cursor.execute(statement, values)


def add_people(number):
    """So many more, each on a site of their own; returns them."""
    first = Prospect.objects.count() + 1
    run(PEOPLE, {"first": first, "last": first + number - 1})
    return Prospect.objects.filter(pk__in=Prospect.objects.order_by("-pk").values("pk")[:number])


def relay(port, *, number=0):
    """A relay: no gap, no cap that matters."""
    now = datetime.now(UTC)
    known = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none", "imap_host": "127.0.0.1"}
    known |= {"imap_port": 1, "imap_security": "none", "imap_username": "ada", "daily_cap": 10**9, "gap_seconds": 0}
    known |= {"is_demo": True, "verified_at": now, "polled_at": now, "from_name": "Ada"}
    return Mailbox.objects.create(name=f"Relay {number}", from_address=f"ada{number}@shop.example", **known)


def campaign(mailbox, name):
    """A running campaign of two steps with nobody in it; its window is always open."""
    words = {"merchant": "Shop", "website": "https://shop.example", "postal_address": "1 High Street"}
    program, _ = Program.objects.get_or_create(name="Shop", defaults=words)
    nobody, _ = Segment.objects.get_or_create(name="Nobody", defaults={"filter": {"any": []}})
    template = versions.create_template(name=name, subject=SUBJECT, text=TEXT, html=HTML, by=None)
    made = lifecycle.create_campaign(name=name, program=program, segment=nobody, mailbox=mailbox, by=None)
    for _ in range(2):
        lifecycle.add_step(campaign=made, template=template, by=None)
    Step.objects.update(window_start="00:00", window_end="00:00", weekdays=[1, 2, 3, 4, 5, 6, 7])
    Campaign.objects.filter(pk=made.pk).update(state=Campaign.State.RUNNING, launched_at=datetime.now(UTC))
    made.sequence_versions.update(published_at=datetime.now(UTC))
    made.refresh_from_db()
    return made


def enrol(campaign, people):
    """They are due at once."""
    enrolling.enroll(campaign=campaign, prospects=people, now=datetime.now(UTC), by=None)


def plan(messages):
    """Plans until so many wait to be sent; seconds for each that was planned."""
    began, before = time.perf_counter(), Message.objects.filter(state="planned").count()
    planned = before
    while planned < messages:
        if not (more := planning.plan(now=datetime.now(UTC)).messages):
            raise SystemExit("Nobody is left to be written to.")
        planned += more
    return (time.perf_counter() - began) / max(1, planned - before)
