"""`manage.py import_suppressions FILE`: those who get no mail, from a list of another tool or of this one."""

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date

from campaigns import suppressing_lists
from outreach.lib.errors import DomainError
from prospects.models import Suppression
from prospects.suppression_lists import Meant

REASONS = [reason for reason in Suppression.Reason.values if reason != Suppression.Reason.ERASED]


class Command(BaseCommand):
    help = "Suppresses everybody a file names (CSV, XLSX or one a line); bad lines are reported, the others count."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--reason", choices=REASONS, default=Suppression.Reason.IMPORTED)
        parser.add_argument("--source", default="", help="where the list is from; the file's name if not said")
        parser.add_argument("--expires", type=_day, metavar="DAY", help="first day on which it no longer counts")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        """Exits with 1 when the file can't be read; bad lines are no failure."""
        meant = Meant(options["reason"], options["source"] or file.name[:200], options["expires"])
        try:
            with file.open("rb") as source:
                taken = suppressing_lists.take(source=source, meant=meant, by=None, now=timezone.now())
        except OSError as error:
            raise CommandError(f"{file} can't be opened: {error.strerror}.") from error
        except DomainError as error:
            raise CommandError(f"{file.name}: {error}") from error
        self.stdout.write(
            f"{taken.added:,} suppressed, {taken.known:,} known before, {taken.rejected:,} rejected;"
            f" campaigns that ended: {taken.ended:,}"
        )
        for line in taken.bad:
            self.stdout.write(f"  line {line.number}: {line.reason}")
        if taken.rejected > len(taken.bad):
            self.stdout.write(f"  … and {taken.rejected - len(taken.bad):,} more")


def _day(text: str) -> datetime:
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise CommandError(f"--expires {text}: write a day, such as 2030-12-31.")
    return datetime.combine(day, time(0), UTC)
