"""Puts our site in the place of Django's own."""

from django.contrib.admin import apps


class OfficeConfig(apps.AdminConfig):
    """Django's admin, registered as ever, shown by `OfficeSite`."""

    default_site = "outreach.office.doors.OfficeSite"
