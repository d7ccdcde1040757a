"""Let the ledger remember who stands behind each folder: every way in which that person was stated."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('ledger', '0003_find_by_uid'),
    ]

    operations = [
        migrations.CreateModel(
            name='KnownIdentity',
            fields=[
                ('key', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('pseudonym', models.CharField(db_index=True, max_length=128)),
                ('patient_id', models.CharField(db_index=True, max_length=256)),
                ('stated', models.TextField()),
            ],
        ),
    ]
