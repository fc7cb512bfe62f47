"""What every API endpoint shares: ids for the outside, strict bodies and filters, and their schema."""

import uuid
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django_filters import FilterSet
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from outreach.lib.problems import MEDIA_TYPE

M = TypeVar("M", bound=Model)
ALWAYS_ALLOWED = frozenset({"cursor", "page_size", "format"})


class PublicIdField(serializers.SlugRelatedField[M]):
    """A related object by its public id."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(slug_field="public_id", **kwargs)

    def to_internal_value(self, data: Any) -> M:
        """Raises ValidationError for what is no UUID as well as for what names nothing."""
        try:
            uuid.UUID(str(data))
        except ValueError:
            self.fail("does_not_exist", slug_name="id", value=data)
        return super().to_internal_value(str(data))


class StrictMixin:
    """Refuses what it would otherwise ignore in silence: a misspelt field is a 400 that names it."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) or hasattr(data, "getlist"):
            fields = self.fields  # type: ignore[attr-defined]
            unknown = {name: ["There is no such field."] for name in data if name not in fields}
            fixed = {name: ["This field can't be set."] for name in data if name in fields and fields[name].read_only}
            if unknown or fixed:
                raise ValidationError({**unknown, **fixed})
        return super().to_internal_value(data)  # type: ignore[misc]


class StrictSerializer(StrictMixin, serializers.Serializer[Any]):
    """A body that is no model's."""


class StrictModelSerializer(StrictMixin, serializers.ModelSerializer[M]):
    """A model's body; outside a row's `id` is its public id."""

    id = serializers.UUIDField(source="public_id", read_only=True)


class ProblemSerializer(serializers.Serializer[Any]):
    """For the schema: how every error looks (RFC 9457)."""

    class FieldProblem(serializers.Serializer[Any]):
        field = serializers.CharField()
        message = serializers.CharField()

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = FieldProblem(many=True, required=False)  # type: ignore[assignment]


class ProblemSchema(AutoSchema):
    """Adds to every operation its errors, and to every POST its Idempotency-Key."""

    def get_override_parameters(self) -> list[Any]:
        if self.method != "POST":
            return []
        return [
            OpenApiParameter(
                "Idempotency-Key",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="Your own name for this request: a repeat gets the first answer, not a second effect.",
            )
        ]

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        bodies["4XX"] = self._get_response_for_code(  # type: ignore[no-untyped-call]
            ProblemSerializer, "4XX", [MEDIA_TYPE], direction
        )
        return bodies


class ApiViewSet(GenericViewSet[M]):
    """Rows by public id; PATCH instead of PUT; a misspelt filter is a 400, for it would answer everything."""

    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_converter = "uuid"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    filterset_class: type[FilterSet] | None = None
    schema = ProblemSchema()
    request: Request

    def paged(self, rows: QuerySet[Any], serializer_class: type[serializers.BaseSerializer[Any]]) -> Response:
        """A page of rows of another kind, for actions."""
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response(serializer_class(page, many=True).data)

    def filter_queryset(self, queryset: QuerySet[Any]) -> Any:
        filters = self.filterset_class.base_filters if self.filterset_class else {}
        unknown = [name for name in self.request.query_params if name not in ALWAYS_ALLOWED and name not in filters]
        if unknown:
            raise ValidationError({name: ["There is no such filter."] for name in unknown})
        return super().filter_queryset(queryset)
