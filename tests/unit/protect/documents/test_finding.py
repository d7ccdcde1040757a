"""Finding files by the Patient ID in their names: everything of the patient, nothing of anybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.protect.documents import Finder, pattern_problem
from beamkeeper.wire.share.folder_files import FolderFiles
from beamkeeper.wire.shared_files import Named

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from beamkeeper.wire.shared_files import Segments

FILES = (
    "12/plan.pdf",
    "12/old/note.txt",
    "123/plan.pdf",
    "12_consent.pdf",
    "12_Consent.PDF",
    "123_consent.pdf",
    "12_3_letter.pdf",
    "12.txt",
    "scans/2026/12_a.tif",
    "scans/2025/12_b.tif",
    "scans/2025/deeper/12_c.tif",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def found(root: Path, *patterns: str, who: str = "12", others: tuple[str, ...] = (), count_max: int = 99):
    finder = Finder("share", FolderFiles(root), patterns, count_max=count_max)
    return sorted("/".join(one.places[0].segments) for one in finder.find(who, others))


def test_a_folder_named_by_the_patient_id_gives_what_is_in_it(root: Path) -> None:
    assert found(root, "{patient_id}/*") == ["12/plan.pdf"]
    assert found(root, "{patient_id}/**") == ["12/old/note.txt", "12/plan.pdf"]
    assert found(root, "{patient_id}/**", who="77") == []


def test_names_that_begin_with_the_patient_id_are_found_in_any_case_and_folder(root: Path) -> None:
    assert found(root, "{patient_id}_*.pdf") == ["12_3_letter.pdf", "12_Consent.PDF", "12_consent.pdf"]
    assert found(root, "{patient_id}.???") == ["12.txt"]
    assert found(root, "scans/*/{patient_id}_*") == ["scans/2025/12_b.tif", "scans/2026/12_a.tif"]


def test_a_file_with_a_longer_patient_id_of_the_list_is_that_patients(root: Path) -> None:
    own = found(root, "{patient_id}_*.pdf", others=("12", "12_3", "123"))

    assert own == ["12_Consent.PDF", "12_consent.pdf"]
    assert found(root, "{patient_id}_*.pdf", who="12_3", others=("12",)) == ["12_3_letter.pdf"]


def test_a_title_says_what_is_left_of_the_name(root: Path) -> None:
    finder = Finder("share", FolderFiles(root), ["{patient_id}_*.pdf", "{patient_id}.txt"], count_max=9)

    assert {one.title for one in finder.find("12", ())} == {
        "consent.pdf",
        "Consent.PDF",
        "3_letter.pdf",
        "txt",
    }


@pytest.mark.parametrize("who", ["..", "", "*", "1/2", "a\x00", "nul", "?2"])
def test_a_patient_id_that_is_no_files_name_finds_nothing(root: Path, who: str) -> None:
    assert found(root, "{patient_id}/**", "{patient_id}_*", who=who) == []


def test_no_more_is_looked_for_than_the_limit(root: Path) -> None:
    assert len(found(root, "{patient_id}_*.pdf", count_max=1)) == 2


@pytest.mark.parametrize(
    "pattern",
    [
        "*.pdf",
        "{patient_id}*",
        "*{patient_id}.pdf",
        "P{patient_id}.pdf",
        "{patient_id}0.pdf",
        "{patient_id}?.pdf",
        "{patient_id}{patient_id}x",
        "../{patient_id}",
        "/{patient_id}",
        "{patient_id}/../x",
        "a\\{patient_id}",
        "**/{patient_id}.pdf",
        "{patient_id}/",
        "{patient_id}/nul",
    ],
)
def test_a_pattern_that_could_find_somebody_elses_files_is_refused(pattern: str) -> None:
    assert pattern_problem(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "{patient_id}/**",
        "{patient_id}_*.pdf",
        "*_{patient_id}.pdf",
        "a b/{patient_id}-?.tif",
        "*/{patient_id}",
    ],
)
def test_a_pattern_with_the_patient_id_between_separators_is_sound(pattern: str) -> None:
    assert pattern_problem(pattern) == ""


class Listed:
    """A share of one folder that counts how often it is listed."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self.asked = 0

    def names(self, _: Segments) -> Iterator[Named]:
        self.asked += 1
        return iter([Named(name=name, is_folder=False) for name in self._names])


def test_a_folder_that_all_share_is_listed_once_a_night() -> None:
    share = Listed(["1_a.pdf", "2_a.pdf"])
    finder = Finder("share", share, ["{patient_id}_*.pdf"], count_max=9)

    assert [len(finder.find(who, ("1", "2", "3"))) for who in ("1", "2", "3")] == [1, 1, 0]
    assert share.asked == 1


IDS = st.text("0123456789AB", min_size=1, max_size=4)


@given(IDS, st.lists(IDS, max_size=6), st.sampled_from("_- ."))
def test_no_file_is_ever_given_to_two_patients(who: str, others: list[str], sign: str) -> None:
    everybody = [who, *others]
    share = Listed([f"{one}{sign}x.pdf" for one in everybody])
    finder = Finder("share", share, [f"{{patient_id}}{sign}*.pdf"], count_max=99)
    owners: dict[str, set[str]] = {}
    for one in everybody:
        for item in finder.find(one, everybody):
            owners.setdefault(item.document_id, set()).add(one.casefold())

    assert all(len(found) == 1 for found in owners.values())
