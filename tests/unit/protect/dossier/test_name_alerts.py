"""Two patients of one name: the paper of each says so before anything else, and names nobody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from dossier_facts import AS_OF, named, source

from beamkeeper.domain.census import Appointment
from beamkeeper.domain.namesakes import NAMED_MAX, Alike, Namesake, namesakes
from beamkeeper.protect.dossier import make_dossier, render_html, render_text

OTHER = Namesake(
    how=(Alike.SAME_NAME,),
    same_birth_date=False,
    next_at=AS_OF + timedelta(hours=6),
    machine="LINAC 7",
)


def alerts(*others: Namesake) -> tuple[str, ...]:
    return make_dossier(source(namesakes=others)).name_alerts


def test_it_says_how_the_other_is_alike_when_they_come_and_whose_paper_this_is() -> None:
    other, this = alerts(OTHER)

    assert other == (
        "ANOTHER PATIENT HAS THIS NAME. Born on another day. "
        "The other is booked Tue 2026-11-10 09:00 on LINAC 7."
    )
    assert this == (
        "This paper is of ID 0012345, born 1958-04-30: compare both with the patient before anything is done."
    )


def test_the_same_birth_date_or_an_unknown_one_does_not_tell_two_apart_and_that_is_said() -> None:
    assert "does not tell them apart" in alerts(replace(OTHER, same_birth_date=True))[0]
    assert "birth date of one of them is not known" in alerts(replace(OTHER, same_birth_date=None))[0]


def test_one_patient_id_for_two_persons_is_the_first_word_and_a_question() -> None:
    both = replace(OTHER, how=(Alike.SAME_ID, Alike.SIMILAR_NAME))
    dossier = make_dossier(source(namesakes=(both,)))

    assert dossier.name_alerts[0].startswith("ANOTHER PERSON HAS THIS PATIENT ID, AND A VERY SIMILAR NAME.")
    assert "another person has this Patient ID" in dossier.verdict.words


def test_many_are_counted_and_not_all_printed() -> None:
    assert alerts(*[OTHER] * 7)[2:3] == ("and 5 others: the triage list names them all.",)


def test_of_more_than_are_kept_it_is_said_that_there_are_more() -> None:
    assert alerts(*[OTHER] * NAMED_MAX)[2:3] == ("and at least 48 others: too many to be named here.",)


def test_nobody_alike_is_no_word_and_nobody_looked_is_said() -> None:
    looked, not_looked = (make_dossier(source(namesakes=found)) for found in ((), None))

    assert looked.name_alerts == not_looked.name_alerts == ()
    assert "Others of this name" not in dict(looked.identity.others)
    assert dict(not_looked.identity.others)["Others of this name"] == "not looked for"


def test_it_stands_in_every_rendering_and_names_nobody_else() -> None:
    mine, other = named("Jansen^Maria", "20418"), named("Jansen^Maria", "20944")
    booked = (Appointment(starts_at=AS_OF + timedelta(hours=6), activity="Treatment", machine="LINAC 7"),)
    other = replace(other, entry=replace(other.entry, appointments=booked))
    (found, _) = namesakes([mine.entry, other.entry], AS_OF)
    dossier = make_dossier(replace(mine, namesakes=found))

    for said in (render_text(dossier), render_html(dossier)):
        assert "ANOTHER PATIENT HAS THIS NAME" in said
        assert "LINAC 7" in said
        assert "20944" not in said
