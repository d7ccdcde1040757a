"""Which documents are photos of whom or of what, which one is shown, and that none stops a paper."""

from __future__ import annotations

from datetime import UTC, date, datetime

from beamkeeper.app.jobs.dossier_photos import KeptPhoto, PhotoWords, kept_photos, with_photos, words_of
from beamkeeper.app.site_documents import FolderDocuments
from beamkeeper.clock import zone
from beamkeeper.domain.census import CensusEntry
from beamkeeper.domain.chart import Chart, ChartDocument
from beamkeeper.domain.patient import Patient
from beamkeeper.errors import KeyUnavailable, ObjectUnreadable
from beamkeeper.protect.dossier import DossierSource, Picture, PictureKind, Provenance
from beamkeeper.vault import StoredDocument

ZONE = zone("Europe/Brussels")
AT = datetime(2026, 11, 3, 23, 30, tzinfo=UTC)


def stored(document_id: str, title: str, *, media_type: str = "image/jpeg", **more: object) -> StoredDocument:
    stated = {
        "sha256": document_id.encode().hex().ljust(64, "0")[:64],
        "size_bytes": 100,
        "parcel": "",
        "member": f"documents/{title}.jpg",
        "first_seen_on": date(2026, 11, 1),
        "last_seen_on": date(2026, 11, 5),
    }
    return StoredDocument(document_id=document_id, title=title, media_type=media_type, **(stated | more))  # type: ignore[arg-type]


def photos(*documents: StoredDocument, charts: tuple[Chart, ...] = ()) -> tuple[KeptPhoto, ...]:
    return kept_photos(documents, charts, PhotoWords(), ZONE)


def drawn(photo: KeptPhoto) -> Picture:
    return Picture(
        kind=PictureKind.PHOTO, title=photo.title, caption=photo.dated, svg=b"", alternative="", width_mm=1,
        height_mm=1,
    )  # fmt: skip


def shown(*kept: KeptPhoto, draw: object = drawn) -> DossierSource:
    plain = DossierSource(
        site_name="A site",
        zone=ZONE,
        entry=CensusEntry(patient=Patient(patient_id="7", name="A"), claims=()),
        position=None,
        plans=(),
        records=(),
        readiness=(),
        provenance=Provenance(),
        as_of=AT,
    )
    return with_photos(plain, kept, draw)  # type: ignore[arg-type]


def test_a_picture_is_a_photo_when_its_kind_its_title_or_its_place_says_so() -> None:
    chart = Chart(
        source="aria",
        documents=(ChartDocument(document_id="7", title="scan", path="x.jpg", kind="Patient photo"),),
    )
    found = photos(
        stored("aria/7", "scan"),
        stored("aria/8", "Foto patiënt"),
        stored("found on portraits/0012345.jpg", "document"),
        stored("aria/9", "Consent, scanned"),
        stored("aria/10", "photo of the letter", media_type="application/pdf"),
        stored("aria/11", "photo", superseded=True),
        stored("aria/12", "photo", present=False),
        charts=(chart,),
    )

    assert {one.document.document_id.partition("/")[2] for one in found} == {"7", "8", "0012345.jpg"}
    assert not any(one.is_setup for one in found)


def test_a_photo_bears_the_day_the_ois_says_on_the_clocks_of_the_site_else_since_when_it_is_kept() -> None:
    named = ChartDocument(document_id="7", title="photo", path="x.jpg", created_at=AT)
    told, found = photos(
        stored("aria/7#2", "photo"),
        stored("found on x/photo.jpg", "photo"),
        charts=(Chart(source="aria", documents=(named,)),),
    )

    assert (told.dated, found.dated) == ("2026-11-04", "kept since 2026-11-01")


def test_the_newest_photo_is_shown_and_that_there_are_more_is_said() -> None:
    older, newer = (stored(f"aria/{n}", f"photo {n}", first_seen_on=date(2026, 11, n)) for n in (1, 2))
    made = shown(*photos(older, newer))

    assert made.photo is not None
    assert made.photo.title == "photo 2"
    assert made.picture_notes == ("2 photos of the patient are kept; the newest is shown.",)
    (told,) = shown(
        *photos(older, stored("aria/3", "photo 3", first_seen_on=date(2026, 11, 1)))
    ).picture_notes
    assert told.endswith("which of them is the newest is not known.")


def test_photos_of_the_setup_never_stand_for_who_it_is() -> None:
    made = shown(*photos(stored("aria/1", "setup photo"), stored("aria/2", "Opstelfoto isoc")))

    assert made.photo is None
    assert len(made.setup_photos) == 2
    assert made.picture_notes == ()


def test_a_photo_that_cannot_be_shown_is_named_and_the_others_are_shown() -> None:
    def draw(photo: KeptPhoto) -> Picture:
        if photo.title == "setup photo 1":
            raise ObjectUnreadable("The photo is no JPEG or PNG that can be read.")
        if photo.title == "photo":
            raise KeyUnavailable("This collector only encrypts.")
        return drawn(photo)

    huge = stored("aria/4", "photo of the setup", size_bytes=1 << 30)
    kept = photos(*(stored(f"aria/{n}", f"setup photo {n}") for n in (1, 2)), stored("aria/3", "photo"), huge)
    made = shown(*kept, draw=draw)

    assert made.photo is None
    assert [one.title for one in made.setup_photos] == ["setup photo 2"]
    assert len(made.picture_notes) == 3


def test_a_site_says_by_which_words_it_knows_photos() -> None:
    section = FolderDocuments(kind="folder", name="x", path="/x", photos=("lichtbild",), setup_photos=())  # type: ignore[arg-type]

    assert words_of([section]) == PhotoWords(photo=("lichtbild",), setup=())
    assert words_of([]) == PhotoWords()
