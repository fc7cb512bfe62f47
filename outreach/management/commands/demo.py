"""`manage.py demo`: the demo world in real time; `--once` tells the whole story in accelerated time and checks it."""

import signal
import threading
from argparse import ArgumentParser
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from outreach.demo import serving, staging, story
from outreach.demo.checking import Findings
from outreach.lib.errors import DomainError

SHOWN = 20


class Command(BaseCommand):
    """Parses, calls one function, prints."""

    help = "Simulated recipients on loopback; --once tells the whole story in accelerated time and checks it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--once", action="store_true", help="tell the story once and compare both logs")
        what.add_argument("--check", action="store_true", help="compare the running demo's log with the ledger")
        parser.add_argument("--prospects", type=int, default=300, help="how many people (with --once)")
        parser.add_argument("--keep", action="store_true", help="leave the people in the database (with --once)")
        parser.add_argument("--seed", type=int, default=7, help="decides how people behave (with --once)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["prospects"] < 1:
            raise CommandError("A story needs at least one person: --prospects 1 or more.")
        try:
            if options["once"]:
                self._report(self._tell(options))
            elif options["check"]:
                self._report(serving.check())
            else:
                serving.serve(stopped=_stopped_by_signal())
        except (staging.CannotStage, story.NotPossible, serving.AlreadyServed, DomainError) as error:
            raise CommandError(str(error)) from error

    def _tell(self, options: dict[str, Any]) -> Findings:
        return story.run_once(
            prospects=options["prospects"], seed=options["seed"], keep=options["keep"], now=timezone.now()
        )

    def _report(self, findings: Findings) -> None:
        console = Console(file=cast(IO[str], self.stdout), highlight=False)
        table = Table("", "messages or people", title="The demo world", title_justify="left")
        for name, count in findings.counts.items():
            table.add_row(name, str(count))
        console.print(table)
        for sentence in findings.broken[:SHOWN]:
            console.print(f"BROKEN: {sentence}", markup=False, soft_wrap=True)
        if len(findings.broken) > SHOWN:
            console.print(f"… and {len(findings.broken) - SHOWN} more.")
        if findings.broken:
            raise CommandError(f"{len(findings.broken)} promises were broken.")
        console.print("Every promise was kept.")


def _stopped_by_signal() -> threading.Event:
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    return stopped
