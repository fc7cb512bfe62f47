"""`manage.py erase_person PERSON --reason WHY`: forgets somebody for good."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from campaigns import privacy
from outreach.lib.errors import DomainError
from prospects import finding


class Command(BaseCommand):
    help = "Forgets one person for good: ends their campaigns, empties all that is held, keeps only a hash."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("person", help="address or id")
        parser.add_argument("--reason", required=True, help="kept, so it must not name the person")

    def handle(self, *args: Any, **options: Any) -> None:
        person = finding.by_name(options["person"])
        if person is None:
            raise CommandError(f"Nobody is known by “{options['person']}”.")
        try:
            ended = privacy.erase(prospect=person, reason=options["reason"], by=None, now=timezone.now())
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Forgotten. Campaigns that ended for them: {ended}.")
