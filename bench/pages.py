"""Every page with 200,000 prospects and 500,000 messages: p95 of each, as milliseconds and against an empty page.

Fills a database of its own (`bench_outreach`) on the configured server and drops it again; `--keep` keeps it for the
next run, `--people N` takes fewer, further words choose pages by name. A page fails above 300 ms or 300 kB compressed,
and when it answers anything but what it is for. Of a download the time to its first piece is measured.
"""

import argparse
import gzip
import io
import os
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

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

from accounts import keys, links  # noqa: E402
from accounts.models import User  # noqa: E402
from campaigns import (  # noqa: E402
    answers,
    audience,
    counting,
    lifecycle,
    lifting,
    planning,
    rehearsing,
    roster,
    staging,
    standing,
    tracking,
)
from campaigns.models import Campaign, Message, Reply, TrackedLink  # noqa: E402
from campaigns.rules import ruling  # noqa: E402
from integrations.models import Mailbox  # noqa: E402
from outreach.lib import signing  # noqa: E402
from outreach.permissions import PUBLIC, ROUTES  # noqa: E402
from prospects import editing, files, following_up, merging  # noqa: E402
from prospects.importing import choosing, uploading  # noqa: E402
from prospects.models import (  # noqa: E402
    Duplicate,
    File,
    ImportBatch,
    Note,
    Program,
    Prospect,
    Segment,
    Stage,
    Suppression,
)
from templates import versions  # noqa: E402

connection.settings_dict["TEST"] |= {"NAME": "bench_outreach", "SERIALIZE": False}
ROUNDS = 20
MOST_MS, MOST_BYTES = 300, 300_000
NOW = datetime.now(UTC)
TEXT = "Hello {{ first_name }}\n{{ postal_address }}\n{{ unsubscribe_url }}"
HTML = (
    '<p>Hello, <a href="https://shop.example/tea">look</a></p><p>{{ postal_address }} '
    '<a href="{{ unsubscribe_url }}">No more</a></p>'
)
LEFT_OUT = {"metrics", "health", "ready"}  # machines ask them, of a running installation
WANTED = {"click": 302}  # what is right to answer, where it is not 200
QUERIES = {"reply-label": "?reply_class=unsubscribe"}  # with which a route shows its page
DRAFTED = ("edit", "audience", "audience-people", "check", "launch", "rehearse")


def fill(people):
    """People on sites, 20 mailboxes, 30 campaigns, the first of them with everybody, and a draft that is rehearsed."""
    told = {"added": people // 4, "rejected": people // 40}
    ImportBatch.objects.create(file_name="people.csv", status="done", finished_at=NOW, **told)
    run("people.sql", people)
    drafts = make_campaigns()
    rehearse(drafts[-1])
    running = Campaign.objects.filter(pk__in=[each.pk for each in drafts[:-1]])
    running.update(state="running", launched_at=NOW - timedelta(days=60))
    run("ledger.sql", people)
    rule()
    keep_more()
    for name, count in (("everything", lambda: counting.recount(now=NOW)), ("stages", staging.everything)):
        began = time.perf_counter()
        count()
        print(f"first count of {name}: {time.perf_counter() - began:.1f} s")


def rule():
    """Every rule over all campaigns, so that the sum of an audience asks all that it can."""
    apart = {"person_days": 7, "site_days": 3, "exclusive": "person", "site_reply": "hold", "site_reply_days": 14}
    ruling.change(now=NOW, **apart)
    for country, says in (("FR", "never"), ("GB", "task")):
        ruling.set_country(country=country, rule=says, now=NOW)


def run(name, people):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('bench.people', %s, false)", [str(people)])
        cursor.execute(Path(__file__).with_name(name).read_text())
        cursor.execute("VACUUM ANALYZE")  # what the server does by itself, soon after


def make_campaigns():
    """31 drafts over 20 mailboxes that nothing is sent from."""
    program = Program.objects.create(name="Bench", merchant="Bench", postal_address="1 High Street")
    everybody = Segment.objects.create(name="Everybody", filter={})
    nowhere = {"smtp_host": "127.0.0.1", "smtp_port": 1, "smtp_security": "none"}
    nowhere |= {"imap_host": "127.0.0.1", "imap_port": 1, "imap_security": "none", "imap_username": "ada"}
    known = {**nowhere, "daily_cap": 2_000, "is_demo": True, "verified_at": NOW, "polled_at": NOW, "from_name": "Ada"}
    boxes = [Mailbox.objects.create(name=f"Box {n}", from_address=f"ada{n}@x.example", **known) for n in range(20)]
    template = versions.create_template(name="Bench", subject="Hello", text=TEXT, html=HTML, by=None)
    made = []
    for n in range(31):
        parts = {"program": program, "segment": everybody, "mailbox": boxes[n % 20]}
        campaign = lifecycle.create_campaign(name=f"Campaign {n}", by=None, **parts)
        for _ in range(2):
            lifecycle.add_step(campaign=campaign, template=template, by=None)
        made.append(campaign)
    return made


def rehearse(draft):
    """As three people, the first mail of each has left; nothing else runs yet, so nothing else is planned."""
    people = list(Prospect.objects.filter(held_at=None, stopped_at=None).order_by("id")[:3])
    made = rehearsing.start(campaign=draft, prospects=people, to="me@bench.example", now=NOW, by=None)
    planning.plan(now=NOW)
    sent = Message.objects.filter(campaign=made)
    sent.update(state="sent", marked_at=NOW, handed_over_at=NOW, subject="Hello", text="Hello there", html=HTML)


def keep_more():
    """What is kept about one person, a dozen merges, a sheet that waits for its columns, and a key."""
    person = busiest()
    Note.objects.bulk_create(Note(prospect=person, text=f"Talked to them, {n}") for n in range(50))
    source = io.BytesIO(b"%PDF" * 10_000)
    files.keep_file(prospect=person, name="rates.pdf", content_type="application/pdf", source=source, by=None)
    following_up.set_next_step(prospect=person, text="Call them", due=NOW.date(), by=None)
    for n in range(12):
        two = [editing.add_prospect(email=f"{word}{n}@twins.example", by=None) for word in ("one", "two")]
        merging.merge(survivor=two[0], merged=two[1], by=None, now=NOW)
    lines = [f"person{n}@site{n}.example;Anna;Company {n};{n % 7}" for n in range(0, 40_000, 2)]
    sheet = io.BytesIO("\n".join(["Email;First name;Company;Niche", *lines]).encode())
    choosing.choose_by_names(batch=uploading.store(source=sheet, file_name="next.csv", by=None, now=NOW))
    owner, _ = User.objects.get_or_create(username="bench", role="administrator", is_staff=True, is_superuser=True)
    keys.create_key(name="Bench", role="viewer", owner=owner)


def busiest():
    """The first of those who are in two campaigns and may be written to."""
    return Message.objects.filter(campaign__name="Campaign 0", state="sent").order_by("id").first().prospect


def arguments():
    """What the routes' addresses say, by the route's name or its first word: about the busiest of each."""
    campaign, draft = (Campaign.objects.get(name=f"Campaign {n}") for n in (0, 30))
    step = draft.current_version().steps.order_by("position").first()
    person, user, pair = busiest(), User.objects.order_by("id").first(), Duplicate.objects.order_by("id").first()
    message = Message.objects.filter(prospect=person, campaign=campaign).first()
    waiting, done = (ImportBatch.objects.filter(status=status).first() for status in ("uploaded", "done"))
    stopped = Prospect.objects.filter(stopped_at__isnull=False).order_by("id")
    manual = Suppression.objects.filter(reason="manual").order_by("id")
    known = dict.fromkeys((f"campaign-{name}" for name in DRAFTED), draft)
    known |= {"campaign": campaign, "rehearsal": draft.rehearsals.latest("id"), "mailbox": campaign.mailbox}
    known |= {"segment": campaign.segment, "program": campaign.program, "prospect": person, "site": person.site}
    known |= {"message": message, "reply": Reply.objects.latest("id"), "file": File.objects.get()}
    known |= {"import": done, "import-columns": waiting, "import-preview": waiting, "api": user.api_keys.get()}
    known["prospect-lift"] = next(one for one in stopped if lifting.noes(prospect=one, suppressed=()).may_lift)
    known["suppression"] = next(one for one in manual if not lifting.why_it_stays(suppression=one))
    found = {name: {"id": row.public_id} for name, row in known.items()}
    found["prospect-compare"] = {"id": pair.first.public_id, "other": pair.second.public_id}
    found["campaign-audience-people"]["reason"] = audience.WRITTEN
    found["prospect-why"] = {**found["prospect"], "campaign_id": campaign.public_id}
    found["step"] = {"id": draft.public_id, "step_id": step.public_id}
    found["team"] = {"person_id": user.pk}
    found["sign-in-link"] = links.password_link(person=user)
    found["unsubscribe"] = {"token": signing.make_token(tracking.UNSUBSCRIBE, message.public_id)}
    link = TrackedLink.objects.first().pk
    found["click"] = {"token": signing.make_token(tracking.CLICK, message.public_id, number=link)}
    return found


def address(route, known):
    """A page's address; an argument that nobody thought of is an error."""
    names = get_resolver().reverse_dict.getlist(route)[0][0][0][1]
    given = known.get(route) or known.get(route.partition("-")[0], {})
    if missing := set(names) - set(given):
        raise SystemExit(f"{route} wants {', '.join(sorted(missing))}: say it in `arguments` of bench/pages.py.")
    return reverse(route, kwargs={name: given[name] for name in names}) + QUERIES.get(route, "")


def addresses():
    """Each page once, and the lists with the filters that operators use and that cost most."""
    known = arguments()
    pages = {
        route: address(route, known)
        for route, methods in ROUTES.items()
        if "GET" in methods and route not in LEFT_OUT and (not route.startswith("api-") or route.startswith("api-key"))
    }
    lists = {
        "prospects": [
            *("q=family+12", "q=person199999", "q=zzzzzz", "tag=tag7", "country=DE", "source=list+7", "reach=none"),
            *(f"state={state}" for state in standing.STATES),
            *(f"stage={name}" for name in (Stage.Name.IDENTIFIED, Stage.Name.CONTACTED, Stage.Name.REPLIED)),
            *(f"segment={known['segment']['id']}", f"batch={known['import']['id']}", "site=site77.example"),
            "state=written&country=DE&tag=tag7",
        ],
        "prospects-export": ["state=replied&format=csv", "country=DE&format=xlsx"],
        "search": ["q=anna", "q=person777@site", "q=zzzzzz"],
        "inbox": ["tab=all", *(f"tab={tab}&kind={kind}" for tab in ("waiting", "all") for kind in answers.LABELS)],
        "suppressions": ["q=person777", "q=zzzzzz", "reason=manual", "reason=unsubscribed", "kind=domain"],
        "campaigns": ["state=running", "state=draft"],
        "campaign-people": [f"standing={name}" for name in ("active", "stopped", "bounced", *roster.HEARD)],
    }
    for route, queries in lists.items():
        pages |= {f"{route}: {query[:40]}": f"{pages[route]}?{query}" for query in queries}
    for reason in (audience.EVERYBODY, *audience.WORDS):
        given = {"campaign-audience-people": {**known["campaign-audience-people"], "reason": reason}}
        pages[f"campaign-audience-people: {reason}"] = address("campaign-audience-people", given)
    for model in ("prospects/prospect", "campaigns/message", "campaigns/event", "prospects/suppression"):
        pages[f"admin: {model}"] = f"/admin/{model}/"
    return pages


def measure(client, where):
    """Milliseconds of each round, number of queries, compressed bytes, statuses; the first visit only warms up."""
    took, statuses = [], set()
    client.get(where)
    for _ in range(ROUNDS):
        began = time.perf_counter()
        response = client.get(where)
        first = next(iter(response.streaming_content), b"") if response.streaming else b""
        took.append(1000 * (time.perf_counter() - began))
        statuses.add(response.status_code)
        response.close()
    with CaptureQueriesContext(connection) as queries:
        response = client.get(where)
        body = first if response.streaming else response.content
        response.close()
    return took, len(queries), len(gzip.compress(body)), statuses


def report(visitors, pages):
    """A line for each page; whether all of them are as they should be."""
    floor = statistics.median(measure(visitors[False], "/settings/")[0])
    print(f"{'page':58} {'p50 ms':>8} {'p95 ms':>8} {'÷ empty':>8} {'queries':>8} {'kB gz':>6}  status")
    is_fine = True
    for name, where in pages.items():
        client = visitors[ROUTES.get(name, {}).get("GET") == PUBLIC]
        if name == "sign-in-link":  # it leads on to a form whose address holds no secret
            where = client.get(where).url
        took, queries, size, statuses = measure(client, where)
        p50, p95 = statistics.median(took), statistics.quantiles(took, n=20)[-1]
        wrong = "  <-- answers" if statuses != {WANTED.get(name, 200)} else ""
        wrong = wrong or ("  <-- over" if p95 > MOST_MS or size > MOST_BYTES else "")
        is_fine &= not wrong
        told = f"{p50:8.1f} {p95:8.1f} {p50 / floor:8.1f} {queries:8} {size / 1000:6.1f}"
        print(f"{name:58} {told}  {', '.join(map(str, sorted(statuses)))}{wrong}", flush=True)
    return is_fine


def main():
    parser = argparse.ArgumentParser(prog="python -m bench.pages")
    parser.add_argument("--people", type=int, default=200_000)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    runner = DiscoverRunner(verbosity=0, interactive=False, keepdb=given.keep)
    old = runner.setup_databases(serialized_aliases=[])
    try:
        if not Prospect.objects.exists():
            fill(given.people)
        visitors = {is_public: Client(raise_request_exception=False) for is_public in (False, True)}
        visitors[False].force_login(User.objects.get(username="bench"))
        print(f"{Prospect.objects.count():,} people, {Message.objects.count():,} messages")
        pages = addresses()
        chosen = {name: pages[name] for name in pages if not given.words or any(word in name for word in given.words)}
        return int(not report(visitors, chosen))
    finally:
        runner.teardown_databases(old)


if __name__ == "__main__":
    sys.exit(main())
