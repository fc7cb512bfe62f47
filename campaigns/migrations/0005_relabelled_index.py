"""The index by which the counts find corrected answers, built while the table is in use."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("campaigns", "0004_relabelled")]

    operations = [
        AddIndexConcurrently(
            model_name='reply',
            index=models.Index(condition=models.Q(('relabelled_at__isnull', False)), fields=['relabelled_at'], name='reply_relabelled'),
        ),
    ]
