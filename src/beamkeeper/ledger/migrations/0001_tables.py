"""The tables of 0.1.0, in one step: a new site waits for each."""

from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Announced',
            fields=[
                ('key', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('valid_from', models.DateTimeField()),
                ('valid_until', models.DateTimeField(db_index=True)),
                ('announcement', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('sequence', models.BigIntegerField(primary_key=True, serialize=False)),
                ('line', models.TextField()),
                ('sha256', models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name='KnownPatient',
            fields=[
                ('pseudonym', models.CharField(max_length=128, primary_key=True, serialize=False)),
                ('patient_id', models.CharField(db_index=True, max_length=256)),
                ('facts', models.TextField()),
                ('first_seen_on', models.DateField()),
                ('last_seen_on', models.DateField(db_index=True)),
                ('finished', models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name='Night',
            fields=[
                ('run_on', models.DateField(primary_key=True, serialize=False)),
                ('started_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('outcome', models.CharField(default='running', max_length=40)),
                ('summary', models.TextField(default='{}')),
            ],
        ),
        migrations.CreateModel(
            name='TakenCensus',
            fields=[
                ('run_on', models.DateField(primary_key=True, serialize=False)),
                ('document', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='FoundChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('run_on', models.DateField()),
                ('pseudonym', models.CharField(max_length=128)),
                ('sequence', models.IntegerField()),
                ('comparison', models.TextField()),
            ],
            options={
                'indexes': [models.Index(fields=['pseudonym', 'run_on'], name='ledger_change_patient')],
                'constraints': [models.UniqueConstraint(fields=('run_on', 'pseudonym', 'sequence'), name='ledger_change_once')],
            },
        ),
        migrations.CreateModel(
            name='Kept',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pseudonym', models.CharField(max_length=128)),
                ('sop_class_uid', models.CharField(max_length=128)),
                ('sop_instance_uid', models.CharField(max_length=128)),
                ('study_instance_uid', models.CharField(max_length=128)),
                ('series_instance_uid', models.CharField(max_length=128)),
                ('patient_id', models.CharField(max_length=256)),
                ('modality', models.CharField(max_length=64)),
                ('transfer_syntax_uid', models.CharField(max_length=128)),
                ('sha256', models.BinaryField(max_length=32)),
                ('size_bytes', models.BigIntegerField()),
                ('parcel', models.CharField(max_length=512)),
                ('member', models.CharField(max_length=512)),
                ('first_seen_on', models.DateField()),
                ('last_seen_on', models.DateField()),
                ('present', models.BooleanField()),
                ('superseded', models.BooleanField()),
            ],
            options={
                'indexes': [models.Index(fields=['sha256'], name='ledger_kept_sha256'), models.Index(fields=['sop_instance_uid'], name='ledger_kept_uid')],
                'constraints': [models.UniqueConstraint(fields=('pseudonym', 'sop_instance_uid', 'sha256'), name='ledger_kept_version')],
            },
        ),
        migrations.CreateModel(
            name='KnownIdentity',
            fields=[
                ('key', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('pseudonym', models.CharField(db_index=True, max_length=128)),
                ('patient_id', models.CharField(db_index=True, max_length=256)),
                ('stated', models.TextField()),
            ],
        ),
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
        migrations.CreateModel(
            name='KnownMirror',
            fields=[
                ('destination', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('place', models.CharField(max_length=64)),
                ('state', models.CharField(default='', max_length=20)),
                ('tried_at', models.DateTimeField(null=True)),
                ('mirrored_at', models.DateTimeField(null=True)),
                ('waiting_since', models.DateTimeField(null=True)),
                ('facts', models.TextField(default='{}')),
            ],
        ),
        migrations.CreateModel(
            name='ProvedCopy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('destination', models.CharField(max_length=64)),
                ('name', models.CharField(max_length=240)),
                ('sha256', models.CharField(max_length=64)),
                ('size_bytes', models.BigIntegerField()),
                ('stamp', models.CharField(max_length=200)),
                ('proved_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('destination', 'name'), name='ledger_copy_once')],
            },
        ),
        migrations.CreateModel(
            name='Position',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('run_on', models.DateField()),
                ('pseudonym', models.CharField(max_length=128)),
                ('document', models.TextField()),
                ('as_of', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('pseudonym', 'run_on'), name='ledger_position_once')],
            },
        ),
        migrations.CreateModel(
            name='Removal',
            fields=[
                ('removal_id', models.CharField(max_length=160, primary_key=True, serialize=False)),
                ('pseudonym', models.CharField(db_index=True, max_length=128)),
                ('decided_on', models.DateField()),
                ('reason', models.TextField()),
                ('state', models.CharField(db_index=True, max_length=20)),
                ('patient', models.TextField(default='')),
                ('receipt', models.TextField(default='{}')),
                ('changed_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='RetentionWord',
            fields=[
                ('key', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('person', models.CharField(max_length=64)),
                ('kind', models.CharField(max_length=20)),
                ('pseudonym', models.CharField(max_length=128)),
                ('reason', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='RetentionRun',
            fields=[
                ('run_on', models.DateField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('found', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='RemovalPlace',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('removal_id', models.CharField(max_length=160)),
                ('place', models.CharField(max_length=64)),
                ('kind', models.CharField(max_length=20)),
                ('state', models.CharField(max_length=20)),
                ('said', models.TextField(default='')),
                ('do_next', models.TextField(default='')),
                ('until_on', models.DateField(null=True)),
                ('order_taken', models.BooleanField(default=False)),
                ('count', models.IntegerField(default=0)),
                ('tries', models.IntegerField(default=0)),
                ('tried_at', models.DateTimeField(null=True)),
                ('order_number', models.CharField(default='', max_length=20)),
                ('refusals', models.IntegerField(default=0)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('removal_id', 'place'), name='ledger_removal_place_once')],
            },
        ),
    ]
