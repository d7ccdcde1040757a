"""Let the ledger keep which order a place was given and how often it refused."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0008_removals"),
    ]

    operations = [
        migrations.AddField(
            model_name="removalplace",
            name="order_number",
            field=models.CharField(default="", max_length=20),
        ),
        migrations.AddField(
            model_name="removalplace",
            name="refusals",
            field=models.IntegerField(default=0),
        ),
    ]
