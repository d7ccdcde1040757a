"""What the vault's signed metadata say, and how they are made: a TUF repository, consistent snapshots.

Names in the store: `metadata/<n>.root.json`, `metadata/<n>.targets.json`, `metadata/<n>.snapshot.json`,
`metadata/timestamp.json`, and parcels under `targets/`, their digest in front of the file name.

References
----------
The Update Framework specification 1.0.31, sections 4 and 6.2 (consistent snapshots)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

from beamkeeper.domain.audit import AuditHead
from beamkeeper.errors import IntegrityError
from beamkeeper.vault.removed import read_removed, removed_json
from beamkeeper.vault.votes import read_votes, votes_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from securesystemslib.signer import CryptoSigner, Key

    from beamkeeper.vault.removed import RemovedPatient
    from beamkeeper.vault.votes import NightVotes

FORMAT: Final = "beamkeeper-vault"
FORMAT_VERSION: Final = 1
EXTENSION: Final = "x-beamkeeper"
"""Key of our own facts in root (who can open) and targets (which nights)."""

METADATA: Final = "metadata/"
TARGETS: Final = "targets/"
TIMESTAMP_NAME: Final = f"{METADATA}timestamp.json"
SITE: Final = "site"
"""Stands for the pseudonym in parcels about the site itself."""
DEPARTMENT: Final = "departmentlistsandbinder"
"""Stands for the pseudonym in parcels with what the whole department needs: 24 signs, and a patient's has 26.

It has the form of a pseudonym, so that earlier versions read a vault that has it, and restore it as they
restore a patient.
"""

_TARGET_PATH = re.compile(r"([a-z2-7]{20,52}|site)/(\d{4}-\d{2}-\d{2})-([1-9]\d{0,5})\.tar\.zst\.age")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelEntry:
    """One parcel, as signed metadata name it.

    Attributes
    ----------
    path
        `<pseudonym>/<night>-<n>.tar.zst.age`: its name for TUF clients and in `StoredObject.parcel`.
    pseudonym
        The patient's keyed name; "site" for a parcel about the site itself; `DEPARTMENT`.
    """

    path: str
    sha256: str
    size_bytes: int

    def __post_init__(self) -> None:
        """Refuse a path or digest of another form."""
        if _TARGET_PATH.fullmatch(self.path) is None or _SHA256.fullmatch(self.sha256) is None:
            raise ValueError(f"not a parcel of a vault: {self.path!r}")

    @property
    def pseudonym(self) -> str:
        """The patient's keyed name, or what stands in its place."""
        return self.path.partition("/")[0]

    @property
    def night(self) -> date:
        """The local date of the night that sealed it."""
        return date.fromisoformat(self.path.partition("/")[2][:10])

    @property
    def number(self) -> int:
        """From 1: several parcels of one patient and night."""
        return int(self.path.partition("/")[2][11:].partition(".")[0])

    @property
    def kind(self) -> str:
        """Whom it is about: "patient", "site" or "department"."""
        return {SITE: SITE, DEPARTMENT: "department"}.get(self.pseudonym, "patient")

    @property
    def storage_name(self) -> str:
        """Where the bytes lie in the store: as TUF prefixes targets of consistent snapshots."""
        folder, _, name = self.path.rpartition("/")
        return f"{TARGETS}{folder}/{self.sha256}.{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LostParcel:
    """A signed statement: a parcel is gone from the vault, and all it held stands in others.

    Attributes
    ----------
    entry
        The parcel as metadata named it before.
    noticed_on
        Night that found it gone and sealed its objects again.
    held_in
        Paths of the parcels that hold its objects now.
    """

    entry: ParcelEntry
    noticed_on: date
    held_in: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a statement that sends to no parcel, or to another patient's."""
        others = [path for path in self.held_in if path.partition("/")[0] != self.entry.pseudonym]
        if not self.held_in or self.entry.path in self.held_in or others:
            raise ValueError(f"{self.entry.path} cannot be held in {self.held_in}")


def held_in(path: str, lost: Mapping[str, LostParcel]) -> frozenset[str]:
    """Return where the objects of a lost parcel stand today, even when they were moved more than once."""
    found: set[str] = set()
    ahead, seen = [path], {path}
    while ahead:
        for one in lost[ahead.pop()].held_in:
            if one not in lost:
                found.add(one)
            elif one not in seen:
                seen.add(one)
                ahead.append(one)
    return frozenset(found)


def parcel_path(pseudonym: str, night: date, number: int) -> str:
    """Return the path of the `number`-th parcel of a patient and night."""
    return f"{pseudonym}/{night.isoformat()}-{number}.tar.zst.age"


def root_name(version: int) -> str:
    """Return the store's name of a root version."""
    return f"{METADATA}{version}.root.json"


def snapshot_name(version: int) -> str:
    """Return the store's name of a snapshot version."""
    return f"{METADATA}{version}.snapshot.json"


def targets_name(version: int) -> str:
    """Return the store's name of a targets version."""
    return f"{METADATA}{version}.targets.json"


def make_root(
    *,
    version: int,
    root: Key,
    online: Mapping[str, Sequence[Key]],
    recipients: Sequence[str],
    expires_at: datetime,
) -> Root:
    """Return a root that trusts `root` offline, and any one of the keys given for each online role."""
    signed = Root(version=version, expires=_whole_second(expires_at), consistent_snapshot=True)
    signed.add_key(root, Root.type)
    for role, keys in online.items():
        for key in keys:
            signed.add_key(key, role)
    signed.unrecognized_fields[EXTENSION] = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "recipients": list(recipients),
    }
    return signed


def recipients_of(root: Root) -> tuple[str, ...]:
    """Return who can open this vault's parcels, as the offline root signs it.

    Raises
    ------
    IntegrityError
        Not a Beamkeeper vault, or of a version this one does not read.
    """
    extension = root.unrecognized_fields.get(EXTENSION)
    match extension:
        case {"format": "beamkeeper-vault", "version": 1, "recipients": [*recipients]} if all(
            isinstance(text, str) for text in recipients
        ):
            return tuple(recipients)
    raise IntegrityError(
        f"This is not a {FORMAT} of version {FORMAT_VERSION}, the only one this Beamkeeper reads.",
        do_next="Use a newer Beamkeeper, or open it with the stock tools: docs/runbooks.",
    )


def make_targets(
    *,
    version: int,
    entries: Iterable[ParcelEntry],
    nights: Iterable[date],
    audit_head: AuditHead | None = None,
    lost: Iterable[LostParcel] = (),
    votes: Iterable[NightVotes] = (),
    removed: Iterable[RemovedPatient] = (),
    expires_at: datetime,
) -> Targets:
    """Return targets that name every parcel, nights and votes, the audit log's end, whom we removed."""
    files = {entry.path: _target_file(entry) for entry in entries}
    signed = Targets(version=version, expires=_whole_second(expires_at), targets=files)
    ours: dict[str, object] = {"nights": sorted(night.isoformat() for night in set(nights))}
    if audit_head is not None:
        ours["audit"] = {"sequence": audit_head.sequence, "sha256": audit_head.sha256}
    if stated := sorted(lost, key=lambda one: one.entry.path):
        ours["lost"] = [_stated(one) for one in stated]
    if said := votes_json(votes):
        ours["votes"] = said
    if gone := removed_json(removed):
        ours["removed"] = gone
    signed.unrecognized_fields[EXTENSION] = ours
    return signed


def make_snapshot(*, version: int, targets: bytes, targets_version: int, expires_at: datetime) -> Snapshot:
    """Return a snapshot of one targets file, by version, length and digest."""
    meta = {"targets.json": MetaFile.from_data(targets_version, targets, ["sha256"])}
    return Snapshot(version=version, expires=_whole_second(expires_at), meta=meta)


def make_timestamp(
    *, version: int, snapshot: bytes, snapshot_version: int, expires_at: datetime
) -> Timestamp:
    """Return a timestamp of one snapshot file, by version, length and digest."""
    return Timestamp(
        version=version,
        expires=_whole_second(expires_at),
        snapshot_meta=MetaFile.from_data(snapshot_version, snapshot, ["sha256"]),
    )


def sign(signed: Root | Targets | Snapshot | Timestamp, signer: CryptoSigner) -> bytes:
    """Return the signed metadata file: the same content and key, the same bytes."""
    document: Metadata[Any] = Metadata(signed)
    document.sign(signer)
    return document.to_bytes(JSONSerializer(compact=True))


def entries_of(targets: Targets) -> tuple[ParcelEntry, ...]:
    """Return the parcels that targets name, by path.

    Raises
    ------
    IntegrityError
        A target is not a parcel of ours.
    """
    try:
        return tuple(_entry(path, file) for path, file in sorted(targets.targets.items()))
    except (ValueError, KeyError) as error:
        raise IntegrityError(
            "The signed list of parcels names something that is not a parcel.",
            do_next="Use a newer Beamkeeper: this vault may hold things this one does not know.",
        ) from error


def nights_of(targets: Targets) -> tuple[date, ...]:
    """Return the nights that were published, oldest first.

    Raises
    ------
    IntegrityError
        The list is missing or malformed.
    """
    extension = targets.unrecognized_fields.get(EXTENSION)
    try:
        return tuple(sorted(date.fromisoformat(text) for text in extension["nights"]))  # type: ignore[index]
    except (TypeError, KeyError, ValueError) as error:
        raise IntegrityError(
            "The signed list of parcels does not say which nights it covers.",
            do_next="Use a newer Beamkeeper: this vault may be of another version.",
        ) from error


def audit_head_of(targets: Targets) -> AuditHead | None:
    """Return where the audit log ended when the vault was fed; None when the metadata do not say.

    Raises
    ------
    IntegrityError
        What they say is malformed.
    """
    extension = targets.unrecognized_fields.get(EXTENSION)
    match extension.get("audit") if isinstance(extension, dict) else None:
        case None:
            return None
        case {"sequence": int(sequence), "sha256": str(sha256)} if sequence >= 0 and _SHA256.fullmatch(
            sha256
        ):
            return AuditHead(sequence=sequence, sha256=sha256)
    raise IntegrityError(
        "The signed list of parcels does not say plainly where the audit log ended.",
        do_next="Use a newer Beamkeeper: this vault may be of another version.",
    )


def votes_of(targets: Targets) -> tuple[NightVotes, ...]:
    """Return what people said of the nights; empty where nobody was ever asked.

    Raises
    ------
    IntegrityError
        The list is malformed.
    """
    extension = targets.unrecognized_fields.get(EXTENSION)
    return read_votes(extension.get("votes", []) if isinstance(extension, dict) else [])


def removed_of(targets: Targets) -> tuple[RemovedPatient, ...]:
    """Return whom targets state to have been removed; none stated is none.

    Raises
    ------
    IntegrityError
        A statement is malformed.
    """
    extension = targets.unrecognized_fields.get(EXTENSION)
    return read_removed(extension.get("removed", []) if isinstance(extension, dict) else [])


def lost_of(targets: Targets) -> tuple[LostParcel, ...]:
    """Return what targets state about lost parcels; none stated is none.

    Raises
    ------
    IntegrityError
        A statement is malformed.
    """
    extension = targets.unrecognized_fields.get(EXTENSION)
    try:
        return tuple(_lost(one) for one in (extension or {}).get("lost", ()))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise IntegrityError(
            "The signed list of parcels states something about lost ones that cannot be read.",
            do_next="Use a newer Beamkeeper: this vault may be of another version.",
        ) from error


def _stated(lost: LostParcel) -> dict[str, object]:
    return {
        "path": lost.entry.path,
        "sha256": lost.entry.sha256,
        "length": lost.entry.size_bytes,
        "noticed_on": lost.noticed_on.isoformat(),
        "held_in": list(lost.held_in),
    }


def _lost(stated: Mapping[str, Any]) -> LostParcel:
    return LostParcel(
        entry=ParcelEntry(path=stated["path"], sha256=stated["sha256"], size_bytes=int(stated["length"])),
        noticed_on=date.fromisoformat(stated["noticed_on"]),
        held_in=tuple(map(str, stated["held_in"])),
    )


def _target_file(entry: ParcelEntry) -> TargetFile:
    custom = {"night": entry.night.isoformat(), "pseudonym": entry.pseudonym, "kind": entry.kind}
    return TargetFile(entry.size_bytes, {"sha256": entry.sha256}, entry.path, {"custom": custom})


def _entry(path: str, file: TargetFile) -> ParcelEntry:
    return ParcelEntry(path=path, sha256=file.hashes["sha256"], size_bytes=file.length)


def _whole_second(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(microsecond=0)
