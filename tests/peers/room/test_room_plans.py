"""Which of two plans holds, said on the patient's page by two people with their passphrases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from tests.console_house.chromium import complaints
from tests.console_house.clock import FileClock
from tests.room_house.browsing import NARROWEST, seen_by
from tests.room_house.incident import LATER, PASSPHRASE, make_incident, patient, replanned
from tests.room_house.server import Served, room_server
from tests.room_house.visitor import Visitor

from beamkeeper.app.jobs.declaring import write
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("plans")
    folder = make_incident(root / "incident", (replanned(), patient(2)))
    clock = FileClock(root / "clock")
    clock.move_to(LATER)
    with room_server(folder, clock) as made:
        yield made


BOTH = {"person": "bo", "passphrase": PASSPHRASE, "person_2": "an", "passphrase_2": PASSPHRASE}
WRONG_SIGNATURES = (
    ({"passphrase_2": "wrong words here"}, "not that person's passphrase"),
    ({"person_2": "bo"}, "One person signed twice"),
    ({"person_2": "co"}, "is signed by a physician or physicist"),
)


@pytest.fixture(scope="module")
def visitor(served: Served) -> Visitor:
    found = Visitor(served)
    found.sign_in("bo")
    return found


def page_and_words(served: Served) -> tuple[str, dict[str, str]]:
    """Return the page of the patient with two plans, and what the sheet of the new one says."""
    person = next(one for one in served.folder.inventory().persons if len(one.plans) > 1)
    old, new = person.plans
    said = {"old": old.sop_instance_uid, "new": new.sop_instance_uid, "after": "0", "next": "1"}
    said |= {"left": str(new.number_of_fractions_planned or 0), "why": "replan of Friday"}
    return f"/patients/{person.pseudonym}/", said | BOTH


def test_two_different_people_say_it_with_the_numbers_of_the_sheet(served: Served, visitor: Visitor) -> None:
    page, said = page_and_words(served)
    form = f"{page}hold/"
    assert "One plan is replaced by another" in visitor.get(page).words
    for wrong, why in (
        *WRONG_SIGNATURES,
        ({"left": "3"}, "You said fraction 1, 3 left"),
        ({"after": "x"}, "no number of fractions"),
    ):
        refused = visitor.post(form, said | wrong, page=page)
        assert (refused.status, why in refused.words) == (400, True), refused.words
        assert "replan of Friday" in refused.text

    assert "signed by both" in visitor.post(form, said, page=page).words
    shown = visitor.get(page).words
    assert "REPLACED by plan 'New'" in shown
    assert "Holds instead of plan 'Old'" in shown
    row = served.folder.journal.rows()[-1]
    assert (row.action, row.details["signed"]) == (Deed.PLAN_REPLACED, "bo an")


def test_two_different_people_take_it_back_and_both_plans_are_open_again(
    served: Served, visitor: Visitor
) -> None:
    page, said = page_and_words(served)
    if "What was said" not in visitor.get(page).words:
        visitor.post(f"{page}hold/", said, page=page)
    line = served.folder.journal.rows()[-1].sequence
    form, typed = f"{page}take-back/", {"line": str(line), "why": "never approved"} | BOTH
    shown = visitor.get(page).words
    assert f"Line {line}: plan 'Old' is replaced by 'New', next is fraction 1" in shown
    assert "replan of Friday" in shown
    for wrong, why in (
        *WRONG_SIGNATURES,
        ({"line": str(line - 1)}, "does not say which plan of this patient holds"),
        ({"line": "x"}, "no line of the journal"),
        ({"why": " "}, "Why has to be said"),
    ):
        refused = visitor.post(form, typed | wrong, page=page)
        assert (refused.status, why in refused.words) == (400, True), refused.words
        assert "line" in wrong or wrong.get("why", "never approved") in refused.text
    assert len(served.folder.journal.rows()) == line

    assert "signed by both" in visitor.post(form, typed, page=page).words
    row = served.folder.journal.rows()[-1]
    assert (row.action, row.details["line"], row.details["signed"]) == (Deed.PLAN_TAKEN_BACK, line, "bo an")
    shown = visitor.get(page).words
    assert "REPLACED by" not in shown
    assert "Take it back" not in shown
    assert "does not say which plan" in visitor.post(form, typed, page=page).words


@pytest.mark.peer
def test_axe_finds_nothing_on_the_open_forms_and_a_telephone_scrolls_nothing_sideways(
    served: Served, visitor: Visitor, browser: Browser
) -> None:
    page, said = page_and_words(served)
    visitor.post(f"{page}hold/", said, page=page)
    seen, odd = seen_by(browser, visitor, NARROWEST)
    seen.goto(served.where.address + page[1:])
    for summary in seen.locator("#hold summary").all():
        summary.click()

    expect(seen.get_by_role("button", name="Sign", exact=True)).to_have_count(2)
    assert complaints(seen) == []
    assert seen.evaluate("document.documentElement.scrollWidth") <= NARROWEST
    assert odd == []


def test_a_way_to_go_on_that_was_signed_for_the_replaced_plan_is_shown_so(served: Served) -> None:
    visitor, folder = Visitor(served), served.folder
    visitor.sign_in("bo")
    person = next(one for one in folder.inventory().persons if len(one.plans) > 1)
    name, (old, new) = person.pseudonym, person.plans
    by: dict[str, Any] = {"by": "An Peeters, physician", "at": LATER, "pseudonym": name}
    for plan in (new, old):
        write(folder, Deed.CHOSEN, **by, about="nothing", value="No compensation", plan=plan.sop_instance_uid)
    uids: dict[str, Any] = {"old": old.sop_instance_uid, "new": new.sop_instance_uid}
    about = f"plan {old.rt_plan_label!r} is replaced by {new.rt_plan_label!r}"
    line = write(
        folder, Deed.PLAN_REPLACED, **by, **uids, after=0, goes_on=False, doubts={}, about=about
    ).sequence
    shown = visitor.get(f"/patients/{name}/gap/").words

    assert "▲ Signed for the plan before: No compensation , by An Peeters, physician" in shown
    assert "It does not count: plan 'Old' is replaced by 'New'" in shown
    assert "A physician signs anew" in shown
    assert "Before: chosen: No compensation" in shown
    for one in [row.sequence for row in folder.journal.rows() if row.action == Deed.PLAN_REPLACED]:
        write(folder, Deed.PLAN_TAKEN_BACK, **by, about=f"line {line}", line=one)
    assert "✓ Chosen: No compensation" in visitor.get(f"/patients/{name}/gap/").words
