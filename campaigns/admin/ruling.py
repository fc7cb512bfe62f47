"""The rules over all campaigns in the back office."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from campaigns.models import CountryRule, TouchRules
from campaigns.rules import ruling
from outreach.lib.admin import ReadOnlyAdmin, VerbAdmin


@admin.register(TouchRules)
class TouchRulesAdmin(VerbAdmin):
    says = "How often people and sites are written to, by all campaigns together."
    fields = ["person_days", "site_days", "exclusive", "site_reply", "site_reply_days"]
    list_display = ["__str__", "person_days", "site_days", "exclusive", "site_reply", "site_reply_days"]

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        return super().has_add_permission(request) and not TouchRules.objects.exists()  # one row

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def call_verb(self, request: HttpRequest, obj: Any, fields: dict[str, Any], *, change: bool) -> TouchRules:
        return ruling.change(now=timezone.now(), **fields)


@admin.register(CountryRule)
class CountryRuleAdmin(ReadOnlyAdmin):
    says = "Countries whose people get no mail. They are set under Settings, Rules."
    list_display = ["country", "rule"]
    list_filter = ["rule"]
