"""The room as it is served: who comes in, who acts, what stands on the pages."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.room_house.incident import LATER, LONG_NAME, NIGHT, PASSPHRASE
from tests.room_house.server import TOKEN
from tests.room_house.visitor import Visitor

from beamkeeper.app.jobs.incident_people import admit, dismiss
from beamkeeper.app.web.room.permissions import PAGES, Access
from beamkeeper.domain.patient import shown_name

if TYPE_CHECKING:
    from tests.room_house.server import Served

URLS = Path(__file__).resolve().parents[3] / "src/beamkeeper/app/web/room/urls.py"
PATHS = {
    name: path
    for path, name in re.findall(
        r'path\("([^"]*)", [^,]+, name="([^"]+)"\)', URLS.read_text(encoding="utf-8")
    )
}
"""By name, as `urls` has them."""


def filled(name: str) -> str:
    path = PATHS[name].replace("<pseudonym:pseudonym>", "p0003").replace("<slug:token>", "x")
    return "/" + path.replace("<slug:name>", "triage-list")


def test_the_table_of_who_may_see_what_has_every_path_and_no_other() -> None:
    assert set(PAGES) == set(PATHS)


def test_a_stranger_is_told_nothing_of_the_incident(served: Served) -> None:
    stranger = Visitor(served)
    for name, access in PAGES.items():
        for method in ("GET", "POST"):
            answer = stranger.ask(method, filled(name), {} if method == "POST" else None)

            assert "kqzt" not in answer.text, name
            assert "Jansen" not in answer.text, name
            assert "An Peeters" not in answer.text, name
            if access is not Access.OPEN:
                assert answer.status in {302, 403, 405}, (name, method)
    assert stranger.get("/door/").status == 200


def test_looking_at_the_printed_address_is_not_using_it(served: Served) -> None:
    first = Visitor(served)

    assert "Open the room" in first.get(f"/open/{TOKEN}/").words
    assert "counts once" in first.get("/open/another/").words


def test_whoever_opened_it_reads_and_a_second_one_does_not(served: Served, reader: Visitor) -> None:
    second = Visitor(served)

    assert "Where we stand" in reader.get("/").words
    assert "was used, or never printed" in second.get(f"/open/{TOKEN}/").words
    assert second.ask("GET", "/").headers["Location"] == "/door/?back=%2F"


def test_pages_may_load_nothing_but_our_own_and_are_kept_by_nobody(reader: Visitor) -> None:
    answer = reader.get("/")

    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "<script" not in answer.text
    assert "style=" not in answer.text


def test_another_name_for_this_computer_is_refused(reader: Visitor) -> None:
    assert reader.ask("GET", "/", headers={"Host": "evil.example"}).status == 400


def test_a_form_of_another_site_changes_nothing(served: Served, reader: Visitor) -> None:
    fields = {"login": "an", "passphrase": PASSPHRASE}
    answer = reader.ask("POST", "/door/", fields, {"Origin": "http://evil.example"})

    assert answer.status == 403
    assert "Nothing was changed" in answer.words


def test_a_passphrase_opens_the_room_and_its_minutes_end(served: Served) -> None:
    visitor = Visitor(served)
    assert "not that person's passphrase" in visitor.sign_in("co", "not the words at all").words
    assert "until 13:47" in visitor.sign_in("co").text
    served.clock.move_to(LATER + timedelta(minutes=16))

    assert "Sign in" in visitor.get("/").text
    assert "Where we stand" in visitor.get("/").words, "reading goes on"
    served.clock.move_to(LATER)


def test_who_is_admitted_anew_or_dismissed_is_gone_from_every_screen(served: Served) -> None:
    def admitted(minutes: int) -> None:
        admit(
            served.folder,
            "ex",
            name="Ex",
            duty="therapist",
            passphrase=PASSPHRASE,
            by="IT",
            at=LATER + timedelta(minutes=minutes),
        )

    admitted(0)
    first, second = Visitor(served), Visitor(served)
    assert "until 13:47" in first.sign_in("ex").text
    admitted(1)
    assert first.ask("GET", "/").headers["Location"].startswith("/door/"), "the passphrase is another one"
    assert "until 13:47" in second.sign_in("ex").text
    dismiss(served.folder, "ex", by="IT", at=LATER)

    assert second.ask("GET", "/patients/").headers["Location"].startswith("/door/")


def test_the_numbers_of_the_declaration_stand_large_and_the_clocks_run(
    served: Served, reader: Visitor
) -> None:
    numbers = served.folder.overview().numbers
    words = reader.get("/").words

    assert f"On treatment {numbers.on_treatment} " in words
    assert f"Possibly treated since {numbers.possibly_delivered} ? ask each, never assume" in words
    assert "NIS2: time left 17 h 58 min" in words
    assert "Since somebody knew 6 h 02 min" in words


def test_the_wall_loads_itself_and_names_no_patient(reader: Visitor) -> None:
    answer = reader.get("/wall/")

    assert answer.headers["Refresh"] == "30"
    assert "Jansen, Maria" not in answer.text
    assert "Stop, and back" in answer.words


def test_patients_are_found_by_parts_of_the_name_without_accents_and_by_section(reader: Visitor) -> None:
    assert reader.get("/patients/?q=helene+dub").words.count("Dubois, Hélène") == 2
    assert "Nobody fits that" in reader.get("/patients/?q=zzz").words
    assert "O'Neil&lt;script&gt;" in reader.get("/patients/?q=neil").text.replace("&#x27;", "'")
    assert "7 of 40" in reader.get("/patients/?section=ready").words


def test_a_patient_shows_what_is_next_what_is_missing_and_whom_to_call(reader: Visitor) -> None:
    words = reader.get("/patients/p0003/").words

    assert "How we know: 22 fractions by the records" in words
    assert re.search(r"\b21 Mon 2 Mar, 10:30 .*\b22 .*not complete", words)
    assert shown_name(LONG_NAME).split(",")[0] in words
    assert "finish fraction" in words
    assert "+32 2 555 03" in words
    assert reader.get("/patients/nobody/").status == 404


def test_files_of_the_folder_that_are_no_papers_are_not_served(served: Served, reader: Visitor) -> None:
    (served.folder.path / "incident.pdf").write_bytes(b"%PDF-1.7")

    assert reader.get("/paper/incident/").text == "%PDF-1.7"
    for name in ("journal", "people", "inventory", "x"):
        assert reader.get(f"/paper/{name}/").status == 404


def test_people_are_listed_and_an_entry_that_was_changed_is_named(served: Served, reader: Visitor) -> None:
    path = served.folder.path / "people.json"
    whole = path.read_bytes()
    assert "An Peeters physician an" in reader.get("/people/").words
    path.write_bytes(whole.replace(b"An Peeters", b"An Anders"))

    assert "The entry of an is not the one the journal speaks of" in reader.get("/people/").words
    assert "not that person" in Visitor(served).sign_in("an").words
    path.write_bytes(whole)


def test_a_journal_that_was_changed_is_told_on_every_page(served: Served, reader: Visitor) -> None:
    path = served.folder.path / "journal.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"encrypted", b"decrypted"))
    answer = reader.get("/")
    path.write_bytes(whole)

    assert answer.status == 503
    assert "was changed after it was written" in answer.text


def test_pages_are_read_on_when_the_file_of_people_is_damaged(served: Served) -> None:
    path = served.folder.path / "people.json"
    whole = path.read_bytes()
    visitor = Visitor(served)
    visitor.sign_in("an")
    path.write_bytes(b"{")

    assert "Where we stand" in visitor.get("/").words
    assert "people.json of the incident is not what was written" in visitor.get("/people/").words
    path.write_bytes(whole)


@pytest.mark.long  # six passphrases are checked as slowly as they should be
def test_who_tries_passphrases_is_stopped(served: Served) -> None:
    visitor = Visitor(served)
    for _ in range(5):
        visitor.sign_in("bo", "een andere lange zin")

    assert "Too many wrong passphrases" in visitor.sign_in("bo").words
    served.clock.move_to(LATER + timedelta(minutes=6))
    assert "Where we stand" in visitor.sign_in("bo").words
    served.clock.move_to(LATER)


def test_the_night_stands_on_every_page(reader: Visitor) -> None:
    assert all(f"{NIGHT.day} March 2026" in reader.get(path).text for path in ("/", "/patients/", "/people/"))


@pytest.mark.parametrize("path", ["/", "/patients/", "/door/"])
def test_only_what_a_page_expects_is_answered(reader: Visitor, path: str) -> None:
    assert reader.ask("DELETE", path).status in {403, 405}
