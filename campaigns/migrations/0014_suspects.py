"""How many workers may have died of a message; the column is added at once, the index while in use."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [('campaigns', '0013_fewer_indexes')]

    operations = [
        migrations.AddField(
            model_name='message',
            name='worker_deaths',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='Workers that may have died of it (campaigns.suspects)'),
        ),
        AddIndexConcurrently(
            model_name='message',
            index=models.Index(condition=models.Q(('worker_deaths__gt', 0)), fields=['mailbox'], name='message_suspect'),
        ),
    ]
