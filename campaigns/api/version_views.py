"""The versions of a launched campaign's sequence over HTTP: written, compared, published."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import caller
from campaigns import drafting, errands, revising
from campaigns.api.serializers import PreflightSerializer, StepSerializer
from campaigns.fates import Kind
from campaigns.models import Campaign, SequenceVersion, Step
from outreach.lib.endpoints import ApiViewSet, StrictSerializer


class VersionSerializer(serializers.ModelSerializer[SequenceVersion]):
    """Expects `steps` with their arms prefetched. One without `published_at` is being written."""

    behind = serializers.SerializerMethodField(help_text="People who follow once a mail to them is settled")
    counts = serializers.DictField(
        child=serializers.IntegerField(), help_text="People by what its publication did: goes_on, follows, finishes …"
    )
    steps = StepSerializer(many=True)

    class Meta:
        model = SequenceVersion
        fields = ["number", "published_at", "audience", "reaches_finished", "counts", "behind", "steps"]
        read_only_fields = fields

    def get_behind(self, version: SequenceVersion) -> int:
        return len(version.behind)


class PublishSerializer(StrictSerializer):
    audience = serializers.ChoiceField(
        choices=SequenceVersion.Audience.choices, default=SequenceVersion.Audience.EVERYBODY
    )
    reaches_finished = serializers.BooleanField(
        default=False, help_text="Also whoever finished and did not answer gets what was added behind their last step"
    )
    seen = serializers.CharField(
        default="", allow_blank=True, max_length=64, help_text="From `changes`: refused when it was changed since"
    )


class ChangesSerializer(serializers.Serializer[Any]):
    """What a version changes against the one published before it; of a draft also for whom, as of now."""

    class ChangeSerializer(serializers.Serializer[Any]):
        class DiffLineSerializer(serializers.Serializer[Any]):
            sign = serializers.ChoiceField(choices=["", "-", "+"], help_text="Stayed, went, came")
            text = serializers.CharField()

        key = serializers.CharField()
        was = serializers.IntegerField(help_text="Its place before; 0 for a new step")
        position = serializers.IntegerField(help_text="Its place now; 0 for a removed step")
        kinds = serializers.ListField(child=serializers.CharField())
        sentences = serializers.ListField(child=serializers.CharField())
        subject = DiffLineSerializer(many=True)
        text = DiffLineSerializer(many=True)
        html = DiffLineSerializer(many=True)

    class GroupSerializer(serializers.Serializer[Any]):
        people = serializers.IntegerField()
        version = serializers.IntegerField(help_text="The version they are on")
        position = serializers.IntegerField(help_text="The step they stand before there; 0 when they have finished")
        becomes = serializers.ChoiceField(choices=[kind.value for kind in Kind], source="fate.kind.value")
        next_position = serializers.IntegerField(help_text="The step that comes next for them; 0 when nothing does")

    changes = ChangeSerializer(many=True)
    groups = GroupSerializer(many=True)
    problems = PreflightSerializer.PreflightProblemSerializer(many=True)
    seen = serializers.CharField(help_text="Names what was compared; give it to `publish`")


@extend_schema_view(create=extend_schema(request=None, responses={201: VersionSerializer}))
class VersionViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, ApiViewSet[SequenceVersion]
):
    """The versions of a campaign's sequence, the newest first. A published one never changes.

    POST begins a new version of a launched campaign, or answers the one that is being written: its steps are then those
    of `/steps/`, which can be added and removed. DELETE throws it away.
    """

    queryset = SequenceVersion.objects.select_related("campaign").prefetch_related(
        Prefetch("steps", Step.objects.order_by("position").prefetch_related("arms__template_version__template"))
    )
    serializer_class = VersionSerializer
    lookup_field = "number"
    lookup_url_kwarg = "number"
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[SequenceVersion]:
        """Raises Http404 for a campaign that does not exist, where an empty list would mislead."""
        return super().get_queryset().filter(campaign=self._campaign())

    def _campaign(self) -> Campaign:
        return get_object_or_404(Campaign, public_id=self.kwargs["campaign_id"], rehearsal_of=None)

    def create(self, request: Request, **kwargs: Any) -> Response:
        made = revising.begin(campaign=self._campaign(), by=caller(request))
        version = self.get_queryset().get(pk=made.pk)
        return Response(self.get_serializer(version).data, status=status.HTTP_201_CREATED)

    def perform_destroy(self, instance: SequenceVersion) -> None:
        self._written(instance)
        revising.discard(campaign=instance.campaign)

    def _written(self, version: SequenceVersion) -> Campaign:
        if version != revising.draft(campaign=version.campaign):
            raise drafting.NotEditable("This version was published, or the campaign was not launched yet.")
        return version.campaign

    @extend_schema(responses={200: ChangesSerializer})
    @action(detail=True)
    def changes(self, request: Request, **kwargs: Any) -> Response:
        """What this version changes against the one published before it; of a draft also for how many people."""
        version = self.get_object()
        if version == revising.draft(campaign=version.campaign):
            return Response(ChangesSerializer(revising.look(campaign=version.campaign)).data)
        of_it = {"changes": revising.changes_of(version=version), "groups": (), "problems": (), "seen": ""}
        return Response(ChangesSerializer(of_it).data)

    @extend_schema(request=PublishSerializer, responses={200: VersionSerializer, 202: VersionSerializer})
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, **kwargs: Any) -> Response:
        """What was written is what runs from now on. Refused with every problem, or when nothing is changed.

        202 while people still move to it, in the background: nothing of the campaign is sent until all of them did.
        """
        body = PublishSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        campaign = self._written(self.get_object())
        fixed: dict[str, Any] = {"campaign": campaign, "now": timezone.now(), "by": caller(request)}
        revising.publish(**fixed, **body.validated_data, seconds=errands.HURRY)
        is_done = errands.of_campaign(campaign) is None
        answer = status.HTTP_200_OK if is_done else status.HTTP_202_ACCEPTED
        return Response(self.get_serializer(self.get_object()).data, status=answer)
