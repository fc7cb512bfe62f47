"""The roof as a Django app: it brings the commands, the pages and the checks."""

from django.apps import AppConfig
from django.core.checks import register

from outreach import checks


class OutreachConfig(AppConfig):
    name = "outreach"
    verbose_name = "Outreach"

    def ready(self) -> None:
        register(checks.public_url, "outreach")
