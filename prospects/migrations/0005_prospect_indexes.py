"""Indexes of the tables that grew, built while they are in use."""

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("prospects", "0004_prospects")]

    operations = [
        migrations.SeparateDatabaseAndState(  # the index is built beside running imports, then becomes the constraint
            database_operations=[
                migrations.RunSQL(
                    [
                        "CREATE UNIQUE INDEX CONCURRENTLY import_row_once ON prospects_importrow (batch_id, sheet, line)",
                        """ALTER TABLE prospects_importrow
                           ADD CONSTRAINT import_row_once UNIQUE USING INDEX import_row_once""",
                    ],
                    "ALTER TABLE prospects_importrow DROP CONSTRAINT import_row_once",
                )
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name='importrow',
                    constraint=models.UniqueConstraint(fields=('batch', 'sheet', 'line'), name='import_row_once'),
                )
            ],
        ),
        AddIndexConcurrently(
            model_name='prospect',
            index=models.Index(condition=models.Q(('person__isnull', False)), fields=['person'], name='prospect_merged'),
        ),
        AddIndexConcurrently(
            model_name='prospect',
            index=models.Index(condition=models.Q(('import_batch__isnull', False)), fields=['import_batch'], name='prospect_batch'),
        ),
        AddIndexConcurrently(
            model_name='prospect',
            index=models.Index(condition=models.Q(('next_step_date__isnull', False)), fields=['next_step_date'], name='prospect_due'),
        ),
        AddIndexConcurrently(
            model_name='site',
            index=models.Index(condition=models.Q(('is_to_research', True)), fields=['id'], name='site_to_research'),
        ),
        AddIndexConcurrently(
            model_name='suppression',
            index=models.Index(condition=models.Q(('expires_at__isnull', False)), fields=['expires_at'], name='suppression_expires'),
        ),
        ValidateConstraint(model_name='prospect', name='prospect_address_kind_is_known'),
        ValidateConstraint(model_name='suppression', name='suppression_kind_is_known'),
        ValidateConstraint(model_name='suppression', name='suppression_asked_for_never_expires'),
    ]
