"""The first page answers a stranger; every rendering says the same; no value is ever markup."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from dossier_facts import (
    AS_OF,
    BOOST,
    BRUSSELS,
    MINE,
    bare,
    beam,
    hostile_texts,
    named,
    noted,
    plan,
    record,
    source,
)

from beamkeeper.domain.beam_words import gantry, mlc
from beamkeeper.domain.counting import course_position
from beamkeeper.domain.patient import shown_name
from beamkeeper.domain.plan import ApprovalStatus
from beamkeeper.domain.position import Conflict, ConflictKind
from beamkeeper.domain.readiness import Readiness
from beamkeeper.domain.words import COLUMNS, columns_of, line
from beamkeeper.protect.dossier import (
    DossierSource,
    KeptDocument,
    Picture,
    PictureKind,
    Provenance,
    make_dossier,
    render_html,
    render_pdf,
    render_text,
)
from beamkeeper.wire.paper.glyphs import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from beamkeeper.domain.record import TreatmentRecord
    from beamkeeper.protect.dossier import Dossier


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def html_of(dossier: Dossier) -> _Words:
    words = _Words()
    words.feed(render_html(dossier))
    return words


FIRST_PAGE = (
    "Vandenbroucke-Lefèvre, Marie-Thérèse",
    "0012345",
    "1958-04-30 (68 years)",
    "female",
    "French",
    "Night of 2026-11-10; An Maes and Bert Claes confirmed that copy.",
    "Pacemaker: cardiologist informed",
    "Latex allergy",
    "Complete fraction 10 of 15 first",
    "9 of 15 fractions complete, 1 partial",
    "in fraction 10 beam 2 had 60.7",
    "curative",
    "of 40.05 Gy",
    "numbers have a decimal point",
    "LINAC 3",
    "25.70 Gy",
    "Fri 2026-11-06 08:17, 4 days before",
    "Ask first: the sources disagree about this patient",
    "Ask dr. H. Dubois +32 3 555 01 01 or dr. J. Peeters",
    "no number of the department is known here",
    "C50.4 breast, left (diagnosis); Borst L, PTV breast (prescription)",
    "ask physicist and cardiologist before the beam",
    "session of Mon 2026-11-09 03:00 on LINAC 3 (partial), without a record",
    "the day of this paper",
    "Every file needed to treat is in this copy",
    "Not begun: fraction 1 of 5",
    "NOT enough to treat: 1 thing to clear first",
    "No dose refers to the plan.",
    "+32 470 12 34 56",
    "Anaïs Lefèvre",
    "+32 3 555 01 01",
    "Mon 2026-11-09 03:00 Treatment",
    "Tue 2026-11-10 08:00 Treatment",
    "category 1, chemoradiation",
    "aria: birth date 1958-04-30, dicom: 1958-04-03",
    "a physicist or physician decides",
    "page 1 of 3",
)


def test_the_first_page_answers_whoever_knows_nothing(read_back: Callable[..., str]) -> None:
    text = " ".join(read_back(render_pdf(make_dossier(source())), last=1).split())

    assert [said for said in FIRST_PAGE if said not in text] == []


SECOND_PAGE = (
    "15 × 2.67 Gy = 40.05 Gy",
    "PTV: 40.05 Gy",
    "Heart: at most 25.00 Gy",
    "Dubois, Hélène",
    "HFS",
    "breast board BB-12",
    "longitudinal -140.6 mm",
    "BREAST",
    "Left arm cannot be raised above 120°; extra pillow.",
    "181.0 → 179.0 CW",
    "179.0 → 181.0 CC",
    "6 MV FFF",
    "242.78 MU",
    "X -47.7 / 39.8",
    "wedge W30",
    "bolus 5 mm",
    "Varian Medical",
    "60 pairs: 10 × 10, 40 ×",
)


def test_the_second_page_says_how_to_set_up_and_what_a_partner_needs(
    read_back: Callable[..., str],
) -> None:
    text = " ".join(read_back(render_pdf(make_dossier(source())), first=2, last=2).split())

    assert [said for said in SECOND_PAGE if said not in text] == []


def test_every_page_bears_name_number_time_and_its_place(read_back: Callable[..., str]) -> None:
    pages = read_back(render_pdf(make_dossier(source()))).split("\f")[:-1]

    assert len(pages) == 3
    for number, page in enumerate(pages, start=1):
        for said in ("Vandenbroucke-Lefèvre, Marie-Thérèse", "0012345", "2026-11-10 03:00 CET"):
            assert said in page
        assert f"page {number} of 3" in page


def test_text_and_page_say_what_the_pdf_says() -> None:
    dossier = make_dossier(source())
    text = " ".join(render_text(dossier).split())
    page = " ".join(" ".join(html_of(dossier).said).split())

    for said in (*FIRST_PAGE[:-1], *SECOND_PAGE[:-1]):
        assert said in text or said.split()[0] in text, said
        assert said in page, said


def test_the_same_facts_give_the_same_bytes() -> None:
    one, other = make_dossier(source()), make_dossier(source())

    assert render_pdf(one) == render_pdf(other)
    assert render_html(one) == render_html(other)
    assert render_text(one) == render_text(other)


def test_the_pdf_ends_with_a_line_so_that_no_archive_takes_its_last_byte_for_padding() -> None:
    assert render_pdf(make_dossier(source())).endswith(b"%%EOF\n")


def test_the_pdf_says_that_it_is_made_for_the_archive() -> None:
    pdf = render_pdf(make_dossier(source()))

    assert b"<pdfaid:part>2</pdfaid:part>" in pdf
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in pdf
    assert pdf.startswith(b"%PDF-1.7")


def test_a_plan_that_must_be_completed_comes_before_all_others() -> None:
    made = source()
    turned = replace(made, plans=made.plans[::-1])

    assert [standing.plan for standing in make_dossier(turned).standings] == ["BorstL VMAT", "BorstL boost"]


def test_what_records_name_and_nobody_kept_is_shown_too() -> None:
    made = source()
    dossier = make_dossier(replace(made, plans=made.plans[1:]))

    assert dossier.standings[-1].next_words == "A person has to say: the plan is not here"
    assert dossier.standings[-1].given == "9 of 15 fractions complete, 1 partial"


def test_a_plan_for_measuring_is_never_what_comes_next() -> None:
    measured = plan("1.2.9", "QA", plan_intent="MACHINE_QA")
    made = source()
    last = make_dossier(replace(made, plans=(measured, *made.plans))).standings[-1]

    assert (last.plan, last.next_words) == ("QA", "Not for treating a patient: machine qa")


@pytest.mark.parametrize(
    ("provenance", "said", "confirmed"),
    [
        (Provenance(), "Made from a folder of files.", False),
        (Provenance(night=date(2026, 11, 9)), "Nobody has confirmed it.", False),
        (Provenance(night=date(2026, 11, 9), confirmed_by=("An",)), "An confirmed that copy.", True),
        (Provenance(remark="The night before was disputed."), "The night before was disputed.", False),
    ],
)
def test_it_says_which_night_it_is_of_and_who_vouches(
    provenance: Provenance, said: str, confirmed: bool
) -> None:
    dossier = make_dossier(source(provenance=provenance))

    assert said in dossier.made_of
    assert dossier.is_confirmed is confirmed


def test_a_gap_that_lies_in_the_future_is_a_matter_of_clocks() -> None:
    made = source(as_of=AS_OF - timedelta(days=6))

    assert dict(make_dossier(made).standings[0].facts)["Last treated"].endswith(
        "2 days AFTER this paper: look at the clocks"
    )


def test_nothing_known_still_gives_a_paper_that_says_so(read_back: Callable[..., str]) -> None:
    text = read_back(render_pdf(make_dossier(bare())))

    for said in ("(no name)", "ID 7", "nothing says what to treat", "No source gives a telephone number"):
        assert said in text


def test_dates_of_1900_and_an_end_before_the_start_are_shown_as_they_are(
    read_back: Callable[..., str],
) -> None:
    def dated(number: int, at: datetime | None) -> TreatmentRecord:
        made = record(number)
        given = tuple(replace(delivery, started_at=None) for delivery in made.deliveries)
        return replace(made, treated_at=at, deliveries=given)

    old, young = datetime(1900, 1, 1, 12, tzinfo=UTC), datetime(2099, 12, 31, 12, tzinfo=UTC)
    records = (dated(1, old), dated(2, young), dated(3, None))
    position = course_position([plan()], records, patient_id="0012345")
    text = read_back(render_pdf(make_dossier(source(records=records, position=position, plans=(plan(),)))))

    assert "1900-01-01" in text
    assert "2099-12-28" in text
    assert "weeks" in text


def hostile() -> list[object]:
    return [pytest.param(text, id=f"{n}") for n, text in enumerate(hostile_texts())]


@pytest.mark.parametrize("text", hostile())
def test_no_name_keeps_a_paper_from_being_made(text: str, read_back: Callable[..., str]) -> None:
    dossier = make_dossier(named(text, patient_id=text.strip() or "7"))
    pdf = render_pdf(dossier)
    shown = printable(line(shown_name(text)))[:20].split()

    assert b"<pdfaid:part>2</pdfaid:part>" in pdf
    assert read_back(pdf, last=1).strip()
    assert html_of(dossier).tags.isdisjoint({"script", "img", "iframe"})
    assert all(columns_of(one) <= COLUMNS for one in render_text(dossier).splitlines())
    if text.isascii() and shown:
        assert shown[0] in read_back(pdf, last=1)


def test_hostile_notes_are_text_everywhere(read_back: Callable[..., str]) -> None:
    dossier = make_dossier(noted(*hostile_texts()))
    text = read_back(render_pdf(dossier))

    assert "#panic()" in text
    assert "alert(1)" in text
    assert html_of(dossier).tags.isdisjoint({"script", "img", "iframe"})
    assert all(columns_of(one) <= COLUMNS for one in render_text(dossier).splitlines())


def test_ten_megabytes_of_note_are_cut_and_said_to_be() -> None:
    dossier = make_dossier(noted("long " * 2_000_000))
    pdf = render_pdf(dossier)

    assert len(pdf) < 200_000
    assert "cut: 10,000,000 characters in all" in render_text(dossier).replace("\n", " ")


def test_a_document_that_the_share_lost_stays_on_the_dossier_with_a_word() -> None:
    lost = KeptDocument(
        title="Setup sheet", media_type="text/plain", sha256="ab" * 32, state="on the share no longer since x"
    )
    text = " ".join(render_text(make_dossier(source(documents=(lost,)))).split())

    assert "Setup sheet" in text
    assert "on the share no longer since x" in text


def test_a_beam_without_stated_direction_asks_which_way() -> None:
    turned = beam(1, "CW", start=181.0, stop=179.0)

    assert gantry(turned) == "181.0 → 179.0 CW"
    assert gantry(replace(turned, setup=replace(turned.setup, gantry_rotation=""))).endswith("(which way?)")
    assert gantry(replace(turned, control_points=turned.control_points[:1])) == "181.0"


def test_a_plan_that_is_not_approved_says_so_where_it_says_what_is_next() -> None:
    refused = plan(approval_status=ApprovalStatus.UNAPPROVED)
    made = make_dossier(source(plans=(refused,)))

    assert made.standings[0].next_words == "Complete fraction 10 of 15 first"
    assert dict(made.standings[0].facts)["Approved"] == "NO"
    fresh = course_position([refused], (), patient_id="0012345")
    assert make_dossier(source(plans=(refused,), position=fresh)).standings[0].next_words == (
        "Not approved: fraction 1 of 15"
    )


def test_a_count_in_doubt_is_no_number_to_treat_by() -> None:
    made = source()
    assert made.position is not None
    conflict = Conflict(kind=ConflictKind.COUNT_DIFFERS, text="aria counts 12 fractions, the records 9.")
    begun, boost = made.position.plans
    position = replace(made.position, plans=(replace(begun, conflicts=(conflict,)), boost))
    blocked = Readiness(plan_uid=MINE, rt_plan_label="BorstL VMAT", blocking=(conflict.text,))
    first = make_dossier(replace(made, position=position, readiness=(blocked,))).standings[0]

    assert first.next_words == "Ask first: complete fraction 10? of 15"
    assert conflict.text in first.warnings


def test_a_name_stands_in_letters_that_can_be_read_and_its_other_writing_beside_it() -> None:
    who = make_dossier(named("Wang^XiaoDong=王^小東")).identity

    assert who.name == "Wang, XiaoDong"
    assert dict(who.others)["Also written"] == "王, 小東"
    assert make_dossier(named("=")).identity.name == "(no name)"


def test_leaves_are_told_by_their_widths() -> None:
    assert mlc(beam(1, "CW", start=181.0, stop=179.0)) == "60 pairs: 10 × 10, 40 × 5, 10 × 10 mm"


def drawn() -> Picture:
    size = b'width="60mm" height="40mm"'
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" ' + size + b'><rect width="9" height="9"/></svg>'
    return Picture(
        kind=PictureKind.AXIAL,
        title="Axial at the isocentre",
        caption="z = 133.3 mm; isodoses 95 %, 50 %",
        svg=svg,
        alternative="A slice through the isocentre.",
        width_mm=60,
        height_mm=40,
    )


def test_a_picture_stands_in_each_rendering(read_back: Callable[..., str]) -> None:
    dossier = make_dossier(source(pictures=(drawn(),)))

    assert "z = 133.3 mm" in read_back(render_pdf(dossier))
    assert "A slice through the isocentre." in render_text(dossier)
    assert 'src="data:image/svg+xml;base64,' in render_html(dossier)


def test_the_words_of_a_picture_hide_nothing_and_keep_to_the_columns() -> None:
    name = "VMAT\u202eTAMV\u200b " + "x" * 200
    picture = replace(drawn(), title=name, caption=name, alternative=name)
    dossier = make_dossier(source(pictures=(picture,)))

    for text in (render_text(dossier), render_html(dossier)):
        assert not {"\u202e", "\u200b"} & set(text)
    assert render_text(dossier).count("‹U+202E›") == 3
    assert max(map(len, render_text(dossier).splitlines())) <= COLUMNS


def test_a_picture_that_cannot_be_set_is_said_in_words(read_back: Callable[..., str]) -> None:
    dossier = make_dossier(source(pictures=(replace(drawn(), svg=b"<svg"),)))
    text = read_back(render_pdf(dossier))

    assert "This picture could not be set" in text
    assert "A slice through the isocentre." in text


def test_the_page_allows_its_own_style_and_nothing_else() -> None:
    page = render_html(make_dossier(source()))
    style = re.search(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert style is not None
    assert policy is not None

    digest = hashlib.sha256(style[1].encode()).digest()
    assert f"sha256-{base64.b64encode(digest).decode()}" in policy[1].replace("&#39;", "'")
    assert "default-src" in policy[1]
    assert "unsafe" not in policy[1]


def many() -> DossierSource:
    """Twelve plans of twelve beams, half of them finished."""
    plans = tuple(
        plan(
            f"1.2.{n}",
            f"Plan with a very long label number {n}",
            5,
            beams=tuple(beam(number, f"Field {number}", start=181, stop=179) for number in range(1, 13)),
        )
        for n in range(12)
    )
    return source(plans=plans, position=course_position(plans, (), patient_id="0012345"), records=())


def test_many_plans_and_beams_are_all_there(read_back: Callable[..., str]) -> None:
    text = read_back(render_pdf(make_dossier(many())))

    for number in range(12):
        assert f"number {number}" in text
    assert text.count("Field 12") == 24


def test_the_facts_of_the_example_are_what_the_tests_think() -> None:
    made = source()

    assert made.position is not None
    assert [at.plan_uid for at in made.position.plans] == [MINE, BOOST]
    assert made.zone is BRUSSELS
