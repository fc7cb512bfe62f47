"""Indexes of those who wait, which Today asks for; one that folders from before 0.1.0 may lack; and one less.

Whose owner somebody is, `prospect_owner` tells as well as the index that the key brought along.
"""

from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

DEMO = "CREATE INDEX CONCURRENTLY IF NOT EXISTS prospect_demo ON prospects_prospect (id) WHERE is_demo"
OWNER = "CREATE INDEX CONCURRENTLY prospects_prospect_owner_id_adc34109 ON prospects_prospect (owner_id)"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("prospects", "0010_undo"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        AddIndexConcurrently(
            "prospect",
            models.Index(
                fields=["contacted_elsewhere_at"],
                condition=Q(contacted_elsewhere_at__isnull=False),
                name="prospect_elsewhere",
            ),
        ),
        AddIndexConcurrently(
            "site", models.Index(fields=["id"], condition=Q(protected_at__isnull=False), name="site_protected")
        ),
        migrations.RunSQL(DEMO, migrations.RunSQL.noop),
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS prospects_prospect_owner_id_adc34109", OWNER)],
            [
                migrations.AlterField(
                    "prospect",
                    "owner",
                    models.ForeignKey(
                        settings.AUTH_USER_MODEL,
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=models.SET_NULL,
                        related_name="+",
                    ),
                )
            ],
        ),
    ]
