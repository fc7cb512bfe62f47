"""What no search compares, or what a unique index tells more of, ANALYZE need not read and sort.

These tables change with each mail, so they are analysed again and again. The statistics that are there stay until
the next ANALYZE; setting them aside takes a lock for an instant, and rewrites nothing.
"""

from django.db import migrations

UNREAD = {
    "campaigns_message": (
        *("public_id", "recipient", "contact_keys", "message_id", "why", "lease_token", "attempts", "marked_at"),
        *("cancel_reason", "smtp_phase", "smtp_code", "smtp_status"),
    ),
    "campaigns_enrollment": ("public_id", "ended_at", "next_step_key"),
}


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0017_days_off")]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0",
            f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS -1",
        )
        for table, columns in UNREAD.items()
        for column in columns
    ]
