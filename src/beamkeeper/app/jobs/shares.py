"""What sources bring under one Patient ID, collected once and divided among those who have that ID."""

from __future__ import annotations

import mmap
import threading
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.bytes_at_hand import BytesAtHand
from beamkeeper.app.jobs.division import KeptBefore, Part, divide, with_other_person_named
from beamkeeper.app.jobs.folders import known_persons, new_folder
from beamkeeper.app.jobs.looked import ListedPatient
from beamkeeper.domain.census import CensusEntry, CensusReason, Claim
from beamkeeper.domain.change import Grade
from beamkeeper.domain.identity import IdentityFact, KnownPerson, identity_of, likeness
from beamkeeper.errors import IntegrityError, KeyUnavailable, ObjectUnreadable
from beamkeeper.wire.dicom.reader import read_stated_patient
from beamkeeper.wire.dicom.spool import ObjectIdentity, SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from beamkeeper.app.jobs.looked import Looked
    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.domain.patient import Patient
    from beamkeeper.ledger import Ledger, PatientRow
    from beamkeeper.protect.collect import Collection
    from beamkeeper.vault import StoredObject
    from beamkeeper.wire.dicom.spool import SpooledObject, SpoolReader

    Collected = Callable[[ListedPatient], tuple[Collection, frozenset[str]]]
    """Collects everything under a Patient ID; the second value is what was sent unasked."""

ELSEWHERE = "elsewhere"
"""Name of the spool writer, and of the scratch folder, for bytes that lie in another patient's parcels."""
IN_THE_OBJECTS = "what the objects say"
"""The source named in the claim of somebody who is on no list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What is one person's of everything that came under a Patient ID.

    Attributes
    ----------
    said
        What to tell about it, in sentences.
    known_as
        Every way in which this person was stated so far, tonight's objects included.
    kept
        Every version the ledger says the vault holds of this person's objects.
    is_on_the_list
        False for somebody whom only the objects name.
    """

    listed: ListedPatient
    collection: Collection
    pushed: frozenset[str]
    said: tuple[str, ...]
    known_as: tuple[Patient, ...]
    kept: tuple[StoredObject, ...] = ()
    is_on_the_list: bool = True


class Shares:
    """Divides collections; safe to ask from several threads.

    Parameters
    ----------
    folder
        The night's working folder.
    """

    def __init__(self, runtime: Runtime, spool: SpoolReader, folder: Path, collected: Collected) -> None:
        self._run = runtime
        self._spool = spool
        self._folder = folder
        self._collected = collected
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._divided: dict[str, tuple[Share, ...]] = {}

    def of(self, listed: ListedPatient, same_id: Sequence[ListedPatient]) -> tuple[Share, ...]:
        """Return the share of `listed`, and after it those of persons whom no list names.

        The latter come with the first of those on the list who have the Patient ID.

        Parameters
        ----------
        same_id
            Everybody on tonight's list with this Patient ID, `listed` among them.
        """
        patient_id = listed.entry.patient.patient_id
        with self._guard:
            lock = self._locks[patient_id]
        with lock:
            shares = self._divided.pop(patient_id, None)
            if shares is None or listed.pseudonym not in {share.listed.pseudonym for share in shares}:
                shares = self._divide(listed, same_id)
            rest = tuple(share for share in shares if share.listed.pseudonym != listed.pseudonym)
            if any(share.is_on_the_list for share in rest):
                self._divided[patient_id] = tuple(share for share in rest if share.is_on_the_list)
        own = next(share for share in shares if share.listed.pseudonym == listed.pseudonym)
        return (own, *(share for share in rest if not share.is_on_the_list))

    def _divide(self, listed: ListedPatient, same_id: Sequence[ListedPatient]) -> tuple[Share, ...]:
        patient_id = listed.entry.patient.patient_id
        collection, pushed = self._collected(listed)
        with self._run.ledger.session():
            known = known_persons(self._run, patient_id)
            persons = _with_tonights(known, same_id)
            kept = {name: self._run.ledger.current_objects(name) for name in _names(persons)}
        renamed = _listed_otherwise(known, same_id)
        before = KeptBefore([kept[name] for name in _names(persons)])
        collection = self._with_bytes_elsewhere(collection, before.versions())
        parts = divide(
            collection,
            persons,
            patient_id=patient_id,
            before=before,
            stated=self._stated,
            first=_names(persons).index(listed.pseudonym),
        )
        on_list = {item.pseudonym: item for item in same_id}
        taken = set(kept)
        shares = []
        for part in parts:
            name = part.person.pseudonym
            if name in on_list:
                share = _share(part, on_list[name], collection, pushed, parts)
                shares.append(replace(share, said=(*renamed.get(name, ()), *share.said)))
            elif part.received:
                if not name:
                    name = new_folder(self._run.keys.pseudonym_key, patient_id, taken)
                    taken.add(name)
                unlisted = ListedPatient(pseudonym=name, entry=_entry_of(part.person))
                shares.append(_share(part, unlisted, collection, pushed, parts, is_on_the_list=False))
        told = _told_of_one_another(shares)
        return tuple(replace(share, kept=kept.get(share.listed.pseudonym, ())) for share in told)

    def _stated(self, spooled: SpooledObject) -> Patient | None:
        if spooled.known:
            return None
        with (
            self._spool.open(spooled) as opened,
            Path(opened.name).open("rb") as pack,
            closing(mmap.mmap(pack.fileno(), 0, access=mmap.ACCESS_READ)) as mapped,
            memoryview(mapped) as whole,
            whole[spooled.offset : spooled.offset + spooled.size_bytes] as view,
        ):
            try:
                return read_stated_patient(view, zone=self._run.site.zone)
            except ObjectUnreadable:
                return None

    def _with_bytes_elsewhere(
        self, collection: Collection, held: Mapping[tuple[str, str], object]
    ) -> Collection:
        """Return the collection with bytes taken out of other patients' parcels where only those have them.

        They were not taken on arrival, because the vault has them. But a folder must be whole by itself:
        it is restored, and one day removed, alone.
        """
        away = {
            item.sha256: item
            for versions in collection.received.values()
            for item in versions
            if item.known and (item.sop_instance_uid, item.sha256) not in held
        }
        if not away:
            return collection
        taken = self._taken_out(away)
        received = {
            uid: tuple(
                item if (uid, item.sha256) in held else taken.get(item.sha256, item) for item in versions
            )
            for uid, versions in collection.received.items()
        }
        return replace(collection, received=received)

    def _taken_out(self, away: Mapping[str, SpooledObject]) -> dict[str, SpooledObject]:
        """Return the objects anew, their bytes in the spool; what cannot be read back is left out."""
        kept = self._run.ledger.with_digests(away)
        taken: dict[str, SpooledObject] = {}
        scratch = self._folder / "scratch" / f"{ELSEWHERE}-{min(away)}"
        with (
            SpoolWriter(self._folder / "spool", ELSEWHERE) as writer,
            BytesAtHand(
                spool=self._spool,
                vault=self._run.vault,
                kept=tuple(kept.values()),
                identities=self._run.keys.identities,
                scratch=scratch,
            ) as at_hand,
        ):
            at_hand.prepare((), {}, also=kept.values())
            for sha256, item in kept.items():
                try:
                    data = at_hand.kept(item)
                except (IntegrityError, KeyUnavailable):
                    continue  # `look` meets it again and names it as not kept, with the reason
                taken[sha256] = writer.add(b"", (data,), _identity(away[sha256]))
            writer.commit()
        return taken


def _with_tonights(
    persons: Sequence[KnownPerson], same_id: Sequence[ListedPatient]
) -> tuple[KnownPerson, ...]:
    """Return everybody with a folder, and everybody on the list, with what the list says of them."""
    said = {item.pseudonym: identity_of(item.entry.patient) for item in same_id}
    found = {person.pseudonym: person.known_as for person in persons}
    for name, patient in said.items():
        found[name] = tuple(dict.fromkeys((*found.get(name, ()), patient)))
    return tuple(KnownPerson(pseudonym=name, known_as=known_as) for name, known_as in found.items())


def _names(persons: Sequence[KnownPerson]) -> list[str]:
    return [person.pseudonym for person in persons]


def _listed_otherwise(
    known: Sequence[KnownPerson], same_id: Sequence[ListedPatient]
) -> dict[str, tuple[str, ...]]:
    """Return what to say, by folder, where tonight's list states somebody otherwise than ever before."""
    persons = {person.pseudonym: person for person in known}
    said: dict[str, tuple[str, ...]] = {}
    for item in same_id:
        person, patient = persons.get(item.pseudonym), identity_of(item.entry.patient)
        if person is None or patient in person.known_as:
            continue
        how = person.likeness_to(patient)
        if what := " and ".join(sorted(fact.value for fact in how.different | how.near)):
            line = (
                f"The list states another {what} for this Patient ID than before: taken for one person, as "
                "after a marriage or a correction. If it is somebody else, a physicist must have that mended."
            )
            said[item.pseudonym] = (line,)
    return said


def _entry_of(person: KnownPerson) -> CensusEntry:
    claim = Claim(source=IN_THE_OBJECTS, reason=CensusReason.SHARES_AN_ID)
    return CensusEntry(patient=person.known_as[0], claims=(claim,))


def _share(
    part: Part,
    listed: ListedPatient,
    collection: Collection,
    pushed: frozenset[str],
    parts: Sequence[Part],
    *,
    is_on_the_list: bool = True,
) -> Share:
    own = collection if len(parts) == 1 else part.of(collection)
    return Share(
        listed=listed,
        collection=own,
        pushed=pushed & own.expected.keys(),
        said=part.in_words(),
        known_as=tuple(dict.fromkeys((*part.person.known_as, *part.known_as))),
        is_on_the_list=is_on_the_list,
    )


def _told_of_one_another(shares: Sequence[Share]) -> list[Share]:
    """Return the shares, each saying in whose folders the rest lies; nothing where there is one person."""
    told = []
    for share in shares:
        others = [other for other in shares if other is not share]
        lines = [
            f"{_of_another(len(other.collection.expected))}, by "
            f"issuer, name or birth date: kept apart, in the folder {other.listed.pseudonym[:10]}. Nothing "
            "was merged. A physicist must find out who has the wrong Patient ID and have it corrected at the "
            "source."
            for other in others
        ]
        if not share.is_on_the_list:
            lines.insert(0, "No list names this person: only objects under somebody else's Patient ID do.")
        told.append(replace(share, said=(*lines, *share.said)))
    return told


def _of_another(count: int) -> str:
    objects, are = ("1 object", "is") if count == 1 else (f"{count} objects", "are")
    return f"{objects} under this Patient ID {are} of another person"


def _identity(item: SpooledObject) -> ObjectIdentity:
    return ObjectIdentity(
        sop_class_uid=item.sop_class_uid,
        sop_instance_uid=item.sop_instance_uid,
        transfer_syntax_uid=item.transfer_syntax_uid,
        calling_ae_title="",
        solicited=True,
    )


def with_share_told(looked: Looked, share: Share, ledger: Ledger) -> Looked:
    """Return what looking at a share found, with what dividing found, and who else has the same objects."""
    night = looked.night
    comparisons = night.comparisons
    if not share.is_on_the_list:
        comparisons = with_other_person_named(comparisons)
    new = [item.sop_instance_uid for item in comparisons if item.grade is Grade.NEW]
    holders = Counter(ledger.held_by_others(share.listed.pseudonym, new).values())
    moved = (_moved(count, ledger.patient(name), share, name) for name, count in sorted(holders.items()))
    return replace(
        looked,
        night=replace(night, comparisons=comparisons, identity=(*share.said, *moved)),
        facts=replace(looked.facts, known_as=share.known_as),
    )


def _moved(count: int, other: PatientRow | None, share: Share, name: str) -> str:
    objects = "1 new object is" if count == 1 else f"{count} new objects are"
    said = f"{objects} kept in the folder {name[:10]} too"
    patient = share.listed.entry.patient
    if other is not None and other.patient.patient_id != patient.patient_id:
        how = likeness(other.patient, patient)
        if how.same >= {IdentityFact.NAME, IdentityFact.BIRTH_DATE}:
            said += (
                ", under another Patient ID with the same name and birth date: as after two Patient IDs were "
                "merged, or one was corrected"
            )
        else:
            said += ", under another Patient ID"
    return f"{said}. Both folders keep what they have, nothing was merged: a physicist must say whose it is."
