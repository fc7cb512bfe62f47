"""`manage.py run`: starts everything that one installation needs."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connections

from accounts import onboarding
from outreach import running


class Command(BaseCommand):
    help = "Brings the database up to date, then runs web, worker, beat and the demo world until Ctrl-C."
    requires_system_checks = ("outreach",)  # our own alone: a start should be quick

    def handle(self, *args: Any, **options: Any) -> None:
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # empty is fine: static files come from the source tree
        port = running.port_from(os.environ)
        running.check_servers()
        self.stdout.write("Bringing the database up to date ...")
        call_command("migrate", interactive=False, verbosity=0)
        first = onboarding.create_first_administrator()
        connections.close_all()
        running.Runner(
            children=running.programs(port=port, demo=settings.DEMO),
            port=port,
            out=sys.stdout,
            password=first[1] if first else None,
        ).run()
