"""Campaigns, the ledger and every way to say no, in the back office. The ledger is read-only."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.callers import caller
from campaigns import lifecycle, reconciling, stopping
from campaigns.models import (
    Arm,
    Campaign,
    Decision,
    Enrollment,
    Event,
    Message,
    Reply,
    SendingControl,
    SequenceVersion,
    Step,
    TrackedLink,
)
from outreach.lib.admin import AnyModelForm, ReadOnlyAdmin, VerbAdmin, each
from prospects.admin import ProspectAdmin
from prospects.models import Prospect, Suppression
from templates.models import Template

CAMPAIGN_STATE = ["state", "state_reason", "is_demo", "launched_at", "created_by", "launched_by"]


@admin.register(Campaign)
class CampaignAdmin(VerbAdmin):
    fields = ["name", "program", "segment", "mailbox", "time_zone", *CAMPAIGN_STATE]
    readonly_fields = CAMPAIGN_STATE
    autocomplete_fields = ["program", "segment", "mailbox"]
    list_display = ["name", "program", "segment", "mailbox", "state", "launched_at", "is_demo"]
    list_select_related = ["program", "segment", "mailbox"]
    list_filter = ["state", "is_demo"]
    search_fields = ["name"]
    actions = ["launch", "pause", "resume"]

    def call_verb(self, request: HttpRequest, obj: Any, fields: dict[str, Any], *, change: bool) -> Campaign:
        if change:
            return lifecycle.change_campaign(campaign=obj, **fields)
        return lifecycle.create_campaign(by=caller(request), **fields)

    @admin.action(description="Launch", permissions=["operate"])
    def launch(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        for campaign in queryset:
            try:
                launched = lifecycle.launch(campaign=campaign, now=timezone.now(), by=caller(request))
            except lifecycle.NotReady as error:
                for problem in error.problems:
                    messages.error(request, f"{campaign}: {problem.message}")
            else:
                messages.success(request, f"{campaign} runs; {launched.enrolled} people enrolled.")

    @admin.action(description="Pause", permissions=["operate"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        by = caller(request)
        each(
            self, request, queryset, lambda c: lifecycle.pause(campaign=c, by=by), done="paused", not_done="not running"
        )

    @admin.action(description="Resume", permissions=["operate"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        by = caller(request)
        each(
            self,
            request,
            queryset,
            lambda c: lifecycle.resume(campaign=c, by=by),
            done="resumed",
            not_done="not paused",
        )


class StepForm(AnyModelForm):
    campaign = forms.ModelChoiceField(Campaign.objects.filter(state=Campaign.State.DRAFT))
    template = forms.ModelChoiceField(Template.objects.filter(archived_at=None, versions__isnull=False).distinct())


@admin.register(Step)
class StepAdmin(VerbAdmin):
    form = StepForm
    fields = ["campaign", "template", "delay", "delay_unit", "window_start", "window_end", "weekdays"]
    list_display = ["sequence_version", "position", "delay", "delay_unit", "window_start", "window_end", "key"]
    list_select_related = ["sequence_version__campaign"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a step is removed and added anew

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and self.has_operate_permission(request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.list_display if obj else self.fields

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A step's arms go with it, though nobody deletes an arm by itself."""
        listed, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return listed, counts, lacking - {Arm._meta.verbose_name}, protected

    def call_verb(self, request: HttpRequest, obj: Any, fields: dict[str, Any], *, change: bool) -> Step:
        return lifecycle.add_step(by=caller(request), **fields)

    def delete_model(self, request: HttpRequest, obj: Step) -> None:
        lifecycle.remove_step(step=obj)


@admin.register(SequenceVersion)
class SequenceVersionAdmin(ReadOnlyAdmin):
    list_display = ["campaign", "number", "published_at", "created_at"]
    list_select_related = ["campaign"]


@admin.register(Arm)
class ArmAdmin(ReadOnlyAdmin):
    list_display = ["step", "name", "template_version"]
    list_select_related = ["step", "template_version__template"]


@admin.register(Enrollment)
class EnrollmentAdmin(ReadOnlyAdmin):
    list_display = ["prospect", "campaign", "state", "stop_reason", "steps_handed_over", "due_at"]
    list_select_related = ["campaign", "prospect"]
    list_filter = ["state"]


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ["enrollment", "step_key", "verdict", "rule", "decided_at"]
    list_select_related = ["enrollment"]
    list_filter = ["verdict"]


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ["recipient", "subject", "state", "outcome", "send_at", "handed_over_at", "campaign"]
    list_select_related = ["campaign"]
    list_filter = ["state", "outcome"]
    search_fields = ["=message_id"]
    actions = ["was_sent", "was_not_sent"]

    @admin.action(description="Uncertain: it was sent, go on", permissions=["settle"])
    def was_sent(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        self._settle(request, queryset, sent=True)

    @admin.action(description="Uncertain: it was not sent, end here", permissions=["settle"])
    def was_not_sent(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        self._settle(request, queryset, sent=False)

    def has_settle_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("campaigns.settle_message"))

    def _settle(self, request: HttpRequest, queryset: QuerySet[Message], *, sent: bool) -> None:
        def verb(message: Message) -> bool:
            return reconciling.decide(message=message, sent=sent, note="in the back office", by=caller(request))

        rows = queryset.select_related("prospect", "campaign", "enrollment", "step")
        each(self, request, rows, verb, done="settled", not_done="not uncertain")


@admin.register(TrackedLink)
class TrackedLinkAdmin(ReadOnlyAdmin):
    list_display = ["url", "template_version", "created_at"]
    list_select_related = ["template_version__template"]


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ["kind", "prospect", "message", "occurred_at", "by_machine"]
    list_select_related = ["prospect", "message"]
    list_filter = ["kind", "by_machine"]


@admin.register(Reply)
class ReplyAdmin(ReadOnlyAdmin):
    list_display = ["sender", "subject", "reply_class", "received_at", "read_at"]
    list_filter = ["reply_class"]
    actions = ["mark_read"]

    @admin.action(description="Mark as read", permissions=["operate"])
    def mark_read(self, request: HttpRequest, queryset: QuerySet[Reply]) -> None:
        count = queryset.filter(read_at=None).update(read_at=timezone.now())
        messages.success(request, f"{count} marked as read.")


@admin.register(SendingControl)
class SendingControlAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "stopped_at", "stop_reason", "stopped_by", "ticked_at"]
    list_select_related = ["stopped_by"]
    actions = ["stop_all", "resume_all"]

    @admin.action(description="Stop all sending", permissions=["operate"])
    def stop_all(self, request: HttpRequest, queryset: QuerySet[SendingControl]) -> None:
        stopping.stop_all(reason="in the back office", by=caller(request))
        messages.success(request, "All sending is stopped.")

    @admin.action(description="Lift “Stop all sending”", permissions=["operate"])
    def resume_all(self, request: HttpRequest, queryset: QuerySet[SendingControl]) -> None:
        stopping.resume_all(by=caller(request))
        messages.success(request, "Sending goes on.")


class SuppressionForm(AnyModelForm):
    value = forms.CharField(max_length=254, help_text="An address or a domain")


@admin.register(Suppression)
class SuppressionAdmin(VerbAdmin):
    form = SuppressionForm
    fields = ["kind", "value", "reason", "source"]
    list_display = ["__str__", "kind", "reason", "source", "created_by", "created_at"]
    list_select_related = ["created_by"]
    list_filter = ["kind", "reason"]
    search_fields = ["value__startswith"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def call_verb(self, request: HttpRequest, obj: Any, fields: dict[str, Any], *, change: bool) -> Suppression:
        return stopping.suppress(by=caller(request), **fields)[0]


@admin.register(Prospect)
class PersonAdmin(ProspectAdmin):
    """The person's page with what reaches into campaigns."""

    actions = ["suppress", "stop"]

    @admin.action(description="Suppress their addresses", permissions=["operate"])
    def suppress(self, request: HttpRequest, queryset: QuerySet[Prospect]) -> None:
        def verb(prospect: Prospect) -> bool:
            reason, by = Suppression.Reason.MANUAL, caller(request)
            return stopping.suppress(kind="address", value=prospect.email, reason=reason, source="back office", by=by)[
                1
            ]

        people = queryset.exclude(email="")
        each(self, request, people, verb, done="suppressed", not_done="suppressed before")

    @admin.action(description="Never write to them again", permissions=["operate"])
    def stop(self, request: HttpRequest, queryset: QuerySet[Prospect]) -> None:
        def verb(prospect: Prospect) -> bool:
            stopping.stop_person(prospect=prospect, reason="stopped in the back office", by=caller(request))
            return True

        each(self, request, queryset, verb, done="stopped", not_done="")
