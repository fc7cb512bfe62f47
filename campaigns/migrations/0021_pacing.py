"""Daily limits of campaigns, and further mailboxes."""

import django.core.validators
import django.db.models.deletion
import pghistory.utils
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0020_waits_for_a_person'),
        ('integrations', '0006_ramp'),
        ('prospects', '0011_waiting_indexes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CampaignMailbox',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
        ),
        migrations.CreateModel(
            name='CampaignMailboxEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_context', pghistory.utils.JSONField(null=True)),
                ('pgh_context_id', models.UUIDField(null=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='campaign',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='campaign',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='campaign',
            name='delete_delete',
        ),
        migrations.AddField(
            model_name='campaign',
            name='daily_limit',
            field=models.PositiveIntegerField(blank=True, help_text='Most messages of one UTC day over all its mailboxes, follow-ups included; empty: no limit', null=True, validators=[django.core.validators.MinValueValidator(1)]),
        ),
        migrations.AddField(
            model_name='campaignevent',
            name='daily_limit',
            field=models.PositiveIntegerField(blank=True, help_text='Most messages of one UTC day over all its mailboxes, follow-ups included; empty: no limit', null=True, validators=[django.core.validators.MinValueValidator(1)]),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='campaign',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "campaigns_campaignevent" ("daily_limit", "goals", "launched_at", "mailbox_id", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "program_id", "quiet_dates", "rehearsal_to", "segment_id", "skip_holidays", "state", "state_reason", "time_zone") VALUES (NEW."daily_limit", NEW."goals", NEW."launched_at", NEW."mailbox_id", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."id", NEW."program_id", NEW."quiet_dates", NEW."rehearsal_to", NEW."segment_id", NEW."skip_holidays", NEW."state", NEW."state_reason", NEW."time_zone"); RETURN NULL;', hash='97c8cd39cadd2173c9ea75479941810c776fc4d5', operation='INSERT', pgid='pgtrigger_insert_insert_5522d', table='campaigns_campaign', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='campaign',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."daily_limit" IS DISTINCT FROM (NEW."daily_limit") OR OLD."goals" IS DISTINCT FROM (NEW."goals") OR OLD."launched_at" IS DISTINCT FROM (NEW."launched_at") OR OLD."mailbox_id" IS DISTINCT FROM (NEW."mailbox_id") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."program_id" IS DISTINCT FROM (NEW."program_id") OR OLD."quiet_dates" IS DISTINCT FROM (NEW."quiet_dates") OR OLD."rehearsal_to" IS DISTINCT FROM (NEW."rehearsal_to") OR OLD."segment_id" IS DISTINCT FROM (NEW."segment_id") OR OLD."skip_holidays" IS DISTINCT FROM (NEW."skip_holidays") OR OLD."state" IS DISTINCT FROM (NEW."state") OR OLD."state_reason" IS DISTINCT FROM (NEW."state_reason") OR OLD."time_zone" IS DISTINCT FROM (NEW."time_zone"))', func='INSERT INTO "campaigns_campaignevent" ("daily_limit", "goals", "launched_at", "mailbox_id", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "program_id", "quiet_dates", "rehearsal_to", "segment_id", "skip_holidays", "state", "state_reason", "time_zone") VALUES (OLD."daily_limit", OLD."goals", OLD."launched_at", OLD."mailbox_id", OLD."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', OLD."id", OLD."program_id", OLD."quiet_dates", OLD."rehearsal_to", OLD."segment_id", OLD."skip_holidays", OLD."state", OLD."state_reason", OLD."time_zone"); RETURN NULL;', hash='4c76bf82bd7b9cf873d2c3eb26bd32012814ffb9', operation='UPDATE', pgid='pgtrigger_update_update_f2afa', table='campaigns_campaign', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='campaign',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "campaigns_campaignevent" ("daily_limit", "goals", "launched_at", "mailbox_id", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "program_id", "quiet_dates", "rehearsal_to", "segment_id", "skip_holidays", "state", "state_reason", "time_zone") VALUES (OLD."daily_limit", OLD."goals", OLD."launched_at", OLD."mailbox_id", OLD."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."id", OLD."program_id", OLD."quiet_dates", OLD."rehearsal_to", OLD."segment_id", OLD."skip_holidays", OLD."state", OLD."state_reason", OLD."time_zone"); RETURN NULL;', hash='b79dd6792d74075593603db23e6490874b6dd879', operation='DELETE', pgid='pgtrigger_delete_delete_4123f', table='campaigns_campaign', when='AFTER')),
        ),
        migrations.AddField(
            model_name='campaignmailbox',
            name='campaign',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='campaigns.campaign'),
        ),
        migrations.AddField(
            model_name='campaignmailbox',
            name='mailbox',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='integrations.mailbox'),
        ),
        migrations.AddField(
            model_name='campaign',
            name='more_mailboxes',
            field=models.ManyToManyField(related_name='+', through='campaigns.CampaignMailbox', to='integrations.mailbox'),
        ),
        migrations.AddField(
            model_name='campaignmailboxevent',
            name='campaign',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='campaigns.campaign'),
        ),
        migrations.AddField(
            model_name='campaignmailboxevent',
            name='mailbox',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='integrations.mailbox'),
        ),
        migrations.AddField(
            model_name='campaignmailboxevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='campaigns.campaignmailbox'),
        ),
        migrations.AddConstraint(
            model_name='campaignmailbox',
            constraint=models.UniqueConstraint(fields=('campaign', 'mailbox'), name='campaign_mailbox_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='campaignmailbox',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "campaigns_campaignmailboxevent" ("campaign_id", "mailbox_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."campaign_id", NEW."mailbox_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."id"); RETURN NULL;', hash='2561ec81fc4756eebafb829d5527c5e5322b7e82', operation='INSERT', pgid='pgtrigger_insert_insert_5481b', table='campaigns_campaignmailbox', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='campaignmailbox',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."campaign_id" IS DISTINCT FROM (NEW."campaign_id") OR OLD."mailbox_id" IS DISTINCT FROM (NEW."mailbox_id"))', func='INSERT INTO "campaigns_campaignmailboxevent" ("campaign_id", "mailbox_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (OLD."campaign_id", OLD."mailbox_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', OLD."id"); RETURN NULL;', hash='700f1a426e0f9a00105a57e6caabde09786f032a', operation='UPDATE', pgid='pgtrigger_update_update_33b47', table='campaigns_campaignmailbox', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='campaignmailbox',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "campaigns_campaignmailboxevent" ("campaign_id", "mailbox_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (OLD."campaign_id", OLD."mailbox_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."id"); RETURN NULL;', hash='9d7e2b9829355a747b122ef9e02df40dd9388271', operation='DELETE', pgid='pgtrigger_delete_delete_4bcc2', table='campaigns_campaignmailbox', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='campaignmailboxevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='08a26a687efe1a4646401e0ef0256b9f03c92eff', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_6dc97', table='campaigns_campaignmailboxevent', when='BEFORE')),
        ),
    ]
