from django.db import migrations, models
from django.db.models import Value


class Migration(migrations.Migration):
    dependencies = [("prospects", "0009_site_keys")]

    operations = [
        migrations.AddField("importbatch", "undo_asked_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "importbatch",
            "undo",
            models.JSONField(db_default=Value({}, models.JSONField()), default=dict, help_text="What its undo did"),
        ),
    ]
