"""Let the ledger keep what was proved at each destination of copies."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0005_votes"),
    ]

    operations = [
        migrations.CreateModel(
            name="KnownMirror",
            fields=[
                ("destination", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("place", models.CharField(max_length=64)),
                ("state", models.CharField(default="", max_length=20)),
                ("tried_at", models.DateTimeField(null=True)),
                ("mirrored_at", models.DateTimeField(null=True)),
                ("waiting_since", models.DateTimeField(null=True)),
                ("facts", models.TextField(default="{}")),
            ],
        ),
        migrations.CreateModel(
            name="ProvedCopy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("destination", models.CharField(max_length=64)),
                ("name", models.CharField(max_length=240)),
                ("sha256", models.CharField(max_length=64)),
                ("size_bytes", models.BigIntegerField()),
                ("stamp", models.CharField(max_length=200)),
                ("proved_at", models.DateTimeField()),
            ],
        ),
        migrations.AddConstraint(
            model_name="provedcopy",
            constraint=models.UniqueConstraint(fields=("destination", "name"), name="ledger_copy_once"),
        ),
    ]
