"""Query filters over campaigns and the ledger; related rows by their public id."""

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from campaigns.models import Campaign, Enrollment, Event, Message, Reply
from prospects import identity
from prospects.models import Suppression


class CampaignFilter(filters.FilterSet):
    class Meta:
        model = Campaign
        fields = ["state"]


class EnrollmentFilter(filters.FilterSet):
    campaign = filters.UUIDFilter(field_name="campaign__public_id")
    prospect = filters.UUIDFilter(field_name="prospect__public_id")

    class Meta:
        model = Enrollment
        fields = ["state"]


class MessageFilter(filters.FilterSet):
    campaign = filters.UUIDFilter(field_name="campaign__public_id")
    prospect = filters.UUIDFilter(field_name="prospect__public_id")
    enrollment = filters.UUIDFilter(field_name="enrollment__public_id")
    sent_after = filters.IsoDateTimeFilter(field_name="handed_over_at", lookup_expr="gte")
    sent_before = filters.IsoDateTimeFilter(field_name="handed_over_at", lookup_expr="lt")

    class Meta:
        model = Message
        fields = ["state", "outcome", "awaits"]


class EventFilter(filters.FilterSet):
    campaign = filters.UUIDFilter(field_name="enrollment__campaign__public_id")
    prospect = filters.UUIDFilter(field_name="prospect__public_id")
    message = filters.UUIDFilter(field_name="message__public_id")
    occurred_after = filters.IsoDateTimeFilter(field_name="occurred_at", lookup_expr="gte")
    occurred_before = filters.IsoDateTimeFilter(field_name="occurred_at", lookup_expr="lt")

    class Meta:
        model = Event
        fields = ["kind", "by_machine"]


class ReplyFilter(filters.FilterSet):
    campaign = filters.UUIDFilter(field_name="message__campaign__public_id")
    prospect = filters.UUIDFilter(field_name="prospect__public_id")
    read = filters.BooleanFilter(field_name="read_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Reply
        fields = ["reply_class"]


class SuppressionFilter(filters.FilterSet):
    email = filters.CharFilter(method="that_stop", help_text="Everything that keeps this address from getting mail")

    class Meta:
        model = Suppression
        fields = ["kind", "reason"]

    def that_stop(self, queryset: QuerySet[Suppression], name: str, value: str) -> QuerySet[Suppression]:
        """Raises identity.BadAddress."""
        return queryset.filter(key__in=identity.contact_keys(email=identity.normalise(value)))
