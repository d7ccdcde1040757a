"""Let the ledger keep what people said of the nights, and what was sent to them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('ledger', '0004_identities'),
    ]

    operations = [
        migrations.CreateModel(
            name='ReportedNight',
            fields=[
                ('run_on', models.DateField(primary_key=True, serialize=False)),
                ('document', models.TextField()),
                ('state', models.CharField(max_length=20)),
                ('state_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='CastBallot',
            fields=[
                ('key', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('run_on', models.DateField(db_index=True)),
                ('document', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='SentNotice',
            fields=[
                ('key', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('text', models.TextField()),
                ('run_on', models.DateField(db_index=True)),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='TakenOnce',
            fields=[
                ('key', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('what', models.CharField(db_index=True, max_length=120)),
                ('at', models.DateTimeField()),
            ],
        ),
    ]
