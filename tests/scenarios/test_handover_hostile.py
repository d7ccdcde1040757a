"""A trusted house was taken over: what it signs and seals takes no room, no time and nobody else."""

from __future__ import annotations

import hashlib
import io
import json
import resource
import tarfile
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
import zstandard

from beamkeeper.app.jobs.desk_journal import DeskDeed, journal
from beamkeeper.app.jobs.import_reporting import check_received
from beamkeeper.app.jobs.receiving import receive
from beamkeeper.domain.codec import to_json
from beamkeeper.domain.patient import Patient
from beamkeeper.errors import BeamkeeperError, IntegrityError, StorageFull
from beamkeeper.respond.handover import BundleKind, Desk, Manifest, Packed, Role, Session, seal_bundle
from beamkeeper.respond.handover.bundle import NAMESPACE
from beamkeeper.respond.handover.manifest import manifest_bytes
from beamkeeper.vault import age
from beamkeeper.wire import sshsig

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
EVIL = "0a1b2c3d4e5f6071"
GOOD = Manifest(
    bundle_id=EVIL,
    kind=BundleKind.HANDOVER,
    number=1,
    incident_id="2026-03-03-kqzt",
    sender="UZ Zuid",
    recipient="AZ Noord",
    made_at=NOW,
    made_by="A",
    time_zone="Europe/Brussels",
    night=date(2026, 11, 22),
    trust="",
    pseudonym="p",
    patient=Patient(patient_id="1", name="A^B"),
    position=None,
)
BODY = b"x" * 10
FILE = Packed(
    name="documents/a.txt", role=Role.DOCUMENT, size_bytes=10, sha256=hashlib.sha256(BODY).hexdigest()
)


class Trusted:
    """A desk, and another house that it trusts and that signs anything."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home, self.desk = (Desk.create(root / name, name) for name in ("UZ Zuid", "AZ Noord"))
        self.desk.trust(self.home.card, self.home.card.number)

    def sealed(self, tar: IO[bytes]) -> Path:
        """Seal and sign a tar as it is."""
        folder, out, keys = self.root / EVIL, io.BytesIO(), self.home.keys()
        folder.mkdir()
        with zstandard.ZstdCompressor().stream_reader(tar) as packed:
            age.encrypt(packed, out, [self.desk.card.recipient])
        (folder / "bundle.age").write_bytes(out.getvalue())
        header = {
            "is": "Header",
            "bundle_id": EVIL,
            "kind": "handover",
            "sender": keys.card.name,
            "signing_key": keys.card.signing_key,
            "recipient": self.desk.card.recipient,
            "made_at": NOW.isoformat(),
            "sha256": hashlib.sha256(out.getvalue()).hexdigest(),
            "size_bytes": len(out.getvalue()),
        }
        data = json.dumps({"format": "beamkeeper-bundle", "version": 1, "header": header}).encode()
        (folder / "bundle.json").write_bytes(data)
        signature = sshsig.sign(data, private_key=keys.signing_key, namespace=NAMESPACE)
        (folder / "bundle.json.sig").write_bytes(signature)
        return folder

    def is_refused(self, bundle: Path) -> str:
        """Refuse a bundle, find nothing of it, and go on with the next patient; return why."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(BeamkeeperError) as caught:
            receive(self.desk, bundle, by="C. Willems", now=NOW)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < 400 << 10, "kilobytes"
        left = [path for path in self.desk.path.rglob("*") if path.is_file()]
        assert {path.name for path in left} <= {
            "card.json",
            "desk.age",
            "desk.ed25519",
            "journal.jsonl",
            "lock",
            *(path.name for path in (self.desk.path / "known").iterdir()),
        }
        assert journal(self.desk).rows()[-1].action == DeskDeed.REFUSED
        other = replace(GOOD, bundle_id="f" * 16, pseudonym="q", patient=Patient(patient_id="2", name="C"))
        seal_bundle(
            other, self.root, keys=self.home.keys(), to=self.desk.card, folder=self.root / other.bundle_id
        )
        assert receive(self.desk, self.root / other.bundle_id, by="C. Willems", now=NOW).is_new
        assert isinstance(caught.value, IntegrityError)
        return caught.value.message


@pytest.fixture
def trusted(tmp_path: Path) -> Trusted:
    return Trusted(tmp_path)


def tar_of(*members: tuple[tarfile.TarInfo, bytes], manifest: Manifest = GOOD) -> io.BytesIO:
    """A tar that begins with a manifest."""
    out = io.BytesIO()
    head = tarfile.TarInfo("manifest.json")
    data = manifest_bytes(manifest)
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, body in ((head, data), *members):
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return io.BytesIO(out.getvalue())


def named(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


@pytest.mark.parametrize(
    "member",
    [
        named("documents/a.txt", tarfile.SYMTYPE, "/etc/passwd"),
        named("documents/a.txt", tarfile.LNKTYPE, "manifest.json"),
        named("documents/a.txt", tarfile.CHRTYPE),
        named("documents/a.txt", tarfile.FIFOTYPE),
        named("documents", tarfile.DIRTYPE),
        named("../../home/.ssh/authorized_keys"),
        named("/etc/cron.d/a"),
        named("documents/a\0b.txt"),
        named("documents/" + "a" * 4096),
        named("documents/\u202egpj.exe"),
        named("manifest.json"),
        named("documents/b.txt"),
        named("lock"),
    ],
    ids=repr,
)
def test_a_member_that_is_no_plain_named_file_is_refused(trusted: Trusted, member: tarfile.TarInfo) -> None:
    body = BODY if member.isreg() else b""
    manifest = replace(GOOD, packed=(replace(FILE, name=member.name),))
    tar = tar_of((member, body), manifest=manifest if member.name.endswith(("..", "keys", "a")) else GOOD)

    assert trusted.is_refused(trusted.sealed(tar))


class Endless(io.RawIOBase):
    """A tar whose second member is as long as one may ask for, made while it is read."""

    def __init__(self, head: bytes, size: int) -> None:
        self.head, self.left = io.BytesIO(head), size

    def read(self, size: int = -1, /) -> bytes:
        block = self.head.read(size)
        if block:
            return block
        block = bytes(min(size, self.left))
        self.left -= len(block)
        return block


def head_of(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.PAX_FORMAT)


def test_a_bomb_that_its_manifest_does_not_name_is_not_unpacked(trusted: Trusted) -> None:
    data = manifest_bytes(GOOD)
    head = head_of("manifest.json", len(data)) + data + bytes(-len(data) % 512)
    bomb = Endless(head + head_of("documents/a.txt", 1 << 30), 1 << 30)

    assert "does not name" in trusted.is_refused(trusted.sealed(bomb))  # type: ignore[arg-type]


def test_a_manifest_of_five_hundred_megabytes_is_not_read(trusted: Trusted) -> None:
    bomb = Endless(head_of("manifest.json", 500 << 20), 500 << 20)

    assert "manifest is not where it must be" in trusted.is_refused(trusted.sealed(bomb))  # type: ignore[arg-type]


def raw(**changed: object) -> dict[str, object]:
    manifest = to_json(GOOD)
    assert isinstance(manifest, dict)
    return {**manifest, **changed}


def with_manifest(data: bytes) -> io.BytesIO:
    return io.BytesIO(head_of("manifest.json", len(data)) + data + bytes(-len(data) % 512 + 1024))


def document(**changed: object) -> bytes:
    return json.dumps({"format": "beamkeeper-manifest", "version": 1, "manifest": raw(**changed)}).encode()


def test_what_is_larger_than_the_disk_is_said_before_it_is_unpacked(trusted: Trusted) -> None:
    data = document(packed=[to_json(replace(FILE, size_bytes=1 << 50))])
    with pytest.raises(StorageFull, match=r"1,125,899\.9 GB"):
        receive(trusted.desk, trusted.sealed(with_manifest(data)), by="C. Willems", now=NOW)


SESSION = to_json(
    Session(plan_uid="1.2", rt_plan_label="P", fraction_number=1, day=date(2026, 11, 24), starts_at=NOW)
)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * (1 << 20),
        document(pseudonym="p" * 100_000),
        document(incident_id="p" * 100_000),
        document(trust="x" * 10_000_000),
        document(sessions=[SESSION] * 20_000),
        document(cancelled=[SESSION] * 20_000),
        document(number=10**400),
        document(time_zone="../../../etc/passwd"),
        document(patient={**raw()["patient"], "patient_id": "1" * 100_000}),  # type: ignore[dict-item]
        document(packed=[to_json(replace(FILE, size_bytes=-5))]),
        document(packed=[to_json(FILE), to_json(FILE)]),
        document(packed=[to_json(FILE), to_json(replace(FILE, name="documents"))]),
        document(packed=[to_json(replace(FILE, name="manifest.json"))]),
    ],
    ids=[
        "deep",
        "pseudonym",
        "incident",
        "trust",
        "sessions",
        "cancelled",
        "number",
        "zone",
        "long id",
        "negative size",
        "one name twice",
        "a file that is a folder",
        "a second manifest",
    ],
)
def test_a_manifest_beyond_what_a_patient_has_is_refused(trusted: Trusted, data: bytes) -> None:
    assert trusted.is_refused(trusted.sealed(with_manifest(data)))


HOSTILE = '<script>alert(1)</script>#import "x"`$[#read("/etc/passwd")]\\u{202e}\u202e|^~\\&\r\n\x0b\x1c=A^B'


def test_hostile_words_of_a_patient_are_words_in_every_paper(trusted: Trusted) -> None:
    manifest = replace(
        GOOD,
        trust=HOSTILE,
        made_by=HOSTILE,
        patient=Patient(patient_id="1<b>|^", name=HOSTILE, birth_on=date(1970, 1, 1)),
        before=(HOSTILE,),
        packed=(replace(FILE, title=HOSTILE),),
    )
    info = named(FILE.name)
    receive(trusted.desk, trusted.sealed(tar_of((info, BODY), manifest=manifest)), by="C", now=NOW)
    made = check_received(trusted.desk, EVIL, by="C", now=NOW)
    page = (made.folder / "import-report.html").read_text()
    text = (made.folder / "import-report.txt").read_text()

    assert "<script" not in page
    assert "&lt;script" in page
    assert "alert(1)" in text
    assert not set("\u202e\x0b\x1c\r") & set(text + page)
    assert (made.folder / "import-report.pdf").read_bytes().startswith(b"%PDF-")
