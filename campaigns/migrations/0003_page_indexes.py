"""Indexes that pages need, built while the tables are in use."""

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("campaigns", "0002_pages")]

    operations = [
        ValidateConstraint(model_name='campaign', name='campaign_rehearsal_has_address'),
        AddIndexConcurrently(
            model_name='enrollment',
            index=models.Index(fields=['campaign', 'state', 'stop_reason', 'id'], name='enrollment_standing'),
        ),
        AddIndexConcurrently(
            model_name='message',
            index=models.Index(condition=models.Q(('state', 'planned')), fields=['campaign', 'send_at'], name='message_campaign_next'),
        ),
        AddIndexConcurrently(
            model_name='reply',
            index=models.Index(condition=models.Q(('read_at__isnull', True)), fields=['-id'], name='reply_unread'),
        ),
        AddIndexConcurrently(
            model_name='reply',
            index=models.Index(fields=['reply_class', '-id'], name='reply_by_class'),
        ),
        AddIndexConcurrently(
            model_name='enrollment',
            index=models.Index(condition=models.Q(('steps_handed_over__gt', 0)), fields=['prospect'], name='enrollment_written'),
        ),
    ]
