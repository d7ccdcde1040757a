"""Let the ledger find who else has an object of the same SOP Instance UID."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('ledger', '0002_audit_is_append_only'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='kept',
            index=models.Index(fields=['sop_instance_uid'], name='ledger_kept_uid'),
        ),
    ]
