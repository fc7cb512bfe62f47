"""Message templates and their versions over HTTP. The preview needs a person and lives in campaigns."""

from typing import Any

from django.db.models import Prefetch
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import caller
from outreach.lib.endpoints import ApiViewSet
from templates import versions
from templates.api import serializers
from templates.models import Template, TemplateVersion

NEWEST = Prefetch(
    "versions",
    queryset=TemplateVersion.objects.order_by("template_id", "-number").distinct("template_id"),
    to_attr="newest",
)


@extend_schema_view(
    create=extend_schema(request=serializers.TemplateCreateSerializer, responses={201: serializers.TemplateSerializer})
)
class TemplateViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.UpdateModelMixin, ApiViewSet[Template]):
    """Message templates: a name that goes on, versions that never change."""

    queryset = Template.objects.prefetch_related(NEWEST)
    serializer_class = serializers.TemplateSerializer

    def create(self, request: Request) -> Response:
        body = serializers.TemplateCreateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        made = versions.create_template(by=caller(request), **body.validated_data)
        template = self.get_queryset().get(pk=made.pk)
        return Response(self.get_serializer(template).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=serializers.TemplateVersionSerializer(many=True))
    @action(detail=True, url_path="versions", url_name="versions")
    def version_list(self, request: Request, **kwargs: Any) -> Response:
        """All versions, the newest first."""
        rows = TemplateVersion.objects.filter(template=self.get_object())
        return self.paged(rows, serializers.TemplateVersionSerializer)

    @extend_schema(request=serializers.ContentSerializer, responses={201: serializers.TemplateVersionSerializer})
    @version_list.mapping.post
    def publish(self, request: Request, **kwargs: Any) -> Response:
        """Says something new from now on; campaigns that were launched keep what they have."""
        body = serializers.ContentSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        version = versions.publish(template=self.get_object(), by=caller(request), **body.validated_data)
        return Response(serializers.TemplateVersionSerializer(version).data, status=status.HTTP_201_CREATED)
