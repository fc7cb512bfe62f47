"""A million people: the list with every facet, searches, segments of three conditions and exports.

Prints p50 and p95 of each page and the number of its queries; a page fails above 300 ms at p95. Fills a database of
its own (`bench_segments`) on the configured server and drops it again; `--keep` keeps it for the next run, further
words choose pages by name.
"""

import os
import resource
import statistics
import sys
import time
from urllib.parse import urlencode

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

from accounts.models import User  # noqa: E402
from prospects.models import ImportBatch, Program, Prospect, Segment  # noqa: E402

connection.settings_dict["TEST"] |= {"NAME": "bench_segments", "SERIALIZE": False}
PEOPLE, SITES, ROUNDS, MOST_MS = 1_000_000, 200_000, 20, 300

# Drawn independently of each other (md5 of the number and a word), so that conditions combine as they do in life.
DRAW = """
CREATE FUNCTION pg_temp.draw(n bigint, word text, sides int) RETURNS int IMMUTABLE LANGUAGE sql AS
$$ SELECT (('x' || substr(md5(word || n), 1, 7))::bit(28)::int) % sides $$;
"""
FILL = f"""
INSERT INTO prospects_site (public_id, domain, hold_reason)
SELECT gen_random_uuid(), 'site' || n || '.example', '' FROM generate_series(0, {SITES - 1}) n;
INSERT INTO prospects_prospect (public_id, kind, email, identity_key, contact_keys, first_name, last_name, company, job_title, website,
    site_id, x_handle, linkedin_url, country, time_zone, language, tags, custom, source, legal_basis, is_demo, stop_reason, hold_reason,
    owner_id, address_kind, created_at, notice_date, next_step_date, stopped_at, held_at, import_batch_id)
SELECT gen_random_uuid(), CASE WHEN pg_temp.draw(n, 'kind', 5) = 0 THEN 'creator' ELSE 'person' END,
    CASE WHEN pg_temp.draw(n, 'reach', 100) > 0 THEN 'person' || n || '@site' || pg_temp.draw(n, 'site', {SITES}) || '.example' ELSE '' END, md5(n::text) || md5((-n)::text),
    ARRAY['address:' || md5(n::text) || md5((-n)::text), 'domain:site' || pg_temp.draw(n, 'site', {SITES}) || '.example'],
    (ARRAY['Anna', 'Ben', 'Chloé', 'Dmitri', 'Elif', 'Femi', 'Grace', 'Hugo'])[pg_temp.draw(n, 'first', 8) + 1],
    'Family' || pg_temp.draw(n, 'last', 40000), 'Company ' || pg_temp.draw(n, 'company', 150000), 'Editor', '',
    (SELECT min(id) FROM prospects_site) + pg_temp.draw(n, 'site', {SITES}), '', '',
    (ARRAY['DE', 'GB', 'US', 'FR', 'ES', 'IT', 'PL', 'SE', 'AT', ''])[pg_temp.draw(n, 'country', 10) + 1], 'Europe/Berlin', 'en',
    ARRAY['tag' || pg_temp.draw(n, 'tag', 60), 'list' || pg_temp.draw(n, 'list', 9)],
    CASE WHEN n % 2 = 0 THEN jsonb_build_object('audience', pg_temp.draw(n, 'audience', 100000), 'niche', 'niche ' || pg_temp.draw(n, 'niche', 50)) ELSE '{{}}' END,
    'list ' || pg_temp.draw(n, 'source', 40), 'legitimate interest', false, '', '',
    CASE WHEN pg_temp.draw(n, 'owned', 3) = 0 THEN (SELECT min(id) FROM accounts_user) + pg_temp.draw(n, 'owner', 5) END,
    (ARRAY['', '', '', '', '', '', '', '', 'role', 'disposable'])[pg_temp.draw(n, 'address', 10) + 1],
    now() - ({PEOPLE} - n) * interval '30 seconds',
    CASE WHEN pg_temp.draw(n, 'notice', 4) = 0 THEN current_date - pg_temp.draw(n, 'notified', 400) END,
    CASE WHEN pg_temp.draw(n, 'due', 50) = 0 THEN current_date + pg_temp.draw(n, 'dueon', 60) - 30 END,
    CASE WHEN pg_temp.draw(n, 'stop', 200) = 0 THEN now() END, CASE WHEN pg_temp.draw(n, 'hold', 1000) = 0 THEN now() END,
    (SELECT min(id) FROM prospects_importbatch) + n / 250000
FROM generate_series(1, {PEOPLE}) n;
INSERT INTO prospects_engagement (prospect_id, contacted_at, replied_at, clicked_at, bounced_at)
SELECT id, now() - pg_temp.draw(id, 'contacted', 300) * interval '1 day',
    CASE WHEN pg_temp.draw(id, 'replied', 20) = 0 THEN now() - pg_temp.draw(id, 'repliedat', 300) * interval '1 day' END,
    CASE WHEN pg_temp.draw(id, 'clicked', 10) = 0 THEN now() - pg_temp.draw(id, 'clickedat', 300) * interval '1 day' END,
    CASE WHEN pg_temp.draw(id, 'bounced', 40) = 0 THEN now() - pg_temp.draw(id, 'bouncedat', 300) * interval '1 day' END
FROM prospects_prospect WHERE pg_temp.draw(id, 'written', 3) = 0;
INSERT INTO prospects_stage (prospect_id, program_id, name, changed_at)
SELECT id, (SELECT min(id) FROM prospects_program),
    (ARRAY['contacted', 'contacted', 'contacted', 'contacted', 'replied', 'negotiating', 'joined', 'declined'])[pg_temp.draw(id, 'stage', 8) + 1], now()
FROM prospects_prospect WHERE pg_temp.draw(id, 'written', 3) = 0;
INSERT INTO prospects_suppression (public_id, kind, key, value, reason, source)
SELECT gen_random_uuid(), 'address', 'address:' || md5(n::text) || md5((-n)::text), '', 'unsubscribed', '' FROM generate_series(1, {PEOPLE}, 20) n;
"""  # noqa: E501


def leaf(field, op, value=None):
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


SEGMENTS = {
    "country, tag, never written to": [
        leaf("country", "is", "DE"),
        leaf("tags", "is", "tag7"),
        leaf("contacted_at", "is_empty"),
    ],
    "owner, source, answered lately": [
        leaf("owner", "is", "owner2"),
        leaf("source", "is", "LIST 12"),
        leaf("replied_at", "in_last", "90 days"),
    ],
    "added lately, audience, personal": [
        leaf("created_at", "in_last", "14 days"),
        leaf("custom.audience", "gte", 50_000),
        leaf("address_kind", "is", "personal"),
    ],
    "company, country, not suppressed": [
        leaf("company", "contains", "company 1234"),
        leaf("country", "in", ["DE", "AT", "FR"]),
        leaf("suppressed", "is", False),
    ],
    "wide: address, not stopped, not written lately": [
        leaf("email", "not_empty"),
        leaf("stopped", "is", False),
        leaf("contacted_at", "not_in_last", "60 days"),
    ],
    "stage, due, not protected": [
        leaf("stage", "in", ["replied", "negotiating"]),
        leaf("next_step_date", "in_next", "7 days"),
        leaf("protected", "is", False),
    ],
}


def fill():
    """A million people on 200,000 sites: a third owned, a third written to, a twentieth suppressed."""
    for n in range(5):
        User.objects.create(username=f"owner{n}", role="operator")
        ImportBatch.objects.create(file_name=f"people{n}.csv", status="done")
    Program.objects.create(name="Bench", merchant="Bench", postal_address="1 High Street")
    for name, rules in SEGMENTS.items():
        Segment.objects.create(name=name, filter={"all": rules})
    with connection.cursor() as cursor:
        cursor.execute(DRAW + FILL)
        cursor.execute("VACUUM ANALYZE")


def addresses():
    """The list with every facet, searches, and each segment: its page and its number alone."""
    batch = ImportBatch.objects.order_by("id").first()
    facets = {
        **{
            f"state {name}": {"state": name}
            for name in ("never", "written", "replied", "held", "stopped", "suppressed")
        },
        "tag": {"tag": "tag7"},
        "country": {"country": "DE"},
        "source": {"source": "list 12"},
        "owner": {"owner": "owner2"},
        "no address": {"reach": "none"},
        "address": {"reach": "yes"},
        "site": {"site": "site777.example"},
        "demo": {"demo": "yes"},
        "real": {"demo": "no"},
        "stage": {"stage": "negotiating"},
        "identified": {"stage": "identified"},
        "import": {"batch": str(batch.public_id)},
        "three": {"country": "DE", "tag": "tag7", "owner": "owner2"},
    }
    pages = {"list": "/prospects/", "list: page 2": f"/prospects/?before={PEOPLE // 2}"}
    pages |= {f"list: {name}": f"/prospects/?{urlencode(given)}" for name, given in facets.items()}
    for text in ("family12", "anna family123", "person777777", "zzzzzz", "anna"):
        pages |= {f"list: q={text}": f"/prospects/?{urlencode({'q': text})}"}
        pages |= {f"search: {text}": f"/search/?{urlencode({'q': text})}"}
    for segment in Segment.objects.order_by("id"):
        pages |= {f"segment: {segment.name}": f"/segments/{segment.public_id}/"}
    return pages


def measure(client, where):
    """Milliseconds of each round and the number of queries; the first visit only warms up."""
    took = []
    client.get(where)
    for _ in range(ROUNDS):
        began = time.perf_counter()
        response = client.get(where)
        took.append(1000 * (time.perf_counter() - began))
        if response.status_code != 200:
            raise SystemExit(f"{where}: {response.status_code}")
    with CaptureQueriesContext(connection) as queries:
        client.get(where)
    return took, len(queries)


def exports(client):
    """Rows a second and memory of an export; memory is what the process took at most so far."""
    people = Prospect.objects.filter(country="DE").count()
    for file_format in ("csv", "xlsx"):
        before, began = _megabytes(), time.perf_counter()
        response = client.get(f"/prospects/export/?country=DE&format={file_format}")
        size = sum(len(piece) for piece in response.streaming_content)
        rate = people / (time.perf_counter() - began)
        print(f"export {file_format}: {people:,} people, {size / 1e6:.0f} MB, {rate:,.0f} a second", end="")
        print(f", {before} to {_megabytes()} MB of memory")


def _megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main():
    runner = DiscoverRunner(verbosity=0, interactive=False, keepdb="--keep" in sys.argv)
    old = runner.setup_databases(serialized_aliases=[])
    try:
        if not Prospect.objects.exists():
            began = time.perf_counter()
            fill()
            print(f"filled in {time.perf_counter() - began:.0f} s")
        client = Client(raise_request_exception=False)
        user, _ = User.objects.get_or_create(username="bench", role="administrator", is_staff=True, is_superuser=True)
        client.force_login(user)
        wanted = [word for word in sys.argv[1:] if not word.startswith("-")]
        failed = False
        print(f"{'page':58} {'p50 ms':>8} {'p95 ms':>8} {'queries':>8}")
        for name, where in addresses().items():
            if wanted and not any(word in name for word in wanted):
                continue
            took, queries = measure(client, where)
            p50, p95 = statistics.median(took), statistics.quantiles(took, n=20)[-1]
            failed |= p95 > MOST_MS
            print(f"{name:58} {p50:8.1f} {p95:8.1f} {queries:8}{'  <-- over' if p95 > MOST_MS else ''}", flush=True)
        if not wanted or "export" in wanted:
            exports(client)
        return int(failed)
    finally:
        runner.teardown_databases(old)


if __name__ == "__main__":
    sys.exit(main())
