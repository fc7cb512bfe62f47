"""`manage.py explain PROSPECT CAMPAIGN`: why, and why not, step by step."""

import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from django.utils import timezone

from campaigns import explaining
from campaigns.models import Campaign
from prospects import identity
from prospects.models import Prospect


class Command(BaseCommand):
    help = "Says for one person and one campaign what was sent, what waits and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prospect", help="address or id of the person")
        parser.add_argument("campaign", help="name or id of the campaign")

    def handle(self, *args: Any, **options: Any) -> None:
        prospect = _prospect(options["prospect"])
        campaign = Campaign.objects.filter(_by_id(options["campaign"]) | Q(name=options["campaign"])).first()
        if prospect is None:
            raise CommandError(f"Nobody is known by “{options['prospect']}”.")
        if campaign is None:
            raise CommandError(f"No campaign is called “{options['campaign']}”.")
        self.stdout.write(f"{prospect} in {campaign}")
        for line in explaining.explain(prospect=prospect, campaign=campaign, now=timezone.now()).lines:
            said = f"{line.sentence} {line.what_to_do}".rstrip()
            self.stdout.write(f"  step {line.step}: {said}" if line.step else f"  {said}")


def _prospect(name: str) -> Prospect | None:
    by_id = Prospect.objects.filter(_by_id(name)).first()
    try:
        return by_id or Prospect.objects.filter(identity_key=identity.address_key(name)).first()
    except identity.BadAddress:
        return None


def _by_id(text: str) -> Q:
    try:
        return Q(public_id=uuid.UUID(text))
    except ValueError:
        return Q(pk=None)
