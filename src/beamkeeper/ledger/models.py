"""The tables of the ledger. Nothing outside `ledger/` sees these classes: rows leave as frozen values."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models

if TYPE_CHECKING:
    from datetime import date, datetime

PSEUDONYM_CHARACTERS_MAX = 128
UID_CHARACTERS_MAX = 128
"""A UID has 64 characters at most; a longer one from a careless peer is still kept and shown."""


class _Row(models.Model):
    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.pk}"


class Night(_Row):
    """One night, keyed by its local date."""

    run_on: models.DateField[date, date] = models.DateField(primary_key=True)
    started_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()
    finished_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True)
    outcome: models.CharField[str, str] = models.CharField(max_length=40, default="running")
    summary: models.TextField[str, str] = models.TextField(default="{}")

    objects: ClassVar[models.Manager[Self]] = models.Manager()


class KnownPatient(_Row):
    """One patient as the vault knows them: the pseudonym and the facts behind it."""

    pseudonym: models.CharField[str, str] = models.CharField(
        max_length=PSEUDONYM_CHARACTERS_MAX, primary_key=True
    )
    patient_id: models.CharField[str, str] = models.CharField(max_length=256, db_index=True)
    facts: models.TextField[str, str] = models.TextField()
    first_seen_on: models.DateField[date, date] = models.DateField()
    last_seen_on: models.DateField[date, date] = models.DateField(db_index=True)
    finished: models.BooleanField[bool, bool] = models.BooleanField(default=False)

    objects: ClassVar[models.Manager[Self]] = models.Manager()


class KnownIdentity(_Row):
    """One way in which a patient's ID, issuer, name and birth date were stated, and whose folder that is."""

    key: models.CharField[str, str] = models.CharField(max_length=64, primary_key=True)
    pseudonym: models.CharField[str, str] = models.CharField(
        max_length=PSEUDONYM_CHARACTERS_MAX, db_index=True
    )
    patient_id: models.CharField[str, str] = models.CharField(max_length=256, db_index=True)
    stated: models.TextField[str, str] = models.TextField()

    objects: ClassVar[models.Manager[Self]] = models.Manager()


class Kept(_Row):
    """One version of one DICOM object in the vault."""

    pseudonym: models.CharField[str, str] = models.CharField(max_length=PSEUDONYM_CHARACTERS_MAX)
    sop_class_uid: models.CharField[str, str] = models.CharField(max_length=UID_CHARACTERS_MAX)
    sop_instance_uid: models.CharField[str, str] = models.CharField(max_length=UID_CHARACTERS_MAX)
    study_instance_uid: models.CharField[str, str] = models.CharField(max_length=UID_CHARACTERS_MAX)
    series_instance_uid: models.CharField[str, str] = models.CharField(max_length=UID_CHARACTERS_MAX)
    patient_id: models.CharField[str, str] = models.CharField(max_length=256)
    modality: models.CharField[str, str] = models.CharField(max_length=64)
    transfer_syntax_uid: models.CharField[str, str] = models.CharField(max_length=UID_CHARACTERS_MAX)
    sha256: models.BinaryField[bytes, bytes] = models.BinaryField(max_length=32)
    size_bytes: models.BigIntegerField[int, int] = models.BigIntegerField()
    parcel: models.CharField[str, str] = models.CharField(max_length=512)
    member: models.CharField[str, str] = models.CharField(max_length=512)
    first_seen_on: models.DateField[date, date] = models.DateField()
    last_seen_on: models.DateField[date, date] = models.DateField()
    present: models.BooleanField[bool, bool] = models.BooleanField()
    superseded: models.BooleanField[bool, bool] = models.BooleanField()

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        """One row for each version; the digest index alone answers "is it known?"."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["pseudonym", "sop_instance_uid", "sha256"], name="ledger_kept_version"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["sha256"], name="ledger_kept_sha256"),
            models.Index(fields=["sop_instance_uid"], name="ledger_kept_uid"),
        ]


class KeptDocument(_Row):
    """One version of one document of one patient, and what its share said of the file when it was read."""

    pseudonym: models.CharField[str, str] = models.CharField(max_length=PSEUDONYM_CHARACTERS_MAX)
    document_id: models.CharField[str, str] = models.CharField(max_length=1024)
    title: models.CharField[str, str] = models.CharField(max_length=1024)
    kind: models.CharField[str, str] = models.CharField(max_length=1024, default="")
    media_type: models.CharField[str, str] = models.CharField(max_length=1024)
    sha256: models.BinaryField[bytes, bytes] = models.BinaryField(max_length=32)
    size_bytes: models.BigIntegerField[int, int] = models.BigIntegerField()
    parcel: models.CharField[str, str] = models.CharField(max_length=512)
    member: models.CharField[str, str] = models.CharField(max_length=512)
    first_seen_on: models.DateField[date, date] = models.DateField()
    last_seen_on: models.DateField[date, date] = models.DateField()
    present: models.BooleanField[bool, bool] = models.BooleanField()
    superseded: models.BooleanField[bool, bool] = models.BooleanField()
    place: models.TextField[str, str] = models.TextField(default="")
    stamp: models.CharField[str, str] = models.CharField(max_length=200, default="")
    read_on: models.DateField[date | None, date | None] = models.DateField(null=True)

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        """One row a version."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["pseudonym", "document_id", "sha256"], name="ledger_document_version"
            )
        ]


class FoundChange(_Row):
    """The verdict of one night on one object."""

    run_on: models.DateField[date, date] = models.DateField()
    pseudonym: models.CharField[str, str] = models.CharField(max_length=PSEUDONYM_CHARACTERS_MAX)
    sequence: models.IntegerField[int, int] = models.IntegerField()
    comparison: models.TextField[str, str] = models.TextField()

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        """Read by night, or by patient over the nights."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run_on", "pseudonym", "sequence"], name="ledger_change_once")
        ]
        indexes: ClassVar = [models.Index(fields=["pseudonym", "run_on"], name="ledger_change_patient")]


class Announced(_Row):
    """A change somebody said would come."""

    key: models.CharField[str, str] = models.CharField(max_length=64, primary_key=True)
    valid_from: models.DateTimeField[datetime, datetime] = models.DateTimeField()
    valid_until: models.DateTimeField[datetime, datetime] = models.DateTimeField(db_index=True)
    announcement: models.TextField[str, str] = models.TextField()

    objects: ClassVar[models.Manager[Self]] = models.Manager()


class TakenCensus(_Row):
    """The list of one night, whole."""

    run_on: models.DateField[date, date] = models.DateField(primary_key=True)
    document: models.TextField[str, str] = models.TextField()

    objects: ClassVar[models.Manager[Self]] = models.Manager()


class Position(_Row):
    """Where one patient stood in one night."""

    run_on: models.DateField[date, date] = models.DateField()
    pseudonym: models.CharField[str, str] = models.CharField(max_length=PSEUDONYM_CHARACTERS_MAX)
    document: models.TextField[str, str] = models.TextField()
    as_of: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        """One position for each patient and night."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["pseudonym", "run_on"], name="ledger_position_once")
        ]


class ReportedNight(_Row):
    """What one night gave people to confirm, and where it stood when anybody last looked."""

    run_on: models.DateField[date, date] = models.DateField(primary_key=True)
    document: models.TextField[str, str] = models.TextField()
    state: models.CharField[str, str] = models.CharField(max_length=20)
    state_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()

    objects: ClassVar[models.Manager[Self]] = models.Manager()


class CastBallot(_Row):
    """One word of one person on one night; never changed, never deleted."""

    key: models.CharField[str, str] = models.CharField(max_length=64, primary_key=True)
    run_on: models.DateField[date, date] = models.DateField(db_index=True)
    document: models.TextField[str, str] = models.TextField()

    objects: ClassVar[models.Manager[Self]] = models.Manager()


class SentNotice(_Row):
    """One alarm or report that went out, so that it goes out once."""

    key: models.CharField[str, str] = models.CharField(max_length=64, primary_key=True)
    text: models.TextField[str, str] = models.TextField()
    run_on: models.DateField[date, date] = models.DateField(db_index=True)
    at: models.DateTimeField[datetime, datetime] = models.DateTimeField()

    objects: ClassVar[models.Manager[Self]] = models.Manager()


class TakenOnce(_Row):
    """Something that counts once: a mail that was read, a code that was used, a file that was taken."""

    key: models.CharField[str, str] = models.CharField(max_length=64, primary_key=True)
    what: models.CharField[str, str] = models.CharField(max_length=120, db_index=True)
    at: models.DateTimeField[datetime, datetime] = models.DateTimeField()

    objects: ClassVar[models.Manager[Self]] = models.Manager()


class KnownMirror(_Row):
    """One destination of copies: how the last run over it ended."""

    destination: models.CharField[str, str] = models.CharField(max_length=64, primary_key=True)
    place: models.CharField[str, str] = models.CharField(max_length=64)
    state: models.CharField[str, str] = models.CharField(max_length=20, default="")
    tried_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True)
    mirrored_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True)
    waiting_since: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True)
    facts: models.TextField[str, str] = models.TextField(default="{}")

    objects: ClassVar[models.Manager[Self]] = models.Manager()


class ProvedCopy(_Row):
    """One object that was read back from a destination with the right digest."""

    destination: models.CharField[str, str] = models.CharField(max_length=64)
    name: models.CharField[str, str] = models.CharField(max_length=240)
    sha256: models.CharField[str, str] = models.CharField(max_length=64)
    size_bytes: models.BigIntegerField[int, int] = models.BigIntegerField()
    stamp: models.CharField[str, str] = models.CharField(max_length=200)
    proved_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        """One proof for each object of a destination."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["destination", "name"], name="ledger_copy_once")
        ]


class Removal(_Row):
    """One patient removed by rule; `patient` is emptied when no place needs it any more."""

    removal_id: models.CharField[str, str] = models.CharField(max_length=160, primary_key=True)
    pseudonym: models.CharField[str, str] = models.CharField(
        max_length=PSEUDONYM_CHARACTERS_MAX, db_index=True
    )
    decided_on: models.DateField[date, date] = models.DateField()
    reason: models.TextField[str, str] = models.TextField()
    state: models.CharField[str, str] = models.CharField(max_length=20, db_index=True)
    patient: models.TextField[str, str] = models.TextField(default="")
    receipt: models.TextField[str, str] = models.TextField(default="{}")
    changed_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()

    objects: ClassVar[models.Manager[Self]] = models.Manager()


class RemovalPlace(_Row):
    """Where one place stands with one removal."""

    removal_id: models.CharField[str, str] = models.CharField(max_length=160)
    place: models.CharField[str, str] = models.CharField(max_length=64)
    kind: models.CharField[str, str] = models.CharField(max_length=20)
    state: models.CharField[str, str] = models.CharField(max_length=20)
    said: models.TextField[str, str] = models.TextField(default="")
    do_next: models.TextField[str, str] = models.TextField(default="")
    until_on: models.DateField[date | None, date | None] = models.DateField(null=True)
    order_number: models.CharField[str, str] = models.CharField(max_length=20, default="")
    order_taken: models.BooleanField[bool, bool] = models.BooleanField(default=False)
    refusals: models.IntegerField[int, int] = models.IntegerField(default=0)
    count: models.IntegerField[int, int] = models.IntegerField(default=0)
    tries: models.IntegerField[int, int] = models.IntegerField(default=0)
    tried_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        """One row for each place of a removal."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["removal_id", "place"], name="ledger_removal_place_once")
        ]


class RetentionWord(_Row):
    """One word of a person about keeping; a reason goes with the patient it is about."""

    key: models.CharField[str, str] = models.CharField(max_length=64, primary_key=True)
    at: models.DateTimeField[datetime, datetime] = models.DateTimeField()
    person: models.CharField[str, str] = models.CharField(max_length=64)
    kind: models.CharField[str, str] = models.CharField(max_length=20)
    pseudonym: models.CharField[str, str] = models.CharField(max_length=PSEUDONYM_CHARACTERS_MAX)
    reason: models.TextField[str, str] = models.TextField()

    objects: ClassVar[models.Manager[Self]] = models.Manager()


class RetentionRun(_Row):
    """What retention found on one local date."""

    run_on: models.DateField[date, date] = models.DateField(primary_key=True)
    at: models.DateTimeField[datetime, datetime] = models.DateTimeField()
    found: models.TextField[str, str] = models.TextField()

    objects: ClassVar[models.Manager[Self]] = models.Manager()


class AuditEntry(_Row):
    """One line of the audit log. Triggers of migration 0002 refuse to change or delete any."""

    sequence: models.BigIntegerField[int, int] = models.BigIntegerField(primary_key=True)
    line: models.TextField[str, str] = models.TextField()
    sha256: models.CharField[str, str] = models.CharField(max_length=64)

    objects: ClassVar[models.Manager[Self]] = models.Manager()
