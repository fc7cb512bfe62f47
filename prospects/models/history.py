"""What people changed of what they configure and decide, and who did; written by triggers, never changed."""

import pghistory

from outreach.lib import history
from prospects.models.people import Program, Prospect, Site
from prospects.models.segment import CustomField, Segment
from prospects.models.suppression import Suppression

OF_PEOPLE = (
    *("email", "first_name", "last_name", "company", "job_title", "website", "x_handle", "linkedin_url"),
    *("country", "time_zone", "language", "tags", "custom", "owner", "source", "legal_basis", "notice_date"),
    *("contacted_elsewhere_at", "stopped_at", "stop_reason", "held_at", "hold_reason", "protected_at"),
)

COLUMNS = tuple("owner_id" if name == "owner" else name for name in OF_PEOPLE)


class ProgramEvent(
    pghistory.create_event_model(  # type: ignore[misc]
        Program, *history.every_change(), fields=["name", "merchant", "website", "postal_address"]
    )
):
    """A program as it was before a change."""


class SiteEvent(
    pghistory.create_event_model(  # type: ignore[misc]
        Site, *history.decisions(), fields=["domain", "stopped_at", "held_at", "hold_reason", "protected_at"]
    )
):
    """A site's stops, holds and protections."""


class ProspectEvent(
    pghistory.create_event_model(  # type: ignore[misc]
        Prospect, *history.changes_by_hand(*COLUMNS), fields=list(OF_PEOPLE)
    )
):
    """What somebody here changed of a person; an import keeps its own record (`ImportChange`)."""


class SegmentEvent(
    pghistory.create_event_model(Segment, *history.every_change(), fields=["name", "filter"])  # type: ignore[misc]
):
    """A segment's rule as it was before a change."""


class CustomFieldEvent(
    pghistory.create_event_model(CustomField, *history.every_change(), fields=["name", "kind"])  # type: ignore[misc]
):
    """A field of one's own as it was before a change."""


class SuppressionEvent(
    pghistory.create_event_model(  # type: ignore[misc]
        Suppression, *history.decisions(), fields=["kind", "key", "value", "reason", "source", "expires_at"]
    )
):
    """A suppression that changed, or was taken off the list."""
