"""Campaigns, their steps and their actions over HTTP."""

import uuid
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from accounts.callers import caller
from campaigns import (
    audience,
    cautions,
    composing,
    correcting,
    enrolling,
    errands,
    explaining,
    first_batches,
    growing,
    lifecycle,
    preflight,
    senders,
)
from campaigns.api import serializers
from campaigns.api.filters import CampaignFilter
from campaigns.forecast import foretelling
from campaigns.models import Campaign, Step
from integrations.models import Mailbox
from outreach.lib.api import KeysetPagination
from outreach.lib.endpoints import ApiViewSet, ProblemSchema
from prospects import segments
from prospects.models import Prospect
from templates.models import Template

MOST_COMING = 1_000


class CampaignViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    ApiViewSet[Campaign],
):
    """Who gets which sequence, from which mailbox, in whose name.

    A draft can be changed; of a launched campaign only `skip_holidays`, `quiet_dates`, `goals`, `daily_limit`,
    `more_mailboxes`, `one_per_site`, `audience_is_live` and `live_daily_cap`.
    """

    queryset = (
        Campaign.objects.filter(rehearsal_of=None)
        .select_related("program", "segment", "mailbox")
        .defer("mailbox__smtp_password", "mailbox__imap_password", "mailbox__service_key")
        .prefetch_related(Prefetch("more_mailboxes", Mailbox.objects.defer(*senders.SECRETS).order_by("name", "id")))
    )
    serializer_class = serializers.CampaignSerializer
    filterset_class = CampaignFilter

    def perform_create(self, serializer: BaseSerializer[Campaign]) -> None:
        serializer.instance = lifecycle.create_campaign(by=caller(self.request), **serializer.validated_data)

    def perform_update(self, serializer: BaseSerializer[Campaign]) -> None:
        lifecycle.change_campaign(campaign=self.get_object(), now=timezone.now(), **serializer.validated_data)
        serializer.instance = self.get_object()

    @extend_schema(responses={200: serializers.PreflightSerializer})
    @action(detail=True)
    def preflight(self, request: Request, **kwargs: Any) -> Response:
        """Everything that keeps this campaign from being launched, at once, and what else to mind."""
        campaign = self.get_object()
        found = {"problems": preflight.check(campaign=campaign), "warnings": cautions.of(campaign=campaign)}
        return Response(serializers.PreflightSerializer({"ready": not found["problems"], **found}).data)

    @extend_schema(responses={200: serializers.AudienceSerializer})
    @action(detail=True)
    def audience(self, request: Request, **kwargs: Any) -> Response:
        """Who of the segment would be written to now, and who is left out or waits and why: a sum that adds up."""
        campaign, now = self.get_object(), timezone.now()
        found, day = audience.add_up(campaign=campaign), growing.next_day(campaign=campaign, now=now)
        coming = growing.coming(campaign=campaign, now=now).values_list("public_id", flat=True) if day else ()
        told = {"next_day": day, "coming": list(coming[: min(campaign.live_daily_cap, MOST_COMING)])}
        return Response(serializers.AudienceSerializer({**vars(found), **told}).data)

    @extend_schema(responses={200: serializers.ForecastSerializer, 202: serializers.ForecastPendingSerializer})
    @action(detail=True)
    def forecast(self, request: Request, **kwargs: Any) -> Response:
        """What this campaign would do from now on, or if it were launched now, as long as nobody answers.

        With many people it is made in the background: 202 until there is one, then the last one with its `made_at`.
        """
        found = foretelling.of(campaign=self.get_object(), now=timezone.now())
        if found is None:
            return Response({"is_ready": False}, status=status.HTTP_202_ACCEPTED, headers={"Retry-After": "5"})
        return Response(serializers.ForecastSerializer(foretelling.named(found)).data)

    @extend_schema(
        request=serializers.LaunchSerializer,
        responses={200: serializers.EnrolledSerializer, 202: serializers.EnrolledSerializer},
    )
    @action(detail=True, methods=["post"])
    def launch(self, request: Request, **kwargs: Any) -> Response:
        """Freezes the sequence, enrolls the segment and starts. Refused with every problem that preflight finds.

        202 while people still come in, in the background: nobody is written to until all of them are in.
        """
        body = serializers.LaunchSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        fixed: dict[str, Any] = {"campaign": self.get_object(), "now": timezone.now(), "by": caller(request)}
        done = lifecycle.launch(**fixed, **body.validated_data, seconds=errands.HURRY)
        answer = status.HTTP_200_OK if done.is_done else status.HTTP_202_ACCEPTED
        return Response({"enrolled": done.enrolled}, status=answer)

    @extend_schema(request=None, responses={200: serializers.CampaignSerializer})
    @action(detail=True, methods=["post"], url_path="release")
    def release(self, request: Request, **kwargs: Any) -> Response:
        """Lets everybody go who waits behind the first batch of the launch."""
        first_batches.release(campaign=self.get_object(), now=timezone.now(), by=caller(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=serializers.ReasonSerializer, responses={200: serializers.CampaignSerializer})
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, **kwargs: Any) -> Response:
        """Holds every message of this campaign, from this moment on."""
        body = serializers.ReasonSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        lifecycle.pause(campaign=self.get_object(), reason=body.validated_data["reason"], by=caller(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses={200: serializers.CampaignSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, **kwargs: Any) -> Response:
        """Goes on where a pause stopped."""
        lifecycle.resume(campaign=self.get_object(), by=caller(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=serializers.EnrollSerializer, responses={200: serializers.EnrolledSerializer})
    @action(detail=True, methods=["post"])
    def enroll(self, request: Request, **kwargs: Any) -> Response:
        """Adds people to a launched campaign. Who is in it, is stopped or suppressed is left out."""
        body = serializers.EnrollSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        if "segment" in body.validated_data:
            people = segments.members(segment=body.validated_data["segment"])
        else:
            people = Prospect.objects.filter(public_id__in=body.validated_data["prospects"])
        enrolled = enrolling.enroll(
            campaign=self.get_object(), prospects=people, now=timezone.now(), by=caller(request)
        )
        return Response({"enrolled": enrolled})

    @extend_schema(request=serializers.CorrectionSerializer, responses={200: serializers.CampaignSerializer})
    @action(detail=True, methods=["post"])
    def correct(self, request: Request, **kwargs: Any) -> Response:
        """Sends a correction in the same thread to whoever received this version of a template, once."""
        body = serializers.CorrectionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        fixed: dict[str, Any] = {"campaign": self.get_object(), "now": timezone.now(), "by": caller(request)}
        correcting.correct(**fixed, **body.validated_data, seconds=errands.HURRY)
        return Response(self.get_serializer(self.get_object()).data)


class InSequence(KeysetPagination):
    """A sequence is read from its first step on."""

    ordering = "position"


@extend_schema_view(
    create=extend_schema(request=serializers.StepCreateSerializer, responses={201: serializers.StepSerializer})
)
class StepViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, ApiViewSet[Step]):
    """The sequence of a campaign: its newest version's steps. Once launched, they change only in a new version.

    While one is being written (`/versions/`), these are its steps.
    """

    queryset = Step.objects.prefetch_related("arms__template_version__template")
    serializer_class = serializers.StepSerializer
    pagination_class = InSequence

    def get_queryset(self) -> QuerySet[Step]:
        """Raises Http404 for a campaign that does not exist, where an empty list would mislead."""
        version = self._campaign().current_version()
        return super().get_queryset().filter(sequence_version=version)

    def _campaign(self) -> Campaign:
        return get_object_or_404(Campaign, public_id=self.kwargs["campaign_id"], rehearsal_of=None)

    def create(self, request: Request, **kwargs: Any) -> Response:
        body = serializers.StepCreateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        step = lifecycle.add_step(campaign=self._campaign(), by=caller(request), **body.validated_data)
        return Response(self.get_serializer(step).data, status=status.HTTP_201_CREATED)

    def perform_destroy(self, instance: Step) -> None:
        lifecycle.remove_step(step=instance)


class TemplatePreviewView(APIView):
    """A template's newest version as one person would read it."""

    schema = ProblemSchema()

    @extend_schema(
        operation_id="templates_preview",
        request=serializers.PreviewSerializer,
        responses={200: serializers.RenderedSerializer},
    )
    def post(self, request: Request, id: uuid.UUID) -> Response:
        template = get_object_or_404(Template.objects.filter(versions__isnull=False).distinct(), public_id=id)
        body = serializers.PreviewSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        rendered = composing.preview(template_version=template.current_version(), **body.validated_data)
        return Response({"subject": rendered.subject, "text": rendered.text, "html": rendered.html})


class ExplanationView(APIView):
    """Why this person got what they got in this campaign, and what comes next."""

    schema = ProblemSchema()

    @extend_schema(operation_id="campaigns_explanation", responses={200: serializers.ExplanationSerializer})
    def get(self, request: Request, id: uuid.UUID, prospect_id: uuid.UUID) -> Response:
        explanation = explaining.explain(
            prospect=get_object_or_404(Prospect, public_id=prospect_id),
            campaign=get_object_or_404(Campaign, public_id=id, rehearsal_of=None),
            now=timezone.now(),
        )
        return Response(serializers.ExplanationSerializer(explanation).data)
