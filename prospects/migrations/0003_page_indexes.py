"""Indexes that pages need, built while the tables are in use."""

import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.contrib.postgres.operations import AddIndexConcurrently, TrigramExtension, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("prospects", "0002_pages")]

    operations = [
        TrigramExtension(),
        ValidateConstraint(model_name='importbatch', name='import_status_is_known'),
        AddIndexConcurrently(
            model_name='prospect',
            index=models.Index(fields=['source', '-id'], name='prospect_source'),
        ),
        AddIndexConcurrently(
            model_name='prospect',
            index=models.Index(fields=['owner', '-id'], name='prospect_owner'),
        ),
        AddIndexConcurrently(
            model_name='prospect',
            index=models.Index(condition=models.Q(('held_at__isnull', False)), fields=['id'], name='prospect_held'),
        ),
        AddIndexConcurrently(
            model_name='prospect',
            index=models.Index(condition=models.Q(('stopped_at__isnull', False)), fields=['id'], name='prospect_stopped'),
        ),
        AddIndexConcurrently(
            model_name='prospect',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper(django.db.models.functions.text.Concat(models.F('first_name'), models.Value(' '), models.F('last_name'), models.Value(' '), models.F('company'), models.Value(' '), models.F('email'), models.Value(' '), models.F('x_handle'), models.Value(' '))), name='gin_trgm_ops'), name='prospect_search'),
        ),
        AddIndexConcurrently(
            model_name='site',
            index=models.Index(condition=models.Q(('held_at__isnull', False)), fields=['id'], name='site_held'),
        ),
        AddIndexConcurrently(
            model_name='prospect',
            index=models.Index(condition=models.Q(('is_demo', True)), fields=['id'], name='prospect_demo'),
        ),
    ]
