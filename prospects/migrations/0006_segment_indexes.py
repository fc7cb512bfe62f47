"""Indexes that segments and the list need at a million people, built while the tables are in use."""

import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("prospects", "0005_prospect_indexes")]

    operations = [
        AddIndexConcurrently(
            model_name='prospect',
            index=models.Index(django.db.models.functions.text.Upper('source'), models.OrderBy(models.F('id'), descending=True), name='prospect_source_folded'),
        ),
        RemoveIndexConcurrently(model_name='prospect', name='prospect_source'),
        AddIndexConcurrently(
            model_name='prospect',
            index=models.Index(condition=models.Q(('email', '')), fields=['id'], name='prospect_no_address'),
        ),
        AddIndexConcurrently(
            model_name='prospect',
            index=models.Index(condition=models.Q(('protected_at__isnull', False)), fields=['id'], name='prospect_protected'),
        ),
        AddIndexConcurrently(
            model_name='prospect',
            index=models.Index(condition=models.Q(('import_batch__isnull', False)), fields=['import_batch', '-id'], name='prospect_of_batch'),
        ),
        RemoveIndexConcurrently(model_name='prospect', name='prospect_batch'),
        AddIndexConcurrently(
            model_name='prospect',
            index=django.contrib.postgres.indexes.BrinIndex(fields=['created_at'], name='prospect_created', pages_per_range=32),
        ),
    ]
