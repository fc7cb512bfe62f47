"""The relationship with one person over HTTP: notes, files, stages, next step, owner, protection."""

import uuid
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import keys
from accounts.callers import caller, role_of
from accounts.models import ApiKey, Role
from outreach.lib.endpoints import ApiViewSet, ProblemSchema
from prospects import files, following_up, notes, owning, protecting, stages
from prospects.api import relationship_serializers as serializers
from prospects.models import File, Note, Prospect, Stage

M = TypeVar("M", bound=Model)


def _person(id: uuid.UUID) -> Prospect:
    """Raises Http404 also for a row that was merged away or erased."""
    return get_object_or_404(Prospect.objects.present().select_related("owner"), public_id=id)


def _role(request: Request) -> Role | None:
    """What this request may do: its key's role where it came with one."""
    if isinstance(request.auth, ApiKey):
        return keys.role_of_key(key=request.auth)
    return role_of(caller(request))


def _answer(person: Prospect) -> Response:
    return Response(serializers.RelationshipSerializer(_person(person.public_id)).data)


class OfPersonViewSet(mixins.ListModelMixin, ApiViewSet[M]):
    """Rows of one person; 404 for a person that does not exist, where an empty list would mislead."""

    with_merged = True  # what was kept about a row that was merged into them is theirs

    def get_queryset(self) -> QuerySet[M]:
        person = self.person()
        theirs = Q(prospect=person) | Q(prospect__person=person) if self.with_merged else Q(prospect=person)
        return super().get_queryset().filter(theirs)

    def person(self) -> Prospect:
        """Whose rows these are."""
        return _person(self.kwargs["prospect_id"])


class NoteViewSet(OfPersonViewSet[Note]):
    """What people here wrote down about a person, newest first."""

    queryset = Note.objects.select_related("created_by")
    serializer_class = serializers.NoteSerializer

    def create(self, request: Request, **kwargs: Any) -> Response:
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        note = notes.add_note(prospect=self.person(), by=caller(request), **body.validated_data)
        return Response(self.get_serializer(note).data, status=status.HTTP_201_CREATED)


@extend_schema_view(
    create=extend_schema(
        request={"multipart/form-data": serializers.FileUploadSerializer},
        responses={201: serializers.FileSerializer},
    )
)
class FileViewSet(mixins.RetrieveModelMixin, mixins.DestroyModelMixin, OfPersonViewSet[File]):
    """Documents about a person, newest first: at most 5 MB each."""

    queryset = File.objects.defer("data").select_related("created_by")
    serializer_class = serializers.FileSerializer
    parser_classes = [MultiPartParser]

    def create(self, request: Request, **kwargs: Any) -> Response:
        body = serializers.FileUploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        sent = body.validated_data["file"]
        named = {"name": sent.name or "", "content_type": sent.content_type or ""}
        kept = files.keep_file(prospect=self.person(), source=sent, by=caller(request), **named)
        return Response(self.get_serializer(kept).data, status=status.HTTP_201_CREATED)

    def perform_destroy(self, instance: File) -> None:
        files.delete_file(file=instance)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True)
    def content(self, request: Request, **kwargs: Any) -> HttpResponse:
        """The file itself, as a download."""
        kept = self.get_object()
        disposition = content_disposition_header(True, kept.name) or "attachment"
        headers = {"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"}
        return HttpResponse(bytes(kept.data), content_type="application/octet-stream", headers=headers)


@extend_schema_view(
    create=extend_schema(request=serializers.MoveSerializer, responses={200: serializers.StageSerializer})
)
class StageViewSet(OfPersonViewSet[Stage]):
    """Where a person stands in each program. A POST moves them; the change is kept with who, when and why."""

    queryset = Stage.objects.select_related("program")
    serializer_class = serializers.StageSerializer
    with_merged = False  # the person stands where the further of the two stood

    def create(self, request: Request, **kwargs: Any) -> Response:
        body = serializers.MoveSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        said, person = body.validated_data, self.person()
        common = {"prospect": person, "program": said["program"], "by": caller(request), "now": timezone.now()}
        stages.move(to=said["stage"], why=said["why"], **common)
        stands = self.get_queryset().filter(program=said["program"]).first()
        fresh = stands or Stage(prospect=person, program=said["program"], name=Stage.Name.IDENTIFIED)
        return Response(self.get_serializer(fresh).data)


class NextStepView(APIView):
    """What is to be done about a person, and by when; it takes the place of what was there."""

    schema = ProblemSchema()

    @extend_schema(
        operation_id="prospects_next_step",
        request=serializers.NextStepSerializer,
        responses={200: serializers.RelationshipSerializer},
    )
    def post(self, request: Request, id: uuid.UUID) -> Response:
        body = serializers.NextStepSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return _answer(following_up.set_next_step(prospect=_person(id), by=caller(request), **body.validated_data))


class NextStepDoneView(APIView):
    """The step is taken: a note says so, and nothing is due any more."""

    schema = ProblemSchema()

    @extend_schema(
        operation_id="prospects_next_step_done", request=None, responses={200: serializers.RelationshipSerializer}
    )
    def post(self, request: Request, id: uuid.UUID) -> Response:
        person = _person(id)
        following_up.done(prospect=person, by=caller(request))
        return _answer(person)


class OwnerView(APIView):
    """Who looks after a person; of somebody protected only their owner or a manager says so."""

    schema = ProblemSchema()

    @extend_schema(
        operation_id="prospects_owner",
        request=serializers.OwnerSerializer,
        responses={200: serializers.RelationshipSerializer},
    )
    def post(self, request: Request, id: uuid.UUID) -> Response:
        body = serializers.OwnerSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        person = _person(id)
        owning.give(prospect=person, by=caller(request), role=_role(request), **body.validated_data)
        return _answer(person)


class ProtectView(APIView):
    """No campaign writes to them before their owner or a manager lifts it."""

    schema = ProblemSchema()

    @extend_schema(operation_id="prospects_protect", request=None, responses={200: serializers.RelationshipSerializer})
    def post(self, request: Request, id: uuid.UUID) -> Response:
        person = _person(id)
        protecting.protect(prospect_ids=[person.pk])
        return _answer(person)


class UnprotectView(APIView):
    """Lifts the protection: their owner may, and a manager."""

    schema = ProblemSchema()

    @extend_schema(
        operation_id="prospects_unprotect", request=None, responses={200: serializers.RelationshipSerializer}
    )
    def post(self, request: Request, id: uuid.UUID) -> Response:
        person = _person(id)
        protecting.unprotect(prospect=person, by=caller(request), role=_role(request))
        return _answer(person)


class HandOverView(APIView):
    """Everybody whom one colleague looks after goes to another, all at once."""

    schema = ProblemSchema()

    @extend_schema(
        operation_id="owners_hand_over",
        request=serializers.HandOverSerializer,
        responses={200: serializers.HandedOverSerializer},
    )
    def post(self, request: Request) -> Response:
        body = serializers.HandOverSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response({"people": owning.hand_over(by=caller(request), **body.validated_data)})
