"""Campaigns and the steps of their sequences."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.callers import caller
from campaigns import lifecycle, senders
from campaigns.admin.rehearsals import WithoutRehearsals
from campaigns.models import Arm, Campaign, CampaignMailbox, SequenceVersion, Step, StepDraft
from outreach.lib.admin import AnyModelForm, ReadOnlyAdmin, VerbAdmin, each
from outreach.lib.exporting import ExportsList
from templates.models import Template

CAMPAIGN_STATE = ("state", "state_reason", "is_demo", "launched_at", "created_by", "launched_by")


@admin.register(Campaign)
class CampaignAdmin(WithoutRehearsals, ExportsList, VerbAdmin):
    says = "Who gets which sequence, from which mailbox. What changes once it was launched, changes on its page."
    page = "campaign"
    campaign_path = ""
    fieldsets = (
        (None, {"fields": ("name", ("program", "segment"), ("one_per_site", "audience_is_live"))}),
        (
            "From whom, and when",
            {
                "fields": (
                    ("mailbox", "further_mailboxes"),
                    ("daily_limit", "time_zone"),
                    ("skip_holidays", "quiet_dates"),
                    "goals",
                )
            },
        ),
        ("State", {"fields": CAMPAIGN_STATE}),
    )
    readonly_fields = (*CAMPAIGN_STATE, "further_mailboxes")
    autocomplete_fields = ["program", "segment", "mailbox"]
    list_display = ["name", "program", "segment", "mailbox", "state", "launched_at"]
    list_select_related = ["program", "segment", "mailbox", "created_by", "launched_by"]
    list_filter = ["state", "is_demo"]
    search_fields = ["name"]
    actions = ["launch", "pause", "resume"]
    sortable_by = ["name", "state", "launched_at"]
    exported = (
        "public_id", "name", "program__name", "segment__name", "mailbox__from_address", "time_zone", "skip_holidays",
        "quiet_dates", "goals", "daily_limit", "state",
        "state_reason", "launched_at", "created_at",
    )  # fmt: skip

    @admin.display(description="Shared with")
    def further_mailboxes(self, campaign: Campaign) -> str:
        """Chosen on the campaign's own page."""
        return ", ".join(str(box) for box in senders.further(campaign)) if campaign.pk else ""

    def has_change_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.state == Campaign.State.DRAFT)

    def has_delete_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        return False  # a campaign is archived, on its page

    def call_verb(self, request: HttpRequest, obj: Any, fields: dict[str, Any], *, change: bool) -> Campaign:
        if change:
            return lifecycle.change_campaign(campaign=obj, now=timezone.now(), **fields)
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


@admin.register(CampaignMailbox)
class CampaignMailboxAdmin(ReadOnlyAdmin):
    says = "The further mailboxes of campaigns; they are chosen on the campaign's own page."
    list_display = ["campaign", "mailbox"]
    list_select_related = ["campaign", "mailbox"]


@admin.register(Step)
class StepAdmin(WithoutRehearsals, VerbAdmin):
    says = "What comes after what. Steps are written on the campaign's page; here they are to be looked at."
    campaign_path = "sequence_version__campaign__"
    form = StepForm
    fields = ["campaign", "template", "delay", "delay_unit", "window_start", "window_end", "weekdays"]
    fields += ["condition", "needs_approval"]
    list_display = ["sequence_version", "position", "channel", "needs_approval", "condition", "delay", "delay_unit"]
    list_display += ["window_start", "window_end", "key"]
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
    says = "A sequence is edited on the campaign's page: each publication is a version here."
    list_display = ["campaign", "number", "published_at", "published_by", "audience", "reaches_finished", "counts"]
    list_select_related = ["campaign", "published_by"]


@admin.register(Arm)
class ArmAdmin(ReadOnlyAdmin):
    list_display = ["step", "name", "template_version"]
    list_select_related = ["step", "template_version__template"]


@admin.register(StepDraft)
class StepDraftAdmin(ReadOnlyAdmin):
    says = "What steps of drafts are about to say."
    list_display = ["step", "subject", "saved_at"]
    list_select_related = ["step"]
