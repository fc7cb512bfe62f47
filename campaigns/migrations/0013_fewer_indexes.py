"""Every state of a message writes into every index: those go that another one makes unnecessary.

A unique index or a longer one begins with the same key; nobody looks for the beginning of a Message-ID.
"""

from django.db import migrations, models
from django.db.models import PROTECT

GONE = {
    "campaigns_message_message_id_67201040_like": "campaigns_message (message_id varchar_pattern_ops)",
    "campaigns_message_campaign_id_de4b21fa": "campaigns_message (campaign_id)",
    "campaigns_message_enrollment_id_b79fcf35": "campaigns_message (enrollment_id)",
    "campaigns_message_mailbox_id_e2de2518": "campaigns_message (mailbox_id)",
    "campaigns_message_prospect_id_5d2ed228": "campaigns_message (prospect_id)",
    "campaigns_enrollment_campaign_id_c2fa2c86": "campaigns_enrollment (campaign_id)",
    "campaigns_enrollment_prospect_id_ae59d91a": "campaigns_enrollment (prospect_id)",
}
KEYS = (
    ("enrollment", "campaign", "campaigns.campaign"),
    ("enrollment", "prospect", "prospects.prospect"),
    ("message", "campaign", "campaigns.campaign"),
    ("message", "enrollment", "campaigns.enrollment"),
    ("message", "mailbox", "integrations.mailbox"),
    ("message", "prospect", "prospects.prospect"),
)


def without_index(to):
    return models.ForeignKey(to, db_index=False, on_delete=PROTECT, related_name="+")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("campaigns", "0012_guards"), ("integrations", "0004_pace"), ("prospects", "0011_waiting_indexes")]

    operations = [
        migrations.SeparateDatabaseAndState(
            [
                migrations.RunSQL(
                    f"DROP INDEX CONCURRENTLY IF EXISTS {name}", f"CREATE INDEX CONCURRENTLY {name} ON {columns}"
                )
                for name, columns in GONE.items()
            ],
            [migrations.AlterField(model, name, without_index(to)) for model, name, to in KEYS],
        )
    ]
