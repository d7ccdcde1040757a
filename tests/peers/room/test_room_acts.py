"""What is done on the pages: the same lines of the journal as the command line writes, by persons."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest
from tests.room_house.incident import LATER, PASSPHRASE
from tests.room_house.visitor import Visitor

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.triage import order_of
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from tests.room_house.server import Served

    from beamkeeper.domain.audit import AuditRow


@pytest.fixture(scope="module")
def co(served: Served) -> Visitor:
    """The coordinator, at a screen."""
    visitor = Visitor(served)
    visitor.sign_in("co")
    return visitor


def last(served: Served) -> AuditRow:
    return served.folder.journal.rows()[-1]


def order(served: Served) -> list[str]:
    _, ranked = order_of(served.folder, served.folder.inventory(), LATER)
    return [one.pseudonym for one in ranked]


def signed(person: str, **more: str) -> dict[str, str]:
    return {"person": person, "passphrase": PASSPHRASE, **more}


def test_the_order_is_that_of_the_command_line_with_a_sentence_for_each(served: Served, co: Visitor) -> None:
    text = co.get("/order/").text
    shown = re.findall(r'<th scope="row"><a href="/patients/([^/]+)/', text)

    assert shown == order(served)
    assert text.count("Before ") >= len(shown) - 1


def test_the_line_is_drawn_for_a_number_of_places_and_what_changes_is_named(
    served: Served, co: Visitor
) -> None:
    _, ranked = order_of(served.folder, served.folder.inventory(), LATER)
    answer = co.get("/order/?places=12&was_places=10")

    assert answer.text.count("✓ place") == 12
    assert "Here the 12 places end" in answer.words
    assert "12 instead of 10 places: + 2 get a place:" in answer.words
    assert all(one.facts.name.split(" (")[0] in answer.words for one in ranked[10:12])


def test_without_a_capacity_no_line_is_drawn_and_nothing_is_asked_for(co: Visitor) -> None:
    words = co.get("/order/").words

    assert "Here the" not in words
    assert "Category 1 without a place" not in words


@pytest.mark.parametrize(
    "asked",
    ["places=-3", "places=many", "places=9999999999999", "percent=20", "places=3&percent=nan", "places=%B2"],
)
def test_a_capacity_that_makes_no_sense_is_refused_in_words_and_the_order_stays(
    served: Served, co: Visitor, asked: str
) -> None:
    answer = co.get(f"/order/?{asked}")

    assert answer.status == 200
    assert "▲" in answer.words
    assert re.findall(r'<th scope="row"><a href="/patients/([^/]+)/', answer.text) == order(served)


def test_a_physician_signs_a_level_with_a_reason_and_the_order_follows(served: Served) -> None:
    visitor = Visitor(served)
    visitor.sign_in("co")
    low = order(served)[-1]
    fields = signed("an", about="level", value="1", reason="weekly cisplatin")
    answer = visitor.post(f"/patients/{low}/say/", fields, page=f"/patients/{low}/")
    line = last(served)

    assert "It stands in the journal, signed" in answer.words
    assert (line.action, line.actor, line.patient_pseudonym) == (
        "priority changed",
        "An Peeters, physician",
        low,
    )
    assert line.details["signed"] == "an"
    assert line.details["said"] == "weekly cisplatin"
    assert order(served)[-1] != low
    assert "The rules say" in answer.words


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (signed("co", about="level", value="1", reason="r"), "signed by a physician"),
        (signed("an", about="level", value="9", reason="kept in the form"), "level is 1 to 5"),
        (signed("an", about="nonsense", value="1", reason="r"), "No fact is called"),
        (signed("an", about="level", value="1", reason="  "), "without a reason"),
        (
            {"person": "an", "passphrase": "not the words", "about": "level", "value": "1", "reason": "r"},
            "not that",
        ),
        ({"about": "level", "value": "1", "reason": "r"}, "not that"),
    ],
)
def test_what_is_not_signed_rightly_changes_nothing_and_says_why(
    served: Served, co: Visitor, fields: dict[str, str], why: str
) -> None:
    before = last(served)
    answer = co.post("/patients/p0005/say/", fields, page="/patients/p0005/")
    served.clock.move_to(served.clock.now() + timedelta(minutes=6))  # wrong passphrases are counted

    assert answer.status == 400
    assert why in answer.words
    assert fields["reason"].strip() in answer.text
    assert last(served) == before
    served.clock.move_to(LATER)


def test_a_tick_bears_the_name_of_whoever_is_at_the_screen_and_is_taken_back(
    served: Served, co: Visitor
) -> None:
    co.post("/todo/tick/", {"item": "h2", "said": "printed twice"}, page="/todo/")
    line = last(served)
    assert (line.action, line.actor, line.details["about"]) == ("step ticked", "Co Dumont, coordinator", "h2")
    assert "Co Dumont, coordinator, Tue 3 Mar, 13:32 printed twice" in co.get("/todo/").words
    co.post("/todo/tick/", {"item": "h2", "undo": "1"}, page="/todo/")

    assert last(served).action == "step unticked"
    assert "The checklist has no" in co.post("/todo/tick/", {"item": "zz"}, page="/todo/").words


def test_a_clock_stops_when_somebody_was_told(served: Served, co: Visitor) -> None:
    co.post("/todo/reported/", {"clock": "nis2-24h", "said": "CCB, ref 7"}, page="/todo/")

    assert last(served).details["about"] == "nis2-24h"
    assert "✓ told by Co Dumont" in co.get("/").words


def test_notes_and_decisions_stand_in_the_journal_as_they_were_typed(served: Served, co: Visitor) -> None:
    said = "Console of TB3: <b>given</b> 08:21, « confirmé »"
    co.post("/journal/write/", {"kind": "note", "text": said, "patient": "p0003"}, page="/journal/")

    assert (last(served).action, last(served).details["said"]) == ("note", said)
    assert last(served).patient_pseudonym == "p0003"
    assert said in co.get("/patients/p0003/").words.replace("< b >", "<b>")
    assert "Nothing was said" in co.post("/journal/write/", {"text": " "}, page="/journal/").words
    long = co.post("/journal/write/", {"text": "a" * 5001, "kind": "decision"}, page="/journal/")
    assert "at most 5000 characters" in long.words


@pytest.mark.parametrize("path", ["/todo/tick/", "/todo/reported/", "/journal/write/"])
def test_a_screen_that_only_reads_is_sent_to_the_door(served: Served, reader: Visitor, path: str) -> None:
    before = last(served)
    answer = reader.post(path, {"item": "h1", "clock": "gdpr-72h", "text": "x"}, page="/door/")

    assert "Sign in to act" in answer.words
    assert last(served) == before


def test_the_order_on_paper_is_the_one_of_the_line(served: Served, co: Visitor) -> None:
    answer = co.post("/order/print/", {"places": "12", "percent": ""}, page="/order/")

    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.text.startswith("%PDF")
    assert "Cut at 12 patients a day" in (served.folder.path / "triage" / "order.txt").read_text()


FACTS = (
    "tumour_site=larynx&fractions=33&dose_gy=2&resume_on=2026-03-09&holidays=&service=&chemotherapy=no&on="
    + "+".join(f"2026-02-{day:02}" for day in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13))
)


def hidden(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    assert found
    return unescape(found[1])


def test_the_options_of_a_gap_are_shown_with_pictures_and_none_is_chosen(co: Visitor) -> None:
    first = co.get("/patients/p0003/gap/")
    answer = co.get(f"/patients/p0003/gap/?{FACTS}")

    assert "Begun and not finished" in first.words
    assert 'value="" selected' not in first.text
    assert "No compensation" in answer.words
    assert "Nothing is chosen" in answer.words
    assert answer.text.count("data:image/svg+xml") == answer.text.count('class="card way"') > 5
    assert "selected" not in answer.text.partition('id="option"')[2].partition("</select>")[0]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("tumour_site=larynx", "tumour_site="), "No tumour was chosen"),
        (("dose_gy=2", "dose_gy=many"), "The dose of a fraction is no number"),
        (("resume_on=2026-03-09", "resume_on=9/3"), "write each day as 2026-11-22"),
        (("resume_on=2026-03-09", "resume_on=2026-02-01"), "not after the last fraction"),
        (("fractions=33", "fractions=5"), "more than the 5"),
    ],
)
def test_facts_that_cannot_be_computed_are_refused_in_words_and_stay_in_the_form(
    co: Visitor, change: tuple[str, str], why: str
) -> None:
    answer = co.get(f"/patients/p0003/gap/?{FACTS.replace(*change)}")

    assert why in answer.words
    assert "2026-02-13" in answer.text
    assert "A physician decides" not in answer.words


def test_a_physician_signs_a_way_to_go_on_and_a_coordinator_does_not(served: Served, co: Visitor) -> None:
    page = f"/patients/p0003/gap/?{FACTS}"
    text = co.get(page).text
    fields = {
        "plan": hidden(text, "plan"),
        "course": hidden(text, "course"),
        "seen": hidden(text, "seen"),
        "option": "nothing",
        "reason": "agreed",
    }
    refused = co.post("/patients/p0003/gap/choose/", signed("co", **fields), page=page)
    assert "signed by a physician" in refused.words
    assert 'value="agreed"' in refused.text
    closed = co.post("/patients/p0003/gap/choose/", signed("an", **fields | {"plan": "1.9"}), page=page)
    assert "not open any more: it is finished, or another one holds" in closed.words
    assert hidden(refused.text, "plan") == fields["plan"]
    answer = co.post("/patients/p0003/gap/choose/", signed("an", **fields), page=page)
    line = last(served)

    assert "The choice stands in the journal, signed" in answer.words
    assert (line.action, line.actor) == ("gap option chosen", "An Peeters, physician")
    assert line.details["plan"] == fields["plan"] != ""
    assert (served.folder.path / str(line.details["course"])).read_text() == fields["course"]
    assert "✓ Chosen: No compensation , by An Peeters, physician" in co.get("/patients/p0003/gap/").words


def test_no_count_of_the_copy_stands_in_a_list_once_somebody_is_treated_elsewhere(
    served: Served, co: Visitor
) -> None:
    name = "p0010"
    given = re.search(
        rf'/patients/{name}/".*?data-name="Given, next">(.*?)</td>', co.get("/patients/").text, re.DOTALL
    )
    assert given
    assert "of 33 given" in given[1]
    write(served.folder, Deed.PACKED, by="C", at=LATER, pseudonym=name, about="b-1", to="Partner")

    for path in ("/patients/", "/order/"):
        shown = re.search(
            rf'/patients/{name}/".*?data-name="Given, next">(.*?)</td>', co.get(path).text, re.DOTALL
        )
        assert shown
        assert "counted anew" in shown[1]
        assert "given, next" not in shown[1]
    assert "Counted with what is known since the copy was made" in co.get(f"/patients/{name}/").words
