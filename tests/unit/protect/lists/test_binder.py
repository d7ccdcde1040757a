"""The chart sheet has every fraction and beam to tick; the binder has everybody, on the pages it says."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pypdf
import pytest
from people_on_lists import HEAD, NOW, person, place, plan
from reading_pdf import pdf_pages, pdf_text, squeezed

from beamkeeper.domain.plan import ControlPoint, FractionGroup
from beamkeeper.domain.position import FractionState
from beamkeeper.errors import ObjectUnreadable
from beamkeeper.protect.lists import Person, list_rows
from beamkeeper.protect.lists.binder import Binder, Entry, Part, bind, is_pdf
from beamkeeper.protect.lists.chart_sheet import EMPTY_ROWS, chart_facts, chart_pdf
from beamkeeper.protect.lists.pdf import page_pdf
from beamkeeper.protect.lists.triage import triage_page

if TYPE_CHECKING:
    from pathlib import Path


def sheets(given: Person) -> list[dict]:
    row = list_rows([given], HEAD)[0]
    return [json.loads(text) for text in chart_facts(given, row, HEAD.zone)]


def test_each_fraction_to_come_has_a_row_with_its_beams_and_there_are_empty_rows() -> None:
    (sheet,) = sheets(person(1, given=12))

    assert [row["number"] for row in sheet["rows"]] == [*map(str, range(13, 26)), *[""] * EMPTY_ROWS]
    assert sheet["rows"][0]["ticks"] == [{"beam": "1", "meterset": "350.00 MU", "open": "yes"}]
    assert sheet["rows"][-1]["ticks"] == []


def test_of_a_fraction_begun_what_is_left_is_to_be_given_first() -> None:
    (sheet,) = sheets(person(1, given=12, partial=True))

    assert sheet["rows"][0] == {
        "number": "finish 13",
        "ticks": [{"beam": "1", "meterset": "230.00 MU left", "open": "yes"}],
    }
    assert sheet["rows"][1]["number"] == "14"


def test_a_beam_that_was_given_is_not_given_again_when_a_fraction_is_finished() -> None:
    made = plan("1.2.1")
    second = replace(made.beams[0], beam_number=2, beam_meterset=100.0)
    group = FractionGroup(fraction_group_number=1, number_of_fractions_planned=25, beam_numbers=(1, 2))
    made = replace(made, beams=(*made.beams, second), fraction_groups=(group,))
    begun = FractionState(fraction_number=13, complete=False, missing_beam_numbers=(2,))
    at = replace(place(made, 12, partial=True), fractions=(begun,))
    one = person(1, partial=True)
    assert one.position is not None
    (sheet,) = sheets(replace(one, plans=(made,), position=replace(one.position, plans=(at,))))

    assert sheet["rows"][0]["ticks"] == [
        {"beam": "1", "meterset": "given", "open": ""},
        {"beam": "2", "meterset": "100.00 MU", "open": "yes"},
    ]


def test_a_count_in_doubt_leaves_every_fraction_number_to_a_person() -> None:
    said = "The OIS counts 13 fractions, the records 12."
    (sheet,) = sheets(person(1, conflict=said, missing=(said,)))

    assert sheet["next"] == "13?"
    assert {row["number"] for row in sheet["rows"]} == {""}
    assert said in sheet["marks"]
    assert len([row for row in sheet["rows"] if row["ticks"]]) == 13


def test_who_is_finished_or_cannot_start_has_no_chart_sheet() -> None:
    assert sheets(person(1, given=25)) == []
    assert sheets(person(1, given=None)) == []
    assert sheets(person(1, given=0, missing=("No dose.",))) == []


def test_a_plan_of_several_fraction_groups_says_which_one_the_sheet_is_for() -> None:
    one = person(1)
    second = FractionGroup(fraction_group_number=2, number_of_fractions_planned=5, beam_numbers=(1,))
    made = replace(one.plans[0], fraction_groups=(*one.plans[0].fraction_groups, second))
    (sheet,) = sheets(replace(one, plans=(made,)))

    assert "The plan has 2 fraction groups; this sheet is for group 1." in sheet["marks"]


def test_the_chart_sheet_has_the_angles_of_the_plan_and_says_whose_number_it_is() -> None:
    one = person(1, phone="")
    turned = [ControlPoint(control_point_index=n, cumulative_meterset_weight=n, gantry_angle_deg=angle,
                           collimator_angle_deg=10.0, couch_angle_deg=350.0, nominal_beam_energy=6.0)
              for n, angle in enumerate((181.0, 179.0))]  # fmt: skip
    beam = replace(one.plans[0].beams[0], control_points=tuple(turned))
    (sheet,) = sheets(replace(one, plans=(replace(one.plans[0], beams=(beam,)),)))

    angles = "gantry 181.0 → 179.0 (which way?), collimator 10.0, couch 350.0"
    assert (sheet["beams"][0]["angles"], sheet["beams"][0]["kind"]) == (angles, "photon 6 MV VMAT")
    assert sheet["phone"] == "+32 2 555 02 00 Els Jansen (daughter)"


def test_a_chart_sheet_does_not_change_by_the_mere_passing_of_a_night() -> None:
    one = person(1)
    later = replace(HEAD, made_at=NOW.replace(day=4), night=NOW.replace(day=4).date())

    rows = [list_rows([one], head)[0] for head in (HEAD, later)]
    assert chart_facts(one, rows[0], HEAD.zone) == chart_facts(one, rows[1], HEAD.zone)


def test_the_chart_sheet_as_pdf_says_who_what_and_that_two_sign(tmp_path: Path) -> None:
    one = person(1, "#strong[x]&<b>^Zoë", given=20)
    (facts,) = chart_facts(one, list_rows([one], HEAD)[0], HEAD.zone)
    text = squeezed(pdf_text(chart_pdf(facts), tmp_path))

    for said in ("#strong[x]&<b>, Zoë", "ID 0000001 · born 1950-01-02", "20 of 25 given", "350.00 MU"):
        assert squeezed(said) in text
    assert "Signed1Signed2" in text
    assert "Aphysicistdecideswhichfractionisnext" in text
    assert chart_pdf(facts) == chart_pdf(facts)


@pytest.fixture(scope="module")
def binder() -> Binder:
    persons = [person(number, given=22) for number in range(1, 4)]
    rows = list_rows(persons, HEAD)
    by_name = {one.pseudonym: one for one in persons}
    parts = [Part(title="Triage list", pdf=page_pdf(triage_page(HEAD, rows), made_at=0, numbered=False))]
    for index, row in enumerate(rows):
        (facts,) = chart_facts(by_name[row.pseudonym], row, HEAD.zone)
        sheet = chart_pdf(facts)
        parts.append(Part(title="Dossier", pdf=sheet, kind="dossier", patient=index))
        parts.append(Part(title="Chart sheet", pdf=sheet, kind="chart", patient=index))
    entries = tuple(
        Entry(rank=row.rank, name=f"Name {row.rank}", identifiers="", next_fraction="23") for row in rows
    )
    return Binder(
        head=HEAD, counts=("3 patients.",), parts=tuple(parts), entries=entries, decides="A person."
    )


def test_pages_are_counted_through_and_the_contents_name_the_right_ones(
    binder: Binder, tmp_path: Path
) -> None:
    pages = pdf_pages(bind(binder), tmp_path)

    assert len(pages) == 2 + 1 + 3 * 2
    for number, page in enumerate(pages, start=1):
        assert f"page{number}of{len(pages)}" in page
    assert "page3" in pages[0]
    assert "Triagelist" in pages[2]
    for rank in (1, 2, 3):
        dossier, chart = 2 + 2 * rank, 3 + 2 * rank
        assert f"Name{rank}23{dossier}{chart}" in pages[1]
        assert f"Patient{rank:03},Anna" in pages[dossier - 1]
        assert f"Patient{rank:03},Anna" in pages[chart - 1]


def test_the_same_binder_is_the_same_file(binder: Binder) -> None:
    assert bind(binder) == bind(binder)


PROMISE = b"<pdfaid:part>2</pdfaid:part>"


def dictionaries(pdf: bytes) -> list[pypdf.generic.DictionaryObject]:
    """Return every dictionary of a file, as a library reads them that did not write it."""
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    objects = (reader.get_object(pypdf.generic.IndirectObject(n, 0, reader)) for n in reader.xref_objStm)
    plain = (reader.get_object(pypdf.generic.IndirectObject(n, 0, reader)) for n in reader.xref[0])
    return [item for item in (*objects, *plain) if isinstance(item, pypdf.generic.DictionaryObject)]


def test_a_binder_of_papers_for_the_archive_is_one_itself(binder: Binder) -> None:
    """ISO 19005-2: fonts embedded (6.2.11.4), an output intent (6.2.3), no script or action (6.5)."""
    bound = bind(binder)
    found = dictionaries(bound)
    used = [item for item in found if item.get("/Type") == "/Font"]
    described = [item for item in found if item.get("/Type") == "/FontDescriptor"]
    (root,) = [item for item in found if item.get("/Type") == "/Catalog"]

    assert bound.startswith(b"%PDF-1.7")
    assert PROMISE in bound
    assert [one.get_object()["/S"] for one in root["/OutputIntents"].get_object()] == ["/GTS_PDFA1"]
    assert used
    assert all(item.get("/Subtype") in {"/Type0", "/CIDFontType0", "/CIDFontType2"} for item in used)
    assert all({"/FontFile2", "/FontFile3"} & item.keys() for item in described)
    keys = {key for item in found for key in item}
    assert not keys & {"/JavaScript", "/JS", "/AA", "/OpenAction", "/Launch", "/EmbeddedFiles", "/URI"}


def test_a_part_that_promises_nothing_takes_the_promise_from_the_binder(binder: Binder) -> None:
    elsewhere = io.BytesIO()
    writer = pypdf.PdfWriter()
    writer.add_blank_page(300, 400)
    writer.write(elsewhere)
    foreign = Part(title="Dossier", pdf=elsewhere.getvalue(), kind="dossier", patient=0)
    bound = bind(replace(binder, parts=(*binder.parts, foreign)))

    assert PROMISE not in bound
    assert len(pypdf.PdfReader(io.BytesIO(bound)).pages) == 2 + 1 + 3 * 2 + 1


def test_an_empty_binder_says_so(binder: Binder, tmp_path: Path) -> None:
    assert "Nobodyisinthisbinder" in pdf_pages(bind(replace(binder, parts=(), entries=())), tmp_path)[1]


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"no pdf at all", b"%PDF-1.7\n" + b"\xff" * 4096])
def test_a_part_that_is_no_pdf_is_named_and_not_bound(binder: Binder, data: bytes) -> None:
    broken = Part(title="Dossier of 1", pdf=data, kind="dossier", patient=0)

    assert not is_pdf(data)
    with pytest.raises(ObjectUnreadable, match="Dossier of 1 is no PDF"):
        bind(replace(binder, parts=(broken,)))
