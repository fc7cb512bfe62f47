"""The ledger and what was counted from it: read-only, but for the answer to what nobody was sure about."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.callers import caller
from campaigns import reconciling
from campaigns.admin.rehearsals import WithoutRehearsals
from campaigns.models import (
    CampaignCount,
    DailyCount,
    Decision,
    Enrollment,
    Event,
    KeptForecast,
    Message,
    PersonalText,
    Reply,
    TrackedLink,
)
from outreach.lib.admin import ReadOnlyAdmin, each
from outreach.lib.exporting import ExportsList
from prospects.admin import OfPeople

NEWEST = 50_000


class AmongNewest(admin.SimpleListFilter):
    """A choice that no index serves looks through the newest rows only: a rare one would read the whole ledger."""

    indexed: frozenset[str] = frozenset()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        choices = model_admin.model._meta.get_field(self.parameter_name).choices
        return [(value, label) for value, label in choices if value]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not (value := self.value()):
            return queryset
        rows = queryset.filter(**{str(self.parameter_name): value})
        if value in self.indexed:
            return rows
        newest = queryset.model._default_manager.order_by("-pk").values_list("pk", flat=True).first() or 0
        return rows.filter(pk__gt=newest - NEWEST)


class StateFilter(AmongNewest):
    title = parameter_name = "state"
    indexed = frozenset({"planned", "sending", "uncertain"})


class OutcomeFilter(AmongNewest):
    title = parameter_name = "outcome"


class KindFilter(AmongNewest):
    title = parameter_name = "kind"


@admin.register(DailyCount)
class DailyCountAdmin(ReadOnlyAdmin):
    says = "What each step did on each UTC day, counted from the ledger."
    list_display = ["campaign", "step_key", "day", "sent", "refused", "bounced", "clicked", "replied", "unsubscribed"]
    list_select_related = ["campaign"]


@admin.register(CampaignCount)
class CampaignCountAdmin(ReadOnlyAdmin):
    says = "Where the people of each campaign stand, counted from the ledger."
    list_display = ["campaign", "enrolled", "active", "not_begun", "finished", "planned", "counted_at"]
    list_select_related = ["campaign"]


@admin.register(KeptForecast)
class KeptForecastAdmin(ReadOnlyAdmin):
    says = "The last forecast of each campaign, made anew when somebody looks at it."
    list_display = ["campaign", "made_at", "asked_at"]
    list_select_related = ["campaign"]


@admin.register(Enrollment)
class EnrollmentAdmin(WithoutRehearsals, OfPeople, ReadOnlyAdmin):
    says = "People in campaigns: how far each one came, and why it ended."
    list_display = ["prospect", "campaign", "state", "stop_reason", "steps_handed_over", "due_at"]
    list_select_related = ["campaign", "prospect"]
    list_filter = ["state"]


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    says = "Why something was not sent, or not yet."
    list_display = ["enrollment", "step_key", "verdict", "rule", "decided_at"]
    list_select_related = ["enrollment"]
    list_filter = ["verdict"]


@admin.register(Message)
class MessageAdmin(WithoutRehearsals, OfPeople, ExportsList, ReadOnlyAdmin):
    says = (
        "The ledger: every message that was ever planned, with its exact text. Filters look through the newest 50,000."
    )
    page = "message"
    fieldsets = (
        ("What and to whom", {"fields": ("campaign", "prospect", "recipient", "subject", "text", "html")}),
        (
            "What became of it",
            {"fields": ("state", "outcome", "cancel_reason", "smtp_phase", "smtp_code", "smtp_reply")},
        ),
        ("When", {"fields": ("planned_at", "send_at", "marked_at", "handed_over_at", "created_at")}),
        ("Why, and which", {"fields": ("why", "step", "arm", "template_version", "mailbox", "enrollment")}),
        ("Keys", {"fields": ("public_id", "message_id", "step_key", "is_follow_up", "attempts")}),
    )
    list_display = ["recipient", "subject", "state", "outcome", "send_at", "campaign"]
    list_select_related = ["campaign"]
    list_filter = [StateFilter, OutcomeFilter]
    search_help_text = "Name, company, address or Message-ID"
    actions = ["was_sent", "was_not_sent"]
    exported = (
        "public_id", "campaign__name", "recipient", "subject", "state", "outcome", "step_key", "planned_at", "send_at",
        "handed_over_at", "cancel_reason", "smtp_reply", "message_id",
    )  # fmt: skip

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> tuple[Any, bool]:
        if term.strip().startswith("<"):
            return queryset.filter(message_id=term.strip()), False
        return super().get_search_results(request, queryset, term)

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


@admin.register(PersonalText)
class PersonalTextAdmin(ReadOnlyAdmin):
    says = "What somebody wrote for one person instead of the step's words."
    list_display = ["message", "subject", "written_by", "written_at"]
    list_select_related = ["message", "written_by"]


@admin.register(TrackedLink)
class TrackedLinkAdmin(ReadOnlyAdmin):
    says = "Links that mails carry; a mailed link names a row here, never an address."
    list_display = ["url", "template_version", "created_at"]
    list_select_related = ["template_version__template"]


@admin.register(Event)
class EventAdmin(OfPeople, ReadOnlyAdmin):
    says = "What others did: bounces, answers, clicks. Rows are only added. The filter looks through the newest 50,000."
    list_display = ["kind", "prospect", "message", "occurred_at", "by_machine"]
    list_select_related = ["prospect", "message"]
    list_filter = [KindFilter]


@admin.register(Reply)
class ReplyAdmin(OfPeople, ExportsList, ReadOnlyAdmin):
    says = "Answers in people's own words. They are read and answered in the Inbox."
    fieldsets = (
        (None, {"fields": ("sender", "prospect", "subject", "text")}),
        ("State", {"fields": ("reply_class", "received_at", "read_at", "message")}),
    )
    list_display = ["sender", "subject", "reply_class", "received_at", "read_at"]
    list_select_related = ["prospect"]
    list_filter = ["reply_class"]
    exported = (
        "public_id",
        "prospect__public_id",
        "sender",
        "subject",
        "text",
        "reply_class",
        "received_at",
        "read_at",
    )
    actions = ["mark_read"]

    @admin.action(description="Mark as read", permissions=["operate"])
    def mark_read(self, request: HttpRequest, queryset: QuerySet[Reply]) -> None:
        count = queryset.filter(read_at=None).update(read_at=timezone.now())
        messages.success(request, f"{count} marked as read.")
