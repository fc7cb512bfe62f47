"""The guards after downtime, a restore and a wrong clock; each column is added at once, the index while in use."""

import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('campaigns', '0011_enrollment_written'),
        ('integrations', '0002_history'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='MailboxRound',
            fields=[
                ('mailbox', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='integrations.mailbox')),
                ('looked_at', models.DateTimeField(help_text='Business time, to the minute')),
            ],
        ),
        migrations.AddField(
            model_name='message',
            name='overdue_at',
            field=models.DateTimeField(help_text='Business time at which it was set aside as overdue', null=True),
        ),
        migrations.AddField(
            model_name='sendingcontrol',
            name='beats',
            field=models.BigIntegerField(db_default=0, default=0, help_text='Counted outside the database too'),
        ),
        migrations.AddField(
            model_name='sendingcontrol',
            name='business_at',
            field=models.DateTimeField(help_text='Business time of the last tick', null=True),
        ),
        migrations.AddField(
            model_name='sendingcontrol',
            name='gap_from',
            field=models.DateTimeField(help_text='Business time', null=True),
        ),
        migrations.AddField(
            model_name='sendingcontrol',
            name='gap_until',
            field=models.DateTimeField(help_text='Business time', null=True),
        ),
        migrations.AddField(
            model_name='sendingcontrol',
            name='held_at',
            field=models.DateTimeField(help_text='Database time', null=True),
        ),
        migrations.AddField(
            model_name='sendingcontrol',
            name='held_because',
            field=models.CharField(blank=True, choices=[('restored', 'The database was put back from a backup'), ('unknown', 'Perhaps the database was put back from a backup'), ('clock', 'The clock is not right')], db_default='', default='', max_length=10),
        ),
        migrations.AddField(
            model_name='sendingcontrol',
            name='held_note',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
        migrations.AddField(
            model_name='sendingcontrol',
            name='installation_id',
            field=models.UUIDField(help_text='Lives outside the database too', null=True),
        ),
        migrations.AddField(
            model_name='sendingcontrol',
            name='journal_failed_at',
            field=models.DateTimeField(help_text='Database time: since then opt-outs lack outside', null=True),
        ),
        migrations.AddField(
            model_name='sendingcontrol',
            name='settled_at',
            field=models.DateTimeField(help_text="Database time of a person's word that sending may go on", null=True),
        ),
        migrations.AddField(
            model_name='sendingcontrol',
            name='settled_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        AddIndexConcurrently(
            model_name='message',
            index=models.Index(condition=models.Q(('overdue_at__isnull', False), ('state', 'planned')), fields=['mailbox'], name='message_overdue'),
        ),
    ]
