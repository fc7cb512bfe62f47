"""What keeps rehearsals out of every list."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from outreach.lib.admin import ScaledAdmin


class WithoutRehearsals(ScaledAdmin):
    """A rehearsal is shown on its own page and nowhere else; `campaign_path` leads from a row to its campaign."""

    campaign_path = "campaign__"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(Q(**{f"{self.campaign_path}rehearsal_of__isnull": True}))
