"""What the night says of documents, and the rule that stops it for theirs."""

from __future__ import annotations

from datetime import date

from beamkeeper.app.jobs import document_changes
from beamkeeper.app.jobs.document_notes import FoundDocument, PatientDocuments
from beamkeeper.app.jobs.judging import documents_alarm, night_alarm
from beamkeeper.app.jobs.looked import Looked, PatientFacts, with_documents
from beamkeeper.domain.census import CensusEntry
from beamkeeper.domain.change import Grade, ObjectComparison
from beamkeeper.domain.night import PatientNight
from beamkeeper.domain.patient import Patient
from beamkeeper.ledger import DocumentRow
from beamkeeper.protect.documents import TextDifference
from beamkeeper.vault import StoredDocument

NIGHT = date(2026, 3, 2)


def found(number: int, *, title: str = "Letter", damaged: bool = False) -> FoundDocument:
    return FoundDocument(
        document_id=f"ois/{number}",
        title=title,
        kind="letter",
        media_type="text/plain",
        sha256="a" * 64,
        size_bytes=9,
        place="share/a",
        stamp="1",
        is_read=True,
        is_damaged=damaged,
    )


def row(number: int) -> DocumentRow:
    stored = StoredDocument(
        document_id=f"ois/{number}",
        title="Letter",
        media_type="application/pdf",
        sha256="b" * 64,
        size_bytes=12_000,
        parcel="p",
        member="documents/a",
        first_seen_on=NIGHT,
        last_seen_on=NIGHT,
    )
    return DocumentRow(stored=stored)


def looked(documents: PatientDocuments) -> Looked:
    patient = Patient(patient_id="1", name="A")
    night = PatientNight(pseudonym="p", patient_id="1", patient_name="A", identical_count=400)
    facts = PatientFacts(pseudonym="p", entry=CensusEntry(patient=patient, claims=()))
    return with_documents(Looked(night=night, facts=facts), documents)


def alarm(*comparisons: ObjectComparison, here: tuple[FoundDocument, ...] = ()) -> str:
    return documents_alarm([looked(PatientDocuments(found=here, comparisons=comparisons))])


def changed(number: int, *, expected: str = "") -> ObjectComparison:
    return document_changes.changed(found(number), [(None, None, "Other bytes.")], expected=expected)


def test_documents_that_all_turn_to_noise_stop_the_night() -> None:
    bad = tuple(found(number, damaged=True) for number in range(30))
    said = alarm(*(document_changes.damaged(row(0), item) for item in bad), here=bad)

    assert said == "30 of 30 documents cannot be read in one night."


def test_documents_that_all_go_or_change_at_once_stop_the_night() -> None:
    here = tuple(found(number) for number in range(100))
    gone = [document_changes.gone(row(number)) for number in range(30)]

    assert "30 of 130 documents are gone" in alarm(*gone, here=here)
    assert "30 of 100 documents changed without announcement" in alarm(*map(changed, range(30)), here=here)


def test_revisions_that_the_ois_tells_of_new_ones_and_a_silent_share_stop_nothing() -> None:
    here = tuple(found(number) for number in range(100))
    revised = [changed(number, expected="revised") for number in range(90)]

    assert alarm(*revised, here=here) == ""
    assert alarm(*map(document_changes.new, here), here=here) == ""
    assert alarm() == ""


def test_documents_do_not_thin_the_rule_for_objects() -> None:
    many = [looked(PatientDocuments(comparisons=tuple(map(changed, range(300)))))]

    assert night_alarm(many) == ""


def test_a_change_says_what_is_different_or_why_that_is_not_known() -> None:
    text = TextDifference(pairs=(("a", "b"), ("c", None), (None, "d")), more_count=3, line_counts=(9, 9))
    said = [line for _, _, line in document_changes.differences(text, 1_000, 2_000)]

    assert said == ["“a” → “b”", "no longer there: “c”", "new: “d”", "3 more lines differ."]
    for other, words in (
        (None, "Other bytes: 1,000 → 2,000 bytes."),
        (TextDifference(not_read="a password locks it"), "not shown: a password locks it."),
        (TextDifference(), "no text to compare"),
        (TextDifference(line_counts=(4, 4)), "The same text"),
    ):
        ((_, _, line),) = document_changes.differences(other, 1_000, 2_000)
        assert words in line


def test_what_patients_are_set_up_by_is_clinical_whoever_announced_it() -> None:
    item = found(1, title="SETUP instructions")

    assert document_changes.is_set_up_by(item, ["setup"])
    assert not document_changes.is_set_up_by(found(1), ["setup", ""])
    clinical = document_changes.as_clinical(changed(1, expected="revised"))
    assert (clinical.grade, clinical.needs_eyes) == (Grade.CLINICAL, True)
