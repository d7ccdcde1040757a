"""Photos in an OIS's own tables: the patient's and nobody else's, byte for byte, bounded."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from beamkeeper.errors import ConfigError, SourceAnswerInvalid
from beamkeeper.protect.census import OisPhotos, aria_mapping, mosaiq_mapping
from beamkeeper.protect.census.photos import PHOTO_BYTES_MAX, PHOTOS_MAX
from beamkeeper.protect.ois_settings import AriaSettings, MosaiqSettings
from beamkeeper.rehearse.sim import aria, mosaiq
from beamkeeper.rehearse.sim.aria import tables
from beamkeeper.wire.shared_files import FileRefused

if TYPE_CHECKING:
    from pathlib import Path

FACE, SETUP = b"\xff\xd8\xff a face", b"\x89PNG a setup"
ZONE = "Europe/Brussels"


def photos(folder: Path, **pictures: list[tuple[str | None, object]]) -> OisPhotos:
    """Return the photos of an ARIA in which these patients have these."""
    clinic = aria.Clinic()
    for name, own in pictures.items():
        patient = clinic.patient(name.rstrip("_"), name, "Anna")
        for kind, picture in own:
            clinic.add(tables.PHOTO, PatientSer=patient, PhotoType=kind, Picture=picture)
    aria.TABLES.write_sqlite(folder / "aria.db", clinic.rows)
    mapping = aria_mapping(AriaSettings(timezone=ZONE, schema=""))
    return OisPhotos(mapping, f"sqlite:///{folder / 'aria.db'}", secret="", timeout_s=10, read_only=True)


def read(source: OisPhotos, patient_id: str) -> dict[str, bytes]:
    found = {}
    for one in source.names((patient_id,)):
        file = source.open((patient_id, one.name))
        assert file is not None
        found[one.name] = file.read()
    return found


def test_each_patient_has_the_own_photos_byte_for_byte_and_nobody_elses(tmp_path: Path) -> None:
    source = photos(
        tmp_path, one=[("Patient ", FACE), ("Setup", SETUP), (None, b"x")], two=[], three=[("", b"y")]
    )

    assert read(source, "one") == {"photo patient": FACE, "photo setup": SETUP, "photo": b"x"}
    assert [read(source, name) for name in ("two", "three", "unknown")] == [{}, {"photo": b"y"}, {}]
    assert list(source.names(())) == []
    assert source.look(("one", "photo other")) is None
    assert source.open(("one",)) is None


@pytest.mark.parametrize(
    "asked", ["' OR 1=1 --", "%", "one'; DROP TABLE Photo; --", "ONE", "one ", "\x00", ""]
)
def test_an_id_is_a_value_and_no_part_of_the_question(tmp_path: Path, asked: str) -> None:
    source = photos(tmp_path, one=[("Patient", FACE)])

    assert read(source, asked) == {}
    assert read(source, "one") == {"photo patient": FACE}


def test_of_two_patients_with_one_id_nobodys_photo_is_given(tmp_path: Path) -> None:
    source = photos(tmp_path, one=[("Patient", FACE)], one_=[])

    with pytest.raises(FileRefused, match="Two patients"):
        list(source.names(("one",)))


def test_a_photo_is_known_again_by_its_bytes_whatever_its_place_in_the_answer(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = photos(tmp_path / "a", one=[("p", b"1"), ("p", b"2")])
    again = photos(tmp_path / "b", one=[("p", b"2"), ("p", b"1"), ("p", b"1")])

    assert read(first, "one") == read(again, "one") == {"photo p": b"1", "photo p no 2": b"2"}
    assert first.look(("one", "photo p")) == again.look(("one", "photo p"))


def test_what_is_too_large_or_too_many_is_cut_or_refused_and_the_next_patient_is_read(tmp_path: Path) -> None:
    many = [("p", bytes([number])) for number in range(PHOTOS_MAX + 1)]
    source = photos(tmp_path, large=[("p", bytes(PHOTO_BYTES_MAX + 100))], many=many, one=[("p", FACE)])
    facts = source.look(("large", "photo p"))

    assert facts is not None
    assert facts.size_bytes == PHOTO_BYTES_MAX + 1
    with pytest.raises(FileRefused, match=f"more than {PHOTOS_MAX} rows"):
        list(source.names(("many",)))
    assert read(source, "one") == {"photo p": FACE}


def test_a_kind_that_would_be_a_path_or_a_device_is_only_letters_of_a_name(tmp_path: Path) -> None:
    source = photos(tmp_path, one=[("../../etc/passwd\x00", FACE), ("C:\\nul.", SETUP), ("\u202egpj", b"z")])

    assert list(read(source, "one")) == ["photo cnul", "photo etcpasswd", "photo gpj"]


def test_a_table_of_the_department_beside_mosaiq_is_read_by_the_patient_id(tmp_path: Path) -> None:
    clinic = mosaiq.Clinic()
    mine, other = clinic.patient("4711", "Jansen", "Maria"), clinic.patient("4712", "Jansen", "Mia")
    mosaiq.TABLES.write_sqlite(tmp_path / "mosaiq.db", clinic.rows)
    with closing(sqlite3.connect(tmp_path / "mosaiq.db")) as connection:
        connection.execute("CREATE TABLE PatPhoto (Pat_ID1 INTEGER, Face BLOB, What TEXT)")
        connection.executemany(
            "INSERT INTO PatPhoto VALUES (?, ?, ?)", [(mine, FACE, "ID"), (other, SETUP, "setup")]
        )
        connection.commit()
    columns = {"table": "PatPhoto", "picture": "Face", "kind": "What"}
    mapping = mosaiq_mapping(MosaiqSettings.model_validate({"timezone": ZONE, "photo": columns}))
    url = f"sqlite:///{tmp_path / 'mosaiq.db'}"
    source = OisPhotos(mapping, url, secret="", timeout_s=10, read_only=True)

    assert read(source, "4711") == {"photo id": FACE}
    assert read(source, "4712") == {"photo setup": SETUP}


def test_an_ois_without_such_a_table_or_mapping_says_so(tmp_path: Path) -> None:
    source = photos(tmp_path, one=[])
    source.close()
    mapping = mosaiq_mapping(MosaiqSettings(timezone=ZONE))
    without = OisPhotos(mapping, f"sqlite:///{tmp_path / 'aria.db'}", secret="", timeout_s=10, read_only=True)
    column = {"table": "Photo", "patient": "PatientSer", "picture": "Picture"}
    elsewhere = mosaiq_mapping(MosaiqSettings.model_validate({"timezone": ZONE, "photo": column}))
    wrong = OisPhotos(elsewhere, f"sqlite:///{tmp_path / 'aria.db'}", secret="", timeout_s=10, read_only=True)

    with pytest.raises(ConfigError, match="no \\[photo\\]"):
        list(without.names(()))
    with pytest.raises(SourceAnswerInvalid):
        list(wrong.names(()))
