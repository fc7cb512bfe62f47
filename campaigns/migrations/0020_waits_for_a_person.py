"""What waits for a person: its index and its constraint, added while the ledger is in use."""

from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [('campaigns', '0019_steps_and_goals')]

    operations = [
        AddIndexConcurrently(
            model_name='message',
            index=models.Index(condition=models.Q(('state', 'planned'), models.Q(('awaits', ''), _negated=True)), fields=['planned_at', 'id'], name='message_awaits'),
        ),
        AddConstraintNotValid(
            model_name='message',
            constraint=models.CheckConstraint(condition=models.Q(('send_at__isnull', False), models.Q(('awaits', ''), _negated=True), _connector='OR'), name='message_has_slot_or_waits'),
        ),
        ValidateConstraint(model_name='message', name='message_has_slot_or_waits'),
    ]
