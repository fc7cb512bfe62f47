"""Query filters over prospects."""

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from prospects import addresses, identity, listing
from prospects.models import ImportBatch, Prospect


class ProspectFilter(filters.FilterSet):
    email = filters.CharFilter(
        method="with_address", help_text="Who has it, in any spelling, as the first or a further one"
    )
    tag = filters.CharFilter(method="with_tag")
    country = filters.CharFilter(lookup_expr="iexact")
    q = filters.CharFilter(method="search", help_text="Words of a name, a company, an address or an X handle")
    created_after = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Prospect
        fields: list[str] = []

    def with_address(self, queryset: QuerySet[Prospect], name: str, value: str) -> QuerySet[Prospect]:
        """Raises identity.BadAddress."""
        owner = addresses.owner_of(email=identity.normalise(value))
        return queryset.filter(pk=owner.pk) if owner else queryset.none()

    def with_tag(self, queryset: QuerySet[Prospect], name: str, value: str) -> QuerySet[Prospect]:
        return queryset.filter(tags__contains=[value])

    def search(self, queryset: QuerySet[Prospect], name: str, value: str) -> QuerySet[Prospect]:
        return listing.with_words(queryset, value)


class ImportFilter(filters.FilterSet):
    class Meta:
        model = ImportBatch
        fields = ["status"]
