"""The forecast of a campaign with 100,000 people and three steps, before its launch and while it runs.

Seconds, both dates included, and the highest memory, against a floor of the same run: as many bare calls of `decide()`
as there are messages, on an empty mailbox. Uses a database of its own (`bench_forecast`) on the configured server.
`--people` for others, `--rules` under rules over all campaigns too, which has no target.
"""

import argparse
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from outreach import embedded

embedded.provide()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "outreach.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django  # noqa: E402

django.setup()

from django.db import connection  # noqa: E402
from django.test.runner import DiscoverRunner  # noqa: E402

from bench import results, sending  # noqa: E402
from campaigns import deciding, lifecycle  # noqa: E402
from campaigns.forecast import forecasting  # noqa: E402
from campaigns.models import Campaign, Enrollment, Step, TouchRules  # noqa: E402
from campaigns.rules import ruling  # noqa: E402
from campaigns.scheduling import SlotBook, Window, always, horizon  # noqa: E402
from integrations.models import Mailbox  # noqa: E402
from prospects.models import Segment  # noqa: E402
from templates import versions  # noqa: E402

NAME = "bench_forecast"
PEOPLE, STEPS = 100_000, 3
MOST_SECONDS = 10
WORLDS = {  # what a mailbox may do: a day, and seconds between two
    "a relay, 5,000 a day": (5_000, 0),
    "50 a day, 90 s between": (50, 90),
    "500 a day, 90 s between": (500, 90),
}
ZONES = """
UPDATE prospects_prospect SET time_zone = (ARRAY['Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'Europe/London',
    'America/Los_Angeles', 'Australia/Sydney', 'Europe/Madrid', 'America/Sao_Paulo'])[1 + id % 8],
    country = (ARRAY['DE', 'US', 'JP', 'GB', 'US', 'AU', 'ES', 'BR'])[1 + id % 8]"""

SITES = """
UPDATE prospects_prospect p SET site_id = q.site_id FROM prospects_prospect q WHERE q.id = p.id - p.id % 5"""


def draft(mailbox):
    """A draft of three steps for everybody, three days apart, from nine to five on weekdays."""
    everybody, _ = Segment.objects.get_or_create(name="Everybody", defaults={"filter": {}})
    campaign = sending.campaign(mailbox, f"Foretold {mailbox.pk}")
    Campaign.objects.filter(pk=campaign.pk).update(state="draft", segment=everybody, launched_at=None)
    campaign.sequence_versions.update(published_at=None)
    campaign.refresh_from_db()
    words = versions.create_template(name=f"Third {mailbox.pk}", subject="", text=sending.TEXT, html="", by=None)
    lifecycle.add_step(campaign=campaign, template=words, by=None)
    mine = Step.objects.filter(sequence_version__campaign=campaign)
    mine.update(window_start="09:00", window_end="17:00", weekdays=[1, 2, 3, 4, 5])
    mine.exclude(position=1).update(delay=3)
    return campaign


def peak():
    """The highest memory of this process so far, in MB (ru_maxrss is at least that of whoever started it)."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) // 1024


def timed(work):
    began, cpu = time.perf_counter(), time.process_time()
    found = work()
    return time.perf_counter() - began, time.process_time() - cpu, found


def floor(messages, now):
    """As many decisions as there are messages, each for a mailbox with room."""
    window = Window(
        "Europe/Berlin", *(Step.objects.values_list("window_start", "window_end")[0]), frozenset(range(1, 6))
    )
    book = SlotBook(cap_on=always(10**9), gap=timedelta(0), taken=(), horizon=horizon(now) + timedelta(days=7))
    facts = deciding.Facts(now, window, "running", "active", has_address=True)
    for _ in range(messages):
        deciding.decide(now=now, facts=facts, slots=book)


def measured(people, states):
    now = datetime.now(UTC)
    sending.add_people(people)
    sending.run(ZONES)
    boxes = [sending.relay(1, number=number) for number in range(len(WORLDS))]
    for box, (cap, gap) in zip(boxes, WORLDS.values(), strict=True):
        Mailbox.objects.filter(pk=box.pk).update(daily_cap=cap, gap_seconds=gap)
    drafts = [draft(Mailbox.objects.get(pk=box.pk)) for box in boxes]
    sending.run("VACUUM ANALYZE")
    before, told, fine = peak(), {}, True
    least, _, _ = timed(lambda: floor(people * STEPS, now))
    print(f"floor: {people * STEPS:,} decisions in {least:.2f} s; {before} MB before")
    print(f"{'mailbox':26}{'':12}{'seconds':>8}{'cpu':>7}{'÷ floor':>9}{'messages':>10}{'peak MB':>9}  ends")
    for name, campaign in zip(WORLDS, drafts, strict=True):
        for state in states:
            if state == "with rules":
                sending.run(SITES)
                ruling.change(now=now, person_days=2, site_days=1, exclusive="site")
            elif state == "running":
                Campaign.objects.filter(pk=campaign.pk).update(state="running", launched_at=now)
                campaign.sequence_versions.update(published_at=now)
                campaign.refresh_from_db()
                sending.enrol(campaign, campaign.segment and sending.Prospect.objects.all())
                sending.run("VACUUM ANALYZE campaigns_enrollment")
            seconds, used, found = timed(lambda campaign=campaign: forecasting.forecast(campaign=campaign, now=now))
            missed = seconds > MOST_SECONDS and state != "with rules"
            fine &= not missed
            ends = found.ends_at and found.ends_at.date()
            print(
                f"{name:26}{state:12}{seconds:8.2f}{used:7.2f}{seconds / least:9.1f}{found.messages:10,}{peak():9}"
                f"  {ends}" + ("  <--" if missed else "")
            )
            told[f"{name}, {state}"] = {"seconds": seconds, "ratio": seconds / least, "peak_mb": peak()}
        Enrollment.objects.all().delete()
        TouchRules.objects.all().delete()
    results.keep("forecast", told)
    return fine


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--rules", action="store_true")
    asked = parser.parse_args()
    states = ("draft", "running", "with rules") if asked.rules else ("draft", "running")
    connection.settings_dict["TEST"] |= {"NAME": NAME, "SERIALIZE": False}
    runner = DiscoverRunner(verbosity=0, interactive=False)
    old = runner.setup_databases(serialized_aliases=[])
    try:
        return int(not measured(asked.people, states))
    finally:
        runner.teardown_databases(old)


if __name__ == "__main__":
    sys.exit(main())
