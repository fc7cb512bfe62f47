"""`manage.py settle_sending --restored|--not-restored`: a person's word when a guard holds all sending."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from campaigns import restoring
from outreach.lib.errors import DomainError


class Command(BaseCommand):
    help = "Lets sending go on that is held, and says whether the database was put back from a backup."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--restored", action="store_true", help="what may have been sent is uncertain then")
        which.add_argument("--not-restored", action="store_true", help="nothing was put back; also: the clock is right")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = restoring.settle(restored=options["restored"], now=timezone.now(), by=None)
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Sending goes on. Uncertain now: {done.uncertain}. Noes put back: {done.noes}.")
