"""An answer keeps how it was read first, and who corrected that when."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0003_page_indexes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='countcursor',
            name='relabelled_until',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='reply',
            name='machine_class',
            field=models.CharField(blank=True, db_default='', default='', max_length=20),
        ),
        migrations.AddField(
            model_name='reply',
            name='relabelled_at',
            field=models.DateTimeField(blank=True, help_text='Database time', null=True),
        ),
        migrations.AddField(
            model_name='reply',
            name='relabelled_by',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
    ]
