"""Let the ledger say of a position at which instant of its date it was counted."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0006_mirrors"),
    ]

    operations = [
        migrations.AddField(
            model_name="position",
            name="as_of",
            field=models.DateTimeField(null=True),
        ),
    ]
