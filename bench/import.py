"""A million rows from CSV into the table, and the same file again: rows per second against a bare COPY, and memory.

Two floors, both into an unlogged table without an index, measured before and after each import: COPY of the same
people as they are stored (what the database has to write at least), and COPY of the file as it is. Then an import is
killed half-way (SIGKILL) and goes on: its table must be that of the clean run.

Uses a database of its own (`bench_import`) on the configured server. `--rows N` for a smaller file.
"""

import json
import os
import random
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from outreach import embedded

embedded.provide()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "outreach.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django  # noqa: E402

django.setup()

from django.db import connection  # noqa: E402
from django.test.runner import DiscoverRunner  # noqa: E402
from django.utils import timezone  # noqa: E402

from prospects.importing import choosing, running, uploading  # noqa: E402
from prospects.models import ImportBatch  # noqa: E402

NAME = "bench_import"
ROWS = int(sys.argv[sys.argv.index("--rows") + 1]) if "--rows" in sys.argv else 1_000_000
PASS, AGAIN, MOST_MB = 0.12, 0.30, 300
LOOK = 0.2  # seconds between two looks at memory
HEADER = "Email,First Name,Last Name,Company Name,Job Title,Website,LinkedIn,Country,Tags,Lead Source,Notes on niche"
FIRST = "Anna Ben Chloé Dmitri Elif Femi Gina Hans Ines Jan".split()  # noqa: SIM905
LAST = "Smith Müller Okafor García Rossi Dubois Kim Novák Silva Jones".split()  # noqa: SIM905
COUNTRIES = ["Germany", "United States", "FR", "United Kingdom", "Spain", "PL", ""]
TITLES = ["Founder", "Editor", "Head of Partnerships", "Affiliate Manager", ""]
NICHES = ["outdoor gear", "personal finance", "home & garden", "parenting", ""]
# Everything but keys and times of their own.
FINGERPRINT = """
SELECT count(*), md5(string_agg(md5((to_jsonb(p) - ARRAY['id', 'public_id', 'created_at', 'import_batch_id', 'site_id'])::text
    || COALESCE(s.domain, '')), '' ORDER BY p.identity_key))
FROM prospects_prospect p LEFT JOIN prospects_site s ON s.id = p.site_id"""  # noqa: E501


def write(path):
    """People of whom every third has a free address, every fourth shares a site, and one in 40 rows is no good."""
    dice = random.Random(7)
    before = ""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER + "\r\n")
        for n in range(ROWS):
            first, last = dice.choice(FIRST), dice.choice(LAST)
            site = f"{dice.choice(['trail', 'money', 'garden', 'kids'])}-blog{dice.randrange(ROWS // 3 + 1)}.example"
            name = f"{first}.{last}{n}".lower().replace("é", "e").replace("ü", "u").replace("í", "i").replace("á", "a")
            email = f"{name}@{site if n % 3 else 'gmail.com'}"
            if n % 80 == 0:
                email = dice.choice(["", "n/a", f"{name}.{site}", f"{name}@@{site}"])
            elif n % 80 == 40:
                email = before.upper()
            page = f"https://www.linkedin.com/in/{name.replace('.', '-')}" if n % 2 else ""
            company = f'"{last} Media {n % 40_000}, Ltd"'
            values = (email, first, last, company, dice.choice(TITLES), f"https://www.{site}/about", page)
            more = (
                dice.choice(COUNTRIES),
                dice.choice(["blog", '"travel,blog"', ""]),
                "Fair 2026",
                dice.choice(NICHES),
            )
            file.write(",".join([*values, *more]) + "\r\n")
            before = email if email.count("@") == 1 else before


def run(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else None


def backend_cpu():
    """CPU seconds of this connection's server process, where it can be seen: 0 elsewhere."""
    try:
        fields = Path(f"/proc/{run('SELECT pg_backend_pid()')[0][0]}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def taken(work):
    """Wall and server CPU seconds of some work."""
    cpu, began = backend_cpu(), time.perf_counter()
    work()
    return time.perf_counter() - began, backend_cpu() - cpu


def floor_of_file(path):
    """Seconds of a bare COPY of the file."""
    names = ", ".join(f"c{n} text" for n in range(len(HEADER.split(","))))
    run(f"DROP TABLE IF EXISTS bare; CREATE UNLOGGED TABLE bare ({names})")
    with connection.cursor() as cursor, path.open("rb") as file:
        return taken(lambda: cursor.copy_expert("COPY bare FROM STDIN (FORMAT csv, HEADER)", file))


def floor_of_people(path):
    """Seconds of a bare COPY of the people as they are stored; they are taken from the table once."""
    if not path.exists():
        with connection.cursor() as cursor, path.open("wb") as file:
            cursor.copy_expert("COPY prospects_prospect TO STDOUT", file)
    run("DROP TABLE IF EXISTS bare; CREATE UNLOGGED TABLE bare (LIKE prospects_prospect)")
    with connection.cursor() as cursor, path.open("rb") as file:
        return taken(lambda: cursor.copy_expert("COPY bare FROM STDIN", file))


def upload(path):
    """The file stored and its columns chosen, as by the page; everybody gets one and the same tag."""
    with path.open("rb") as source:
        batch = uploading.store(source=source, file_name=path.name, by=None, now=timezone.now(), source_name="bench")
    choosing.choose_by_names(batch=batch)
    batch.refresh_from_db()
    batch.options["tags"] = ["bench"]
    batch.save(update_fields=["options"])
    return batch


def child(batch):
    """The import in a process of its own."""
    command = [sys.executable, "-m", "bench.import", "--child", str(batch.pk)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finished(process):
    """What the child measured, and its highest memory together with that of the process that reads for it."""
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(memory, family(process.pid))))
        time.sleep(LOOK)  # noqa: TID251 - watches other processes
    said = process.communicate()[0]
    if process.returncode:
        raise SystemExit(f"The import ended with {process.returncode}.")
    return json.loads(said.strip().splitlines()[-1]) | {"peak": peak}


def family(pid):
    """A process and its children, which begin as copies of it."""
    try:
        return [pid, *Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def memory(pid):
    """MB of a process; what several share counts as a part of each (PSS), so that the sum counts it once."""
    try:
        said = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) / 1024 for line in said.splitlines() if line.startswith("Pss:")), 0)


def killed_half_way(path):
    """Kills an import when half is done and lets another process go on; how far it was."""
    batch = upload(path)
    process = child(batch)
    while ImportBatch.objects.get(pk=batch.pk).records_done < ROWS // 2 and process.poll() is None:
        time.sleep(0.05)  # noqa: TID251 - watches another process
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = ImportBatch.objects.get(pk=batch.pk).records_done
    finished(child(batch))
    return done, ImportBatch.objects.get(pk=batch.pk)


def counts(batch):
    """What the import says it did."""
    words = ("added", "changed", "unchanged", "rejected", "researched")
    batch.refresh_from_db()
    return {word: getattr(batch, word) for word in words} | {"listed": batch.rows.count()}


def empty():
    run("TRUNCATE prospects_prospect, prospects_site, prospects_importbatch CASCADE")
    run("VACUUM ANALYZE prospects_prospect")


def measured(folder):
    people = folder / "people.csv"
    write(people)
    print(f"{ROWS:,} rows, {people.stat().st_size / 1e6:.0f} MB")
    files, stored = [floor_of_file(people)], []
    clean = upload(people)
    first = finished(child(clean))
    files.append(floor_of_file(people))
    stored.append(floor_of_people(folder / "stored"))
    after_first = run(FINGERPRINT)[0]
    again_batch = upload(people)
    again = finished(child(again_batch))
    files.append(floor_of_file(people))
    stored.append(floor_of_people(folder / "stored"))
    is_same = run(FINGERPRINT)[0] == after_first
    said = counts(clean)
    for name, batch in (("first", clean), ("again", again_batch)):
        print(f"{name}: " + ", ".join(f"{number:,} {word}" for word, number in counts(batch).items()))
    empty()
    done, batch = killed_half_way(people)
    stored.append(floor_of_people(folder / "stored"))
    is_resumed = run(FINGERPRINT)[0] == after_first and counts(batch) == said
    print(f"killed at {done:,} rows, and resumed: {'the same table' if is_resumed else 'ANOTHER TABLE'}")
    return report(stored, files, first, again) and is_same and is_resumed


def report(stored, files, first, again):
    """One line for each; False when a target is missed. CPU is the server's, and Python's where there is any."""
    people, file = statistics.median(wall for wall, _ in stored), statistics.median(wall for wall, _ in files)
    print(f"{'':26}{'seconds':>9}{'rows/s':>10}{'CPU µs/row':>16}{'÷ COPY':>8}{'÷ COPY of file':>16}{'peak MB':>9}")
    for name, floors in (("bare COPY of the people", stored), ("bare COPY of the file", files)):
        wall, cpu = (statistics.median(values) for values in zip(*floors, strict=True))
        print(f"{name:26}{wall:9.1f}{ROWS / wall:10,.0f}{cpu / ROWS * 1e6:10.1f}")
    fine = True
    for name, told, least in (("import", first, PASS), ("the same file again", again, AGAIN)):
        wall, ratio = told["seconds"], people / told["seconds"]
        cpu = f"{told['server'] / ROWS * 1e6:.1f} + {told['python'] / ROWS * 1e6:.1f}"
        is_fine = ratio >= least and told["peak"] < MOST_MB
        print(
            f"{name:26}{wall:9.1f}{ROWS / wall:10,.0f}{cpu:>16}{ratio:8.2f}{file / wall:16.2f}{told['peak']:9.0f}"
            + ("" if is_fine else f"  <-- {least} and {MOST_MB} MB")
        )
        fine &= is_fine
    return fine


def work(batch_id):
    """What the child does."""
    connection.settings_dict["NAME"] = NAME
    batch = ImportBatch.objects.get(pk=batch_id)
    python = python_cpu()
    seconds, server = taken(lambda: running.run(batch=batch))
    print(json.dumps({"seconds": seconds, "server": server, "python": python_cpu() - python}))
    return 0


def python_cpu():
    """CPU seconds of this process and of those that it began and that ended."""
    found = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in found)


def main():
    if "--child" in sys.argv:
        return work(int(sys.argv[sys.argv.index("--child") + 1]))
    connection.settings_dict["TEST"] |= {"NAME": NAME, "SERIALIZE": False}
    runner = DiscoverRunner(verbosity=0, interactive=False)
    old = runner.setup_databases(serialized_aliases=[])
    try:
        with tempfile.TemporaryDirectory() as folder:
            return int(not measured(Path(folder)))
    finally:
        runner.teardown_databases(old)


if __name__ == "__main__":
    sys.exit(main())
