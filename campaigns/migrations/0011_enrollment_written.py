"""The index by which people are told who were written to, where 0003 ran before it said so."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("campaigns", "0010_history")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS enrollment_written ON campaigns_enrollment (prospect_id) "
            "WHERE steps_handed_over > 0",
            migrations.RunSQL.noop,
        ),
    ]
