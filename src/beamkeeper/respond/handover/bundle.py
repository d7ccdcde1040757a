"""A bundle on its way: one sealed file, what it is in clear, and a signature over that.

Three files in a folder, none of which says who the patient is. `bundle.json` carries digest and size of
`bundle.age`; `bundle.json.sig` is an OpenSSH signature of it; inside `bundle.age` (tar, zstd, age, as a
parcel of the vault) the manifest names every file with its digest. So the signature is checked before
anything is opened, and `ssh-keygen`, `sha256sum`, `age`, `zstd` and `tar` do the same without us.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import secrets
import shutil
import stat
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from beamkeeper.domain.codec import NotThisShapeError, from_json, to_json
from beamkeeper.errors import IntegrityError, KeyUnavailable, SourceUnavailable, StorageFull
from beamkeeper.respond.handover.manifest import (
    FILES_MAX,
    MANIFEST,
    MANIFEST_BYTES_MAX,
    BundleKind,
    Manifest,
    manifest_bytes,
    read_manifest,
)
from beamkeeper.vault import Member, ParcelLimits, seal_parcel
from beamkeeper.vault.parcel import sized_members
from beamkeeper.wire import sshsig

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from beamkeeper.respond.handover.card import Card, DeskKeys
    from beamkeeper.respond.handover.manifest import Packed

SEALED, HEADER, SIGNATURE = "bundle.age", "bundle.json", "bundle.json.sig"
FILES: Final = frozenset({SEALED, HEADER, SIGNATURE})
NAMESPACE: Final = "handover@beamkeeper"
FORMAT: Final = "beamkeeper-bundle"
VERSION: Final = 1
HEADER_BYTES_MAX: Final = 16 << 10
LIMITS: Final = ParcelLimits(members=FILES_MAX + 1, member_bytes=8 << 30, total_bytes=64 << 30)
_BUNDLE_ID = re.compile(r"[0-9a-f]{16}")
_BLOCK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What stands in clear beside a sealed bundle.

    Attributes
    ----------
    sender
        Name of the house that made it.
    signing_key
        Its public key, by which the receiver finds the card it trusts.
    recipient
        age recipient it is sealed to.
    sha256, size_bytes
        Of the sealed file.
    """

    bundle_id: str
    kind: BundleKind
    sender: str
    signing_key: str
    recipient: str
    made_at: datetime
    sha256: str
    size_bytes: int

    def __post_init__(self) -> None:
        """Refuse an identifier that could not name a folder."""
        if not is_bundle_id(self.bundle_id):
            raise ValueError("a bundle's identifier has sixteen hexadecimal digits")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A bundle whose every byte was proved.

    Attributes
    ----------
    folder
        Where its files lie.
    strangers
        Names beside the bundle that do not belong to it; nothing of them was read.
    """

    header: Header
    manifest: Manifest
    sender: Card
    folder: Path
    strangers: tuple[str, ...] = ()


class _Digesting:
    """A stream that digests what passes: a medium may answer otherwise the second time it is read."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self._size_bytes = 0

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes."""
        data = self._stream.read(size)
        self._digest.update(data)
        self._size_bytes += len(data)
        return data

    def drained(self, most: int) -> tuple[int, str]:
        """Read on to the end, or beyond `most`; return size in bytes and SHA-256 of all that passed."""
        while self._size_bytes <= most and self.read(_BLOCK_BYTES):
            pass
        return self._size_bytes, self._digest.hexdigest()


def is_bundle_id(text: str) -> bool:
    """Return whether a text has the form of a bundle's identifier, and may name a folder."""
    return _BUNDLE_ID.fullmatch(text) is not None


def seal_bundle(manifest: Manifest, files: Path, *, keys: DeskKeys, to: Card, folder: Path) -> Header:
    """Seal the files that a manifest names to another house, sign that, and read it back.

    Parameters
    ----------
    files
        Folder in which they lie under their names.
    folder
        Becomes the bundle; may not be there yet.

    Raises
    ------
    IntegrityError
        A file is not what the manifest says, or what was written does not read back.
    StorageFull
        No room; nothing is left of it.
    """
    if folder.exists():
        raise IntegrityError(f"{folder.name} is there already; a bundle is never overwritten.")
    members = [_member(MANIFEST, manifest_bytes(manifest)), *(_file(files, item) for item in manifest.packed)]
    staging = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
    try:
        staging.mkdir(mode=0o700, parents=True)
        with _created(staging / SEALED) as sink:
            sealed = seal_parcel(members, recipients=[to.recipient], sink=sink, night=manifest.night)
            os.fsync(sink.fileno())
        header = Header(
            bundle_id=manifest.bundle_id,
            kind=manifest.kind,
            sender=keys.card.name,
            signing_key=keys.card.signing_key,
            recipient=to.recipient,
            made_at=manifest.made_at,
            sha256=sealed.sha256,
            size_bytes=sealed.size_bytes,
        )
        data = _header_bytes(header)
        for name, content in (
            (HEADER, data),
            (SIGNATURE, sshsig.sign(data, private_key=keys.signing_key, namespace=NAMESPACE)),
        ):
            with _created(staging / name) as file:
                file.write(content)
                os.fsync(file.fileno())
        _verify_sealed(staging, header)
        staging.rename(folder)
    except OSError as error:
        raise StorageFull(
            f"The bundle cannot be written: {error.strerror}.",
            do_next="Make room or name another folder; nothing was left behind.",
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return header


def read_header(folder: Path, known: Iterable[Card]) -> tuple[Header, Card]:
    """Return what a bundle says of itself in clear, and whose it is; nothing is opened.

    Raises
    ------
    IntegrityError
        It is not signed by a house whose card is trusted, or is no bundle.
    SourceUnavailable
        Its files cannot be read.
    """
    data = _small(folder / HEADER, HEADER_BYTES_MAX)
    signature = _small(folder / SIGNATURE, sshsig.SIGNATURE_BYTES_MAX)
    try:
        document = json.loads(data)
        if (document["format"], document["version"]) != (FORMAT, VERSION):
            raise NotThisShapeError("another format or version")
        header = from_json(Header, document["header"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _refused("its bundle.json cannot be read") from error
    sender = next((card for card in known if card.signing_key == header.signing_key), None)
    if sender is None:
        raise IntegrityError(
            "This bundle is signed by a key that nobody here trusts.",
            do_next="Ask the sender for the card, compare its number by telephone: `beamkeeper desk trust`.",
        )
    sshsig.verify(data, signature, public_key=sender.signing_key, namespace=NAMESPACE)
    return header, sender


def open_bundle(folder: Path, *, keys: DeskKeys, known: Sequence[Card], out_dir: Path) -> Opened:
    """Verify a bundle and unpack it; `out_dir` appears whole or not at all.

    Raises
    ------
    IntegrityError
        Not signed by who is trusted, changed, cut short, or with another content than its manifest names.
    KeyUnavailable
        It is sealed for another house.
    SourceUnavailable, StorageFull
        It cannot be read; there is no room.
    """
    header, sender = read_header(folder, known)
    if header.recipient != keys.card.recipient:
        raise KeyUnavailable(
            f"This bundle of {sender.name} is sealed for another house.",
            do_next="Give it to whom it is meant for, or ask for one sealed by your card.",
        )
    if out_dir.exists():
        raise IntegrityError(f"{out_dir.name} is there already; nothing received is overwritten.")
    _verify_sealed(folder, header)
    staging = out_dir.with_name(f".{out_dir.name}-{secrets.token_hex(4)}")
    try:
        staging.mkdir(mode=0o700, parents=True)
        with _reading(folder / SEALED) as sealed:
            passing = _Digesting(sealed)
            manifest = _unpacked(passing, keys, header, staging)
            if passing.drained(header.size_bytes) != (header.size_bytes, header.sha256):
                raise _refused("its sealed file was another one when it was opened than when it was verified")
        if (manifest.sender, manifest.recipient) != (sender.name, keys.card.name):
            raise _refused("it names other houses inside than outside")
        staging.rename(out_dir)
    except OSError as error:
        raise StorageFull(
            f"The bundle cannot be unpacked: {error.strerror}.", do_next="Make room, or name another folder."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    strangers = sorted(path.name for path in folder.iterdir() if path.name not in FILES)
    return Opened(header=header, manifest=manifest, sender=sender, folder=out_dir, strangers=tuple(strangers))


def _unpacked(sealed: _Digesting, keys: DeskKeys, header: Header, staging: Path) -> Manifest:
    """Write every file that the manifest names, and refuse one more or one less."""
    with closing(sized_members(sealed, [keys.identity], limits=LIMITS)) as members:
        name, size, reader = next(members, ("", 0, io.BytesIO()))
        if name != MANIFEST or size > MANIFEST_BYTES_MAX:
            raise _refused("its manifest is not where it must be")
        manifest = read_manifest(data := reader.read(size))
        if (manifest.bundle_id, manifest.kind) != (header.bundle_id, header.kind):
            raise _refused("its manifest belongs to another bundle")
        _verify_room(manifest, staging)
        (staging / MANIFEST).write_bytes(data)
        missing = {item.name: item for item in manifest.packed}
        for name, size, reader in members:
            item = missing.pop(name, None)
            if item is None or item.size_bytes != size:
                raise _refused("it holds a file that its manifest does not name")
            _write_member(staging, item, reader)
    if missing:
        raise _refused(f"{len(missing)} files that its manifest names are not in it")
    return manifest


def _verify_room(manifest: Manifest, staging: Path) -> None:
    """Refuse what cannot be unpacked here, before the disk is full and everybody else waits."""
    wanted, free = sum(item.size_bytes for item in manifest.packed), shutil.disk_usage(staging).free
    if wanted > free:
        raise StorageFull(
            f"The bundle holds {wanted / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free.",
            do_next="Make room, or name another folder. Is so much right? Ask who made it.",
        )


def _write_member(staging: Path, item: Packed, reader: io.BufferedIOBase) -> None:
    path = staging.joinpath(*item.name.split("/"))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with _created(path) as out:
        while block := reader.read1(_BLOCK_BYTES):
            digest.update(block)
            out.write(block)
    if digest.hexdigest() != item.sha256:
        raise _refused("a file in it has other bytes than its manifest names")


def _verify_sealed(folder: Path, header: Header) -> None:
    with _reading(folder / SEALED) as sealed:
        size = os.fstat(sealed.fileno()).st_size
        same = (
            size == header.size_bytes and hashlib.file_digest(sealed, "sha256").hexdigest() == header.sha256
        )
    if not same:
        raise _refused(f"its sealed file has {size} bytes and is not the one that was signed")


def _member(name: str, data: bytes) -> Member:
    return Member(
        name=name,
        size_bytes=len(data),
        open=lambda: cast("BinaryIO", io.BytesIO(data)),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _file(files: Path, item: Packed) -> Member:
    path = files.joinpath(*item.name.split("/"))
    return Member(
        name=item.name, size_bytes=item.size_bytes, open=lambda: path.open("rb"), sha256=item.sha256
    )


def _header_bytes(header: Header) -> bytes:
    document = {"format": FORMAT, "version": VERSION, "header": to_json(header)}
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _created(path: Path) -> io.BufferedWriter:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    return os.fdopen(handle, "wb")


def _reading(path: Path) -> io.BufferedReader:
    """Open a file of a stranger's medium: never a link, a pipe or a device."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise SourceUnavailable(
            f"{path.name} of the bundle cannot be read: {error.strerror}.",
            do_next="Name the folder that holds bundle.age, bundle.json and bundle.json.sig.",
        ) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise _refused(f"{path.name} is no file")
    return os.fdopen(handle, "rb")


def _small(path: Path, most: int) -> bytes:
    with _reading(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise _refused(f"{path.name} is larger than it can be")
    return data


def _refused(why: str) -> IntegrityError:
    return IntegrityError(
        f"This bundle is refused: {why}.",
        do_next="Nothing of it was used. Copy it again from where it came, or ask for it again.",
    )
