"""Mailboxes and incoming mail in the back office."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from integrations import editing, sending
from integrations.models import InboundEvent, Mailbox
from outreach.lib.admin import AnyModelForm, ReadOnlyAdmin, SecretField, VerbAdmin, each

SENDING = (("service", "service_key"), "smtp_host", ("smtp_port", "smtp_security"), ("smtp_username", "smtp_password"))
READING = ("imap_host", ("imap_port", "imap_security"), ("imap_username", "imap_password"), "imap_folder")
OUTAGE = ("send_failures", "send_error", "send_again_at")
STATE = ("status", "status_reason", "is_demo", "verified_at", "polled_at", "poll_error", "copies_seen_at", *OUTAGE)


class MailboxForm(AnyModelForm):
    service_key = SecretField(label="Key at the service")
    smtp_password = SecretField(label="SMTP password")
    imap_password = SecretField(label="IMAP password")


@admin.register(Mailbox)
class MailboxAdmin(VerbAdmin):
    form = MailboxForm
    says = "Who the mail comes from. Passwords are kept encrypted and never shown."
    page = "mailbox"
    fieldsets = (
        (
            None,
            {
                "fields": [
                    "name",
                    ("from_name", "from_address"),
                    ("daily_cap", "gap_seconds"),
                    ("ramp_start", "ramp_step"),
                    "ramp_from",
                    ("domain_cap", "connections"),
                ]
            },
        ),
        ("Sending", {"fields": SENDING}),
        ("Reading (IMAP)", {"fields": READING}),
        ("State", {"fields": STATE}),
    )
    readonly_fields = STATE
    list_display = [
        "name",
        "from_address",
        "status",
        "daily_cap",
        "verified_at",
        "polled_at",
        "poll_error",
        "send_error",
    ]
    list_filter = ["status", "is_demo"]
    search_fields = ["name", "from_address"]
    sortable_by = ["name", "from_address", "status"]
    actions = ["check_now", "pause", "resume"]

    def call_verb(self, request: HttpRequest, obj: Any, fields: dict[str, Any], *, change: bool) -> Mailbox:
        return editing.change_mailbox(mailbox=obj, **fields) if change else editing.add_mailbox(**fields)

    @admin.action(description="Check that both servers answer", permissions=["operate"])
    def check_now(self, request: HttpRequest, queryset: QuerySet[Mailbox]) -> None:
        fine = 0
        for mailbox in queryset:
            wrong = sending.check(mailbox=mailbox, now=timezone.now())
            fine += not wrong
            for sentence in wrong:
                messages.error(request, f"{mailbox}: {sentence}")
        messages.info(request, f"{fine} of {len(queryset)} checked and fine.")

    @admin.action(description="Pause", permissions=["operate"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Mailbox]) -> None:
        reason = f"paused by {request.user}"
        each(self, request, queryset, lambda one: one.pause(reason=reason), done="paused", not_done="not active")

    @admin.action(description="Resume", permissions=["operate"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Mailbox]) -> None:
        each(self, request, queryset, lambda one: one.resume(), done="resumed", not_done="not paused")


@admin.register(InboundEvent)
class InboundEventAdmin(ReadOnlyAdmin):
    says = "Every mail that came in, as it came. One with an error could not be read and is kept."
    list_display = ["__str__", "mailbox", "uid", "stored_at", "applied_at", "error"]
    list_select_related = ["mailbox"]
    list_filter = ["source"]
    search_fields = ["=digest"]
    exclude = ["raw"]
