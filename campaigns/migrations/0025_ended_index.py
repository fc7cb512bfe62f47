"""Which ways ended lately: those they kept waiting are looked at again. Made while in use."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("campaigns", "0024_touch_rules")]

    operations = [
        AddIndexConcurrently(
            model_name="enrollment",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", False)), fields=["ended_at"], name="enrollment_ended"
            ),
        )
    ]
