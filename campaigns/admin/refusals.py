"""Every way to say no: suppressions, stopping people, stopping all sending."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.callers import caller
from campaigns import stopping
from campaigns.models import CampaignErrand, Errand, MailboxRound, SendingControl
from outreach.lib.admin import AnyModelForm, ReadOnlyAdmin, VerbAdmin, each
from outreach.lib.exporting import ExportsList
from prospects.admin import ProspectAdmin
from prospects.models import Prospect, Suppression


@admin.register(SendingControl)
class SendingControlAdmin(ReadOnlyAdmin):
    says = "The one switch over all sending."
    list_display = ["__str__", "stopped_at", "stop_reason", "stopped_by", "held_at", "held_because", "ticked_at"]
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


@admin.register(MailboxRound)
class MailboxRoundAdmin(ReadOnlyAdmin):
    says = "When each mailbox was last looked at for something to send: what fell due since then is overdue."
    list_display = ["mailbox", "looked_at"]
    list_select_related = ["mailbox"]


@admin.register(Errand)
class ErrandAdmin(ReadOnlyAdmin):
    says = "What somebody asked for and a tick does in pieces: after a restore, or after hours without sending."
    list_display = ["kind", "asked_at", "asked_by", "done", "finished_at"]
    list_select_related = ["asked_by"]


@admin.register(CampaignErrand)
class CampaignErrandAdmin(ReadOnlyAdmin):
    says = "A launch, or a new version of a sequence, whose people a tick puts in or moves in pieces."
    list_display = ["campaign", "kind", "asked_at", "asked_by", "done", "finished_at"]
    list_select_related = ["campaign", "asked_by"]


class SuppressionForm(AnyModelForm):
    value = forms.CharField(max_length=254, help_text="An address, a domain, an X handle or a LinkedIn page")
    reason = forms.ChoiceField(choices=[choice for choice in Suppression.Reason.choices if choice[0] != "erased"])


@admin.register(Suppression)
class SuppressionAdmin(ExportsList, VerbAdmin):
    says = "Whom we never write to. Adding one stops at once what is still planned for them."
    form = SuppressionForm
    fields = ["kind", "value", "reason", "source", "expires_at"]
    list_display = ["__str__", "kind", "reason", "source", "expires_at", "created_by", "created_at"]
    list_select_related = ["created_by"]
    list_filter = ["kind", "reason"]
    search_fields = ["value__startswith"]
    search_help_text = "The beginning of an address or domain"
    exported = ("public_id", "kind", "value", "reason", "source", "expires_at", "created_at")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def delete_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """Leads to the page that asks why, knows what people asked for themselves, and keeps who took it back."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_delete_permission(request, row):
            raise PermissionDenied
        return redirect("suppression-lift", row.public_id)

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
            to = prospect.email
            return stopping.suppress(kind="address", value=to, reason=reason, source="back office", by=by)[1]

        people = queryset.exclude(email="")
        each(self, request, people, verb, done="suppressed", not_done="suppressed before")

    @admin.action(description="Never write to them again", permissions=["operate"])
    def stop(self, request: HttpRequest, queryset: QuerySet[Prospect]) -> None:
        def verb(prospect: Prospect) -> bool:
            stopping.stop_person(prospect=prospect, reason="stopped in the back office", by=caller(request))
            return True

        each(self, request, queryset, verb, done="stopped", not_done="")
