"""Planned → composed → marked → handed over → recorded: messages per second against plain smtplib.

The floor is smtplib on one kept connection, handing over as many bytes to the same sink without knowing of any ledger.
Each round takes every way to send between two floors; the table says medians. Everybody who sends is a process of its
own, so CPU and memory are its own; the database server's CPU is that of all its processes.

Uses a database of its own (`bench_send`) on the configured server. `--messages N` per way and round, `--rounds N`.
"""

import argparse
import json
import os
import smtplib
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
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
from campaigns import delivery  # noqa: E402
from campaigns.pacing import Pace  # noqa: E402
from integrations.models import Mailbox  # noqa: E402
from outreach.celery import app, keep_what_is_loaded  # noqa: E402

NAME = "bench_send"
WAYS = {  # connections, and how many are marked ahead
    "8 connections, one marked": (8, 1),
    "relay, ten marked ahead": (4, 10),
}
PASS = dict(zip(WAYS, (0.40, 0.80), strict=True))
MOST_CPU, MOST_SERVER, MOST_MB = 3.5, 250, 120
WARM, SPARE = 100, 5_000  # messages
FLOOR = ("floor", "floor_cpu")
ENVELOPE = ("ada@shop.example", ["person@site1.example"])


def server_cpu():
    """CPU seconds of the database server with all its processes, also those that are gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        postmaster = stat(cursor.fetchone()[0])[1]
    alive = [stat(int(found.name)) for found in Path("/proc").iterdir() if found.name.isdigit()]
    theirs = sum(sum(fields[11:13]) for fields in alive if fields and fields[1] == postmaster)
    return (theirs + sum(stat(postmaster)[11:15])) / os.sysconf("SC_CLK_TCK")


def stat(pid):
    """The numbers of a process after its name and state; [] when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
    return [0, *map(int, fields[1:])]


def child(*words):
    """What a process of its own measured."""
    command = [sys.executable, "-m", "bench.send", "--child", *map(str, words)]
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "outreach.worker_settings"}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=env)
    return json.loads(done.stdout.strip().splitlines()[-1])


def floor(port, messages):
    """smtplib on one kept connection; the text is as long as ours."""
    data = ("Subject: Hello\r\n" + f"{'x' * 70}\r\n" * 38).encode()
    with smtplib.SMTP("127.0.0.1", port) as wire:
        return measured(lambda: [wire.sendmail(*ENVELOPE, data) for _ in range(messages)])


def ours(connections, ahead, messages):
    """The delivery of what is planned; the first few messages warm up."""
    connection.settings_dict["NAME"] = NAME
    app.loader.import_default_modules()  # a worker's memory holds all tasks
    keep_what_is_loaded()
    how = {"mailbox_id": Mailbox.objects.get().pk, "owner": "bench", "pace": Pace(connections, ahead)}
    delivery.deliver(now=datetime.now(UTC), limit=WARM, **how)
    done = []
    told = measured(lambda: done.append(delivery.deliver(now=datetime.now(UTC), limit=messages, **how)))
    if done[0].sent != messages:
        raise SystemExit(f"{done[0].sent} of {messages} were sent.")
    return told


def measured(work):
    """Wall and CPU seconds, those of the database server too, and the highest memory in MB."""
    server, cpu, began = server_cpu(), time.process_time(), time.perf_counter()
    work()
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    status = Path("/proc/self/status").read_text()  # ru_maxrss is at least that of the process which started this one
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    return {"wall": wall, "cpu": cpu, "server": server_cpu() - server, "peak": peak}


def rounds(port, number, messages):
    """What each way to send measured, round after round, each beside its floor."""
    found = {name: [] for name in WAYS}
    for n in range(number):
        for name, way in WAYS.items():
            planned = sending.plan(messages + WARM)
            before = child("floor", port, messages)
            told = child("ours", *way, messages)
            after = child("floor", port, messages)
            base = {key: (before[key] + after[key]) / 2 for key in before}
            told |= {"ratio": base["wall"] / told["wall"], "times": told["cpu"] / base["cpu"], "plan": planned}
            found[name].append(told | {"floor": base["wall"], "floor_cpu": base["cpu"]})
        print(f"round {n + 1} of {number}", file=sys.stderr)
    return found


def report(found, messages):
    """The medians as a table, and as JSON for `bench/results.json`; False when a target is missed."""
    micro = 1e6 / messages
    print(f"{'':26}{'msgs/s':>9}{'÷ floor':>9}{'CPU µs':>8}{'× floor':>9}{'server µs':>11}{'plan µs':>9}{'MB':>6}")
    told, fine = {}, True
    for name, all_rounds in found.items():
        value = {key: statistics.median(each[key] for each in all_rounds) for key in all_rounds[0]}
        missed = value["ratio"] < PASS[name] or value["times"] > MOST_CPU or value["server"] * micro > MOST_SERVER
        missed |= value["peak"] > MOST_MB
        print(
            f"{name:26}{messages / value['wall']:9,.0f}{value['ratio']:9.2f}{value['cpu'] * micro:8.0f}"
            f"{value['times']:9.1f}{value['server'] * micro:11.0f}{value['plan'] * 1e6:9.0f}{value['peak']:6.0f}"
            + (f"  <-- {PASS[name]}, {MOST_CPU} ×, {MOST_SERVER} µs, {MOST_MB} MB" if missed else "")
        )
        told[name] = value | {"messages": messages}
        fine &= not missed
    value = {
        key: statistics.median(each[key] for rows in found.values() for each in rows) for key in ("floor", "floor_cpu")
    }
    print(f"{'plain smtplib':26}{messages / value['floor']:9,.0f}{'':9}{value['floor_cpu'] * micro:8.0f}")
    results.keep("send", told)
    return fine


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--child", nargs="+")
    said = parser.parse_args()
    if said.child:
        what, *numbers = said.child
        print(json.dumps({"floor": floor, "ours": ours}[what](*map(int, numbers))))
        return 0
    connection.settings_dict["TEST"] |= {"NAME": NAME, "SERIALIZE": False}
    runner = DiscoverRunner(verbosity=0, interactive=False)
    old = runner.setup_databases(serialized_aliases=[])
    sink = subprocess.Popen(
        [sys.executable, "-m", "bench.sink"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        port = int(sink.stdout.readline())
        shop = sending.campaign(sending.relay(port), "Send")
        sending.enrol(shop, sending.add_people((said.messages + WARM) * said.rounds * len(WAYS) + SPARE))
        sending.run("VACUUM ANALYZE")
        return int(not report(rounds(port, said.rounds, said.messages), said.messages))
    finally:
        sink.terminate()
        runner.teardown_databases(old)


if __name__ == "__main__":
    sys.exit(main())
