"""How a mailbox looks outside: without its secrets."""

from typing import Any

from rest_framework import serializers

from integrations.models import Mailbox
from outreach.lib.endpoints import StrictModelSerializer, StrictSerializer


class MailboxSerializer(StrictModelSerializer[Mailbox]):
    class Meta:
        model = Mailbox
        fields = [
            "id",
            "name",
            "from_name",
            "from_address",
            "service",
            "service_key",
            "smtp_host",
            "smtp_port",
            "smtp_security",
            "smtp_username",
            "smtp_password",
            "imap_host",
            "imap_port",
            "imap_security",
            "imap_username",
            "imap_password",
            "imap_folder",
            "daily_cap",
            "ramp_start",
            "ramp_step",
            "ramp_from",
            "gap_seconds",
            "domain_cap",
            "connections",
            "is_demo",
            "status",
            "status_reason",
            "verified_at",
            "polled_at",
            "poll_error",
            "send_failures",
            "send_error",
            "send_again_at",
            "created_at",
        ]
        read_only_fields = [
            *("is_demo", "status", "status_reason", "verified_at", "polled_at", "poll_error"),
            *("send_failures", "send_error", "send_again_at"),
        ]
        extra_kwargs = {
            "service_key": {"write_only": True, "trim_whitespace": False},
            "smtp_password": {"write_only": True, "trim_whitespace": False},
            "imap_password": {"write_only": True, "trim_whitespace": False},
            "smtp_port": {"min_value": 1, "max_value": 65535},
            "imap_port": {"min_value": 1, "max_value": 65535},
        }


class PauseSerializer(StrictSerializer):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=200, default="")


class MailboxCheckSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    problems = serializers.ListField(child=serializers.CharField())
