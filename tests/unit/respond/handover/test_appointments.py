"""What a receiver is told of appointments: one for a session, and no change taken for a repetition."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.domain.patient import Patient
from beamkeeper.respond.handover import BundleKind, Manifest, Session, new_bundle_id
from beamkeeper.respond.handover.appointments import Asked, Said, asking, kept_asked, read_asked

FIRST = datetime(2026, 11, 24, 8, tzinfo=UTC)
EMPTY = Manifest(
    bundle_id=new_bundle_id(),
    kind=BundleKind.HANDOVER,
    number=1,
    incident_id="2026-03-03-kqzt",
    sender="UZ Zuid",
    recipient="AZ Noord",
    made_at=FIRST,
    made_by="A",
    time_zone="Europe/Brussels",
    night=date(2026, 11, 22),
    trust="",
    pseudonym="p",
    patient=Patient(patient_id="1", name="A"),
    position=None,
)


def session(fraction: int, day: int = 0, machine: str = "TB1", label: str = "PROST") -> Session:
    at = FIRST + timedelta(days=day)
    return Session(
        plan_uid="1.2.3",
        rt_plan_label=label,
        fraction_number=fraction,
        day=at.date(),
        machine=machine,
        starts_at=at,
    )


def bundle(*sessions: Session, cancelled: tuple[Session, ...] = ()) -> Manifest:
    return replace(EMPTY, bundle_id=new_bundle_id(), sessions=sessions, cancelled=cancelled)


def said(*bundles: Manifest, patient_id: str = "N-1") -> list[tuple[Asked, ...]]:
    """Return what is said of each bundle after those before it."""
    before: tuple[Asked, ...] = ()
    found = []
    for one in bundles:
        found.append(asking(one, before, patient_id=patient_id))
        before += found[-1]
    return found


def test_another_day_or_machine_is_a_move_of_the_same_appointment() -> None:
    for other in (session(5, day=1), session(5, machine="TB2")):
        (first,), (second,) = said(bundle(session(5)), bundle(other))

        assert (first.said, second.said) == (Said.MADE, Said.MOVED)
        assert second.appointment_id == first.appointment_id
        assert second.control_id != first.control_id


def test_what_stays_is_said_again_with_the_same_control_id_in_a_later_bundle() -> None:
    (first,), (second,) = said(bundle(session(5)), bundle(session(5)))

    assert first == second


def test_where_only_the_words_change_it_is_a_modification() -> None:
    _, (second,) = said(bundle(session(5)), bundle(session(5, label="PROST_2")))

    assert second.said is Said.CHANGED


def test_moved_there_and_back_and_there_again_no_message_looks_like_a_repetition() -> None:
    there, back = bundle(session(5, day=1)), bundle(session(5))
    found = said(back, there, back, there, back)

    assert [one.said for (one,) in found] == [Said.MADE, *[Said.MOVED] * 4]
    assert len({one.control_id for (one,) in found}) == len(found)


def test_a_cancelled_appointment_is_made_anew_and_cancelled_once() -> None:
    gone = bundle(cancelled=(session(5),))
    first, second, again, anew = said(bundle(session(5)), gone, gone, bundle(session(5)))

    assert second == again
    assert [one.said for one in (*first, *second, *anew)] == [Said.MADE, Said.CANCELLED, Said.MADE]
    assert first[0].control_id != anew[0].control_id


def test_what_was_never_asked_for_is_not_cancelled() -> None:
    assert said(bundle(cancelled=(session(5),))) == [()]


def test_a_place_comes_free_before_another_session_takes_it() -> None:
    _, found = said(
        bundle(session(5), session(6, day=1)),
        bundle(session(6, day=2), session(7, day=1), cancelled=(session(5),)),
    )

    assert [one.said for one in found] == [Said.CANCELLED, Said.MOVED, Said.MADE]


def test_under_a_corrected_number_the_appointment_does_not_stay_in_the_other_persons_chart() -> None:
    before = asking(bundle(session(5)), (), patient_id="N-1")
    gone, anew = asking(bundle(session(5)), before, patient_id="N-2")

    assert (gone.said, gone.patient_id) == (Said.CANCELLED, "N-1")
    assert (anew.said, anew.patient_id) == (Said.MADE, "N-2")


def test_a_session_without_a_time_has_no_appointment() -> None:
    assert said(bundle(replace(session(5), starts_at=None))) == [()]


def test_what_a_journal_keeps_of_a_message_is_the_message() -> None:
    ((one,),) = said(bundle(session(5)))

    assert read_asked(kept_asked([one])) == (one,)


@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.integers(1, 4), st.tuples(st.integers(0, 3), st.sampled_from(["TB1", "TB2"]))),
            st.frozensets(st.integers(1, 4)),
            st.sampled_from(["N-1", "N-2"]),
        ),
        max_size=8,
    )
)
def test_a_receiver_that_heard_everything_has_one_appointment_where_the_last_bundle_says(
    bundles: list[tuple[dict[int, tuple[int, str]], frozenset[int], str]],
) -> None:
    before: tuple[Asked, ...] = ()
    book: dict[str, Asked] = {}
    heard: set[str] = set()
    for sessions, gone, number in bundles:
        standing = tuple(session(fraction, *where) for fraction, where in sessions.items())
        cancelled = tuple(session(fraction) for fraction in gone - sessions.keys())
        found = asking(bundle(*standing, cancelled=cancelled), before, patient_id=number)
        before += found
        for one in found:
            if one.control_id in heard:
                continue
            heard.add(one.control_id)
            assert (one.appointment_id in book) is (one.said is not Said.MADE)
            if one.is_gone:
                assert book.pop(one.appointment_id).patient_id == one.patient_id
            else:
                book[one.appointment_id] = one

        for one in standing:
            (there,) = (had for had in book.values() if had.session.fraction_number == one.fraction_number)
            assert (there.session, there.patient_id) == (one, number)
        assert not {had.session.fraction_number for had in book.values()} & (gone - sessions.keys())
