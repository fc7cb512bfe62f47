"""A claim writes one row per mailbox instead of one per message, and every state writes into fewer indexes.

For three keys of a message and three of an enrollment nobody asks but PostgreSQL, when the row that they name is deleted:
a BRIN index is enough. A list of texts in a check is read and folded anew by each statement; a pattern is not. What a
message says is never compared, so ANALYZE need not read it.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations, models
from django.db.models import PROTECT, SET_NULL, Q

STATES = ["planned", "sending", "sent", "refused", "uncertain", "abandoned", "cancelled"]
WORDS = [
    "Planned",
    "Being handed over",
    "Sent",
    "Refused",
    "Not sure whether it was sent",
    "Given up, not sure whether it was sent",
    "Cancelled",
]
GONE = {
    "campaigns_message_step_id_594faaac": "campaigns_message (step_id)",
    "campaigns_message_arm_id_2c21ba37": "campaigns_message (arm_id)",
    "campaigns_message_template_version_id_0fb2d940": "campaigns_message (template_version_id)",
    "campaigns_enrollment_sequence_version_id_5788a310": "campaigns_enrollment (sequence_version_id)",
    "campaigns_enrollment_mailbox_id_39e01447": "campaigns_enrollment (mailbox_id)",
    "campaigns_enrollment_enrolled_by_id_dabdf9c9": "campaigns_enrollment (enrolled_by_id)",
}
KEYS = (
    ("message", "step", "campaigns.step"),
    ("message", "arm", "campaigns.arm"),
    ("message", "template_version", "templates.templateversion"),
    ("enrollment", "sequence_version", "campaigns.sequenceversion"),
    ("enrollment", "mailbox", "integrations.mailbox"),
)
CHECKS = (
    ("enrollment", "enrollment_state_is_known", Q(state__regex="^(active|finished|stopped)$")),
    ("message", "message_state_is_known", Q(state__regex=f"^({'|'.join(STATES)})$")),
    ("message", "message_in_hand_has_lease", ~Q(state="sending") | Q(lease_token__isnull=False)),
)
OLD_CHECKS = (
    ("enrollment", "enrollment_state_is_known"),
    ("message", "message_state_is_known"),
    ("message", "message_open_has_lease"),
)
UNREAD = ("subject", "text", "html", "smtp_reply")


def without_index(to):
    return models.ForeignKey(to, db_index=False, on_delete=PROTECT, related_name="+")


def without_index_on_who(to):
    return models.ForeignKey(to, null=True, db_index=False, on_delete=SET_NULL, related_name="+")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("campaigns", "0014_suspects"),
        ("integrations", "0005_outages"),
        ("templates", "0002_versions_never_change"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("mailboxround", "claimed", ArrayField(models.BigIntegerField(), default=list, db_default=[])),
        migrations.RunSQL(
            "UPDATE campaigns_message SET state = 'planned', lease_token = NULL WHERE state = 'claimed'",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            "message",
            "state",
            models.CharField(choices=list(zip(STATES, WORDS, strict=True)), default="planned", max_length=10),
        ),
        *(migrations.RemoveConstraint(model, name) for model, name in OLD_CHECKS),
        *(
            AddConstraintNotValid(model, models.CheckConstraint(condition=condition, name=name))
            for model, name, condition in CHECKS
        ),
        *(ValidateConstraint(model, name) for model, name, _ in CHECKS),
        AddIndexConcurrently(
            "message", models.Index(fields=["mailbox"], condition=Q(state="sending"), name="message_sending")
        ),
        AddIndexConcurrently(
            "message", GinIndex(fields=["contact_keys"], condition=Q(state="planned"), name="message_stopped_by")
        ),
        AddIndexConcurrently(
            "message", BrinIndex(fields=["step", "arm", "template_version"], name="message_content_brin")
        ),
        AddIndexConcurrently(
            "enrollment", BrinIndex(fields=["sequence_version", "mailbox", "enrolled_by"], name="enrollment_origin_brin")
        ),
        RemoveIndexConcurrently("message", "message_in_hand"),
        RemoveIndexConcurrently("message", "message_stoppable"),
        migrations.SeparateDatabaseAndState(
            [
                migrations.RunSQL(
                    f"DROP INDEX CONCURRENTLY IF EXISTS {name}", f"CREATE INDEX CONCURRENTLY {name} ON {columns}"
                )
                for name, columns in GONE.items()
            ],
            [
                *(migrations.AlterField(model, name, without_index(to)) for model, name, to in KEYS),
                migrations.AlterField("enrollment", "enrolled_by", without_index_on_who(settings.AUTH_USER_MODEL)),
            ],
        ),
        *(
            migrations.RunSQL(
                f"ALTER TABLE campaigns_message ALTER COLUMN {column} SET STATISTICS 0",
                f"ALTER TABLE campaigns_message ALTER COLUMN {column} SET STATISTICS -1",
            )
            for column in UNREAD
        ),
    ]
