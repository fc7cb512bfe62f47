"""`manage.py export_person PERSON`: everything that is held about somebody, as JSON."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from campaigns import privacy
from outreach.lib.errors import DomainError
from prospects import finding


class Command(BaseCommand):
    help = "Writes everything that is held about one person as JSON, and records that it was told."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("person", help="address or id")

    def handle(self, *args: Any, **options: Any) -> None:
        person = finding.by_name(options["person"])
        if person is None:
            raise CommandError(f"Nobody is known by “{options['person']}”.")
        try:
            found = privacy.export_person(prospect=person, by=None, now=timezone.now())
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(found, cls=DjangoJSONEncoder, indent=1, ensure_ascii=False))
