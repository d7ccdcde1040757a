"""What lies at a desk, by its journal: who was received, under which number, what went back.

What is damaged or gone of one patient is named, and stops nobody else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.desk_journal import DeskDeed, journal, note
from beamkeeper.domain.patient import shown_name
from beamkeeper.errors import ConfigError, IntegrityError
from beamkeeper.respond.handover.desk import RECEIVED
from beamkeeper.respond.handover.manifest import MANIFEST, read_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.respond.handover import Desk, Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Everything that was received at a desk.

    Attributes
    ----------
    rows
        The journal by which it is known.
    received
        What is here as it was taken in, in the order of its arrival.
    missing
        Bundles whose folder is no longer here.
    damaged
        Bundles whose folder is not what was taken in.
    """

    rows: tuple[AuditRow, ...]
    received: tuple[Manifest, ...]
    missing: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()

    def find(self, bundle_id: str) -> Manifest:
        """Return what was received under an identifier, or the first digits of one.

        Raises
        ------
        ConfigError
            None or several.
        IntegrityError
            It is damaged.
        """
        wanted = bundle_id.strip().lower()
        found = [one for one in self.received if one.bundle_id.startswith(wanted)]
        broken = [one for one in (*self.damaged, *self.missing) if one.startswith(wanted)]
        if len(broken) == 1 and not found:
            raise not_taken_in(f"Bundle {broken[0]}")
        if len(found) != 1 or broken:
            raise ConfigError(
                f"{len(found) + len(broken)} received bundles begin with {bundle_id!r}.",
                do_next="`beamkeeper desk show` names them.",
            )
        return found[0]

    def newer(self, manifest: Manifest) -> tuple[str, ...]:
        """Return the bundles of the same patient, sender and incident that came after one, oldest first.

        By the journal: also what is damaged or gone.
        """
        found = {
            int(str(row.details["number"])): str(row.details["about"])
            for row in self.rows
            if row.action == DeskDeed.RECEIVED
            and (row.details["sender"], row.patient_pseudonym, row.details["incident"])
            == (manifest.sender, manifest.pseudonym, manifest.incident_id)
            and int(str(row.details["number"])) > manifest.number
        }
        return tuple(found[number] for number in sorted(found))

    def number_of(self, manifest: Manifest) -> tuple[str, datetime] | None:
        """Return the Patient ID of a patient here by the last word, and when that was said."""
        said = self._numbers().get((manifest.sender, manifest.pseudonym))
        return None if said is None else (str(said.details["patient_id"]), said.at)

    def their_ids(self, manifest: Manifest) -> tuple[str, ...]:
        """Return the Patient ID under which a patient is known here; () before anybody said one."""
        said = self.number_of(manifest)
        return () if said is None else (said[0],)

    def answers(self, bundle_id: str) -> tuple[str, ...]:
        """Return the return bundles that were made of a received one."""
        return tuple(
            dict.fromkeys(
                str(row.details["bundle"])
                for row in self.rows
                if row.action == DeskDeed.REPLIED and row.details.get("about") == bundle_id
            )
        )

    def whose_number(self, number: str, but: Manifest) -> str | None:
        """Return the bundle of another patient who has a number here, or at home; None where nobody has."""
        own = (but.sender, but.pseudonym)
        for key, row in self._numbers().items():
            if key != own and row.details["patient_id"] == number:
                return str(row.details["about"])
        for one in self.received:
            if (one.sender, one.pseudonym) != own and one.patient.patient_id == number:
                return one.bundle_id
        return None

    def _numbers(self) -> dict[tuple[str, str], AuditRow]:
        """Return who last said which number of each patient, with whichever of the sender's bundles."""
        return {
            (str(row.details.get("sender")), row.patient_pseudonym or ""): row
            for row in self.rows
            if row.action == DeskDeed.KNOWN_AS
        }


def shelf(desk: Desk) -> Shelf:
    """Return what lies at a desk.

    Raises
    ------
    IntegrityError
        The journal was changed.
    """
    rows = journal(desk).rows()
    received: list[Manifest] = []
    missing: list[str] = []
    damaged: list[str] = []
    for bundle_id, digest in written_down(rows).items():
        if not (desk.path / RECEIVED / bundle_id).is_dir():
            missing.append(bundle_id)
            continue
        try:
            received.append(kept_manifest(desk, bundle_id, digest))
        except IntegrityError:
            damaged.append(bundle_id)
    return Shelf(rows=rows, received=tuple(received), missing=tuple(missing), damaged=tuple(damaged))


def written_down(rows: Sequence[AuditRow]) -> dict[str, str]:
    """Return the digest of the manifest of each bundle that should lie here, in the order of arrival."""
    found: dict[str, str] = {}
    for row in rows:
        if row.action == DeskDeed.RECEIVED:
            found[str(row.details["about"])] = str(row.details["sha256_of_manifest"])
        elif row.action == DeskDeed.FORGOTTEN:
            found.pop(str(row.details["about"]), None)
    return found


def received_row(rows: Sequence[AuditRow], bundle_id: str) -> AuditRow | None:
    """Return the first line that says that a bundle was received; None where none does."""
    found = (row for row in rows if row.action == DeskDeed.RECEIVED and row.details["about"] == bundle_id)
    return next(found, None)


def kept_manifest(desk: Desk, bundle_id: str, sha256: str) -> Manifest:
    """Return the manifest of a bundle that was taken in, as the journal names it.

    Raises
    ------
    IntegrityError
        It is not there, or not what was taken in.
    """
    try:
        data = (desk.path / RECEIVED / bundle_id / MANIFEST).read_bytes()
    except OSError as error:
        raise not_taken_in(f"{MANIFEST} of bundle {bundle_id}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise not_taken_in(f"{MANIFEST} of bundle {bundle_id}")
    return read_manifest(data)


def not_taken_in(what: str) -> IntegrityError:
    """Return what to say of something that is not what the journal says was taken in."""
    return IntegrityError(
        f"{what} is not what was taken in.",
        do_next="Take the same bundle in once more: what lies here is laid aside, and kept as evidence.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AtTheDesk:
    """One received patient, as a desk shows it.

    Attributes
    ----------
    known_as
        Patient IDs of this house; () while nobody wrote one down.
    answers
        Return bundles that were made.
    """

    bundle_id: str
    sender: str
    name: str
    patient_id: str
    number: int
    known_as: tuple[str, ...]
    answers: tuple[str, ...]


def at_the_desk(lying: Shelf) -> tuple[AtTheDesk, ...]:
    """Return everybody who was received and is here, in order."""
    return tuple(
        AtTheDesk(
            bundle_id=one.bundle_id,
            sender=one.sender,
            name=shown_name(one.patient.name) or "(no name)",
            patient_id=one.patient.patient_id,
            number=one.number,
            known_as=lying.their_ids(one),
            answers=lying.answers(one.bundle_id),
        )
        for one in lying.received
    )


def know_as(desk: Desk, bundle_id: str, patient_id: str, *, by: str, now: datetime) -> AuditRow:
    """Write down a Patient ID of this house for a received patient.

    Raises
    ------
    ConfigError
        No such bundle, no number, or the number is another received patient's.
    """
    with desk.held():
        lying = shelf(desk)
        manifest, number = lying.find(bundle_id), patient_id.strip()
        taken = lying.whose_number(number, manifest)
        if not number or taken is not None:
            raise ConfigError(
                "This cannot be this patient's number"
                + (f": it is that of the patient of bundle {taken}." if taken else "."),
                do_next="Look into your own system; two patients must never share a number.",
            )
        return note(
            desk,
            DeskDeed.KNOWN_AS,
            by=by,
            at=now,
            pseudonym=manifest.pseudonym,
            about=manifest.bundle_id,
            sender=manifest.sender,
            patient_id=number,
        )


def said_number(lying: Shelf, manifest: Manifest) -> tuple[str, datetime]:
    """Return the number under which a patient is known here, and when that was written down.

    Raises
    ------
    ConfigError
        Nobody wrote one down: what goes into a system under the sender's number may land in the chart of
        somebody who has that number here.
    """
    said = lying.number_of(manifest)
    if said is None:
        raise ConfigError(
            "Your own number of this patient is not known here.",
            do_next=f"beamkeeper desk known-as {manifest.bundle_id} NUMBER, also where it is the sender's.",
        )
    return said
