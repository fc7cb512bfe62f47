"""The planner looks at the people of each campaign in turn: its indexes name the campaign behind the mailbox."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("campaigns", "0021_pacing")]

    operations = [
        AddIndexConcurrently(
            model_name='enrollment',
            index=models.Index(condition=models.Q(('look_at__isnull', False), ('steps_handed_over', 0)), fields=['mailbox', 'campaign', 'look_at', 'id'], name='enrollment_turn_new'),
        ),
        AddIndexConcurrently(
            model_name='enrollment',
            index=models.Index(condition=models.Q(('look_at__isnull', False), ('steps_handed_over__gt', 0)), fields=['mailbox', 'campaign', 'look_at', 'id'], name='enrollment_turn_follow_up'),
        ),
        RemoveIndexConcurrently(
            model_name='enrollment',
            name='enrollment_due_follow_up',
        ),
        RemoveIndexConcurrently(
            model_name='enrollment',
            name='enrollment_due_new',
        ),
    ]
