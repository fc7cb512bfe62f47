"""The campaigns app."""

from importlib import import_module

from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = "Campaigns"

    def ready(self) -> None:
        """Segments can ask about what campaigns know."""
        import_module("campaigns.known").register()
