"""Cards, headers and manifests of strangers: refused in our words, whatever the bytes are."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.domain.patient import Patient
from beamkeeper.errors import BeamkeeperError, ConfigError, IntegrityError, KeyUnavailable
from beamkeeper.respond.handover import (
    BundleKind,
    Card,
    Manifest,
    Packed,
    Role,
    card_bytes,
    new_bundle_id,
    new_keys,
    open_bundle,
    read_card,
    read_header,
    seal_bundle,
)
from beamkeeper.respond.handover import bundle as sealing
from beamkeeper.respond.handover.card import verify_number
from beamkeeper.respond.handover.manifest import manifest_bytes, read_manifest

if TYPE_CHECKING:
    import io
    from collections.abc import Callable

HOME, THERE = new_keys("UZ Zuid"), new_keys("AZ Noord")
AT = datetime(2026, 3, 3, 12, tzinfo=UTC)
DIGEST_OF_X = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


def manifest(*packed: Packed) -> Manifest:
    return Manifest(
        bundle_id=new_bundle_id(),
        kind=BundleKind.HANDOVER,
        number=1,
        incident_id="2026-03-03-kqzt",
        sender=HOME.card.name,
        recipient=THERE.card.name,
        made_at=AT,
        made_by="A",
        time_zone="Europe/Brussels",
        night=date(2026, 3, 2),
        trust="Confirmed by two.",
        pseudonym="p",
        patient=Patient(patient_id="1", name="Ünal^Zoë"),
        position=None,
        packed=packed,
    )


def swapped(data: bytes, at: int, byte: int) -> bytes:
    return data[:at] + bytes([byte]) + data[at + 1 :]


@given(data=st.binary(max_size=2000))
@pytest.mark.parametrize("read", [read_card, read_manifest])
def test_bytes_of_anything_are_refused_in_our_words(read: Callable[[bytes], object], data: bytes) -> None:
    with pytest.raises(BeamkeeperError):
        read(data)


@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
@pytest.mark.parametrize(
    ("read", "whole"),
    [(read_card, card_bytes(HOME.card)), (read_manifest, manifest_bytes(manifest()))],
    ids=["card", "manifest"],
)
def test_with_one_byte_changed_it_is_another_value_or_refused(
    read: Callable[[bytes], object], whole: bytes, place: int, byte: int
) -> None:
    with suppress(BeamkeeperError):
        read(swapped(whole, place % len(whole), byte))


@given(text=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20))
def test_a_manifest_with_anything_in_its_places_is_refused(text: object) -> None:
    whole = json.loads(manifest_bytes(manifest()))
    for key in whole["manifest"]:
        broken = whole | {"manifest": whole["manifest"] | {key: [text, {"is": "Nothing"}]}}
        with pytest.raises(IntegrityError):
            read_manifest(json.dumps(broken).encode())


@pytest.mark.parametrize("name", ["", "Europe", "../../../etc/passwd", "Nowhere/Else"])
def test_a_manifest_in_a_time_zone_that_nobody_knows_is_refused(name: str) -> None:
    whole = json.loads(manifest_bytes(manifest()))
    whole["manifest"]["time_zone"] = name
    with pytest.raises(IntegrityError):
        read_manifest(json.dumps(whole).encode())


def test_a_card_has_a_number_of_its_own_that_no_error_tells() -> None:
    assert len(HOME.card.number.replace(" ", "")) == 30
    assert read_card(card_bytes(HOME.card)).number == HOME.card.number != THERE.card.number
    verify_number(HOME.card, f"  {HOME.card.number.replace(' ', '-')} ")
    for said in ("", THERE.card.number, HOME.card.number[:-1]):
        with pytest.raises(KeyUnavailable) as refused:
            verify_number(HOME.card, said)
        assert HOME.card.number not in str(refused.value)


@pytest.mark.parametrize("name", ["", " AZ", "a\x1b[2J", "A\u202eB", "x" * 101])
def test_a_house_has_a_name_that_can_be_printed(name: str) -> None:
    with pytest.raises(ConfigError):
        Card(name=name, recipient=HOME.card.recipient, signing_key=HOME.card.signing_key)


def sealed_in(root: Path) -> Path:
    """Seal a bundle with one small file."""
    (root / "files").mkdir()
    (root / "files" / "letter.txt").write_bytes(b"x")
    packed = Packed(name="letter.txt", role=Role.LETTER, size_bytes=1, sha256=DIGEST_OF_X)
    seal_bundle(manifest(packed), root / "files", keys=HOME, to=THERE.card, folder=root / "bundle")
    return root / "bundle"


@given(name=st.sampled_from(("bundle.json", "bundle.age")), place=st.integers(0, 5000), bit=st.integers(0, 7))
def test_no_single_bit_of_a_bundle_can_be_changed(name: str, place: int, bit: int) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        bundle = sealed_in(root)
        data = (bundle / name).read_bytes()
        at = place % len(data)
        (bundle / name).write_bytes(swapped(data, at, data[at] ^ 1 << bit))
        with pytest.raises((IntegrityError, KeyUnavailable)):
            open_bundle(bundle, keys=THERE, known=[HOME.card], out_dir=root / "opened")
        assert not (root / "opened").exists()


def test_a_bundle_says_outside_whose_it_is_and_inside_what_it_holds(tmp_path: Path) -> None:
    bundle = sealed_in(tmp_path)
    header, sender = read_header(bundle, [THERE.card, HOME.card])
    opened = open_bundle(bundle, keys=THERE, known=[HOME.card], out_dir=tmp_path / "opened")

    assert (sender, header.recipient) == (HOME.card, THERE.card.recipient)
    assert opened.manifest.patient.name == "Ünal^Zoë"
    assert (opened.folder / "letter.txt").read_bytes() == b"x"


def test_a_house_with_another_name_inside_than_on_its_card_is_refused(tmp_path: Path) -> None:
    bundle = sealed_in(tmp_path)
    renamed = Card(name="UZ West", recipient=HOME.card.recipient, signing_key=HOME.card.signing_key)
    with pytest.raises(IntegrityError, match="other houses inside"):
        open_bundle(bundle, keys=THERE, known=[renamed], out_dir=tmp_path / "opened")


def test_a_share_that_answers_otherwise_the_second_time_delivers_nothing(tmp_path: Path) -> None:
    signed = sealed_in(tmp_path)
    (tmp_path / "other").mkdir()
    forged = tmp_path / "other" / "forged"
    inside = replace(manifest(), bundle_id=read_header(signed, [HOME.card])[0].bundle_id)
    seal_bundle(inside, tmp_path / "files", keys=HOME, to=THERE.card, folder=forged)
    opened, reading = [], sealing._reading

    def second_time_another(path: Path) -> io.BufferedReader:
        opened.append(path.name)
        return reading(forged / path.name if opened.count("bundle.age") > 1 else path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "_reading", second_time_another)
        with pytest.raises(IntegrityError, match="another one when it was opened"):
            open_bundle(signed, keys=THERE, known=[HOME.card], out_dir=tmp_path / "opened")
    assert not (tmp_path / "opened").exists()
