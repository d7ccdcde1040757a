"""Let the ledger keep who was removed by rule, where that stands, and what people said about it."""

from django.db import migrations, models

PSEUDONYM_CHARACTERS_MAX = 128


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0007_position_as_of"),
    ]

    operations = [
        migrations.CreateModel(
            name="Removal",
            fields=[
                ("removal_id", models.CharField(max_length=160, primary_key=True, serialize=False)),
                ("pseudonym", models.CharField(db_index=True, max_length=PSEUDONYM_CHARACTERS_MAX)),
                ("decided_on", models.DateField()),
                ("reason", models.TextField()),
                ("state", models.CharField(db_index=True, max_length=20)),
                ("patient", models.TextField(default="")),
                ("receipt", models.TextField(default="{}")),
                ("changed_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="RemovalPlace",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("removal_id", models.CharField(max_length=160)),
                ("place", models.CharField(max_length=64)),
                ("kind", models.CharField(max_length=20)),
                ("state", models.CharField(max_length=20)),
                ("said", models.TextField(default="")),
                ("do_next", models.TextField(default="")),
                ("until_on", models.DateField(null=True)),
                ("order_taken", models.BooleanField(default=False)),
                ("count", models.IntegerField(default=0)),
                ("tries", models.IntegerField(default=0)),
                ("tried_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddConstraint(
            model_name="removalplace",
            constraint=models.UniqueConstraint(
                fields=("removal_id", "place"), name="ledger_removal_place_once"
            ),
        ),
        migrations.CreateModel(
            name="RetentionWord",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("person", models.CharField(max_length=64)),
                ("kind", models.CharField(max_length=20)),
                ("pseudonym", models.CharField(max_length=PSEUDONYM_CHARACTERS_MAX)),
                ("reason", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="RetentionRun",
            fields=[
                ("run_on", models.DateField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("found", models.TextField()),
            ],
        ),
    ]
