"""The state table is the standard's, as another implementation has it too."""

from __future__ import annotations

import pytest
from pynetdicom.fsm import TRANSITION_TABLE

from beamkeeper.wire.dicom.association import Association
from beamkeeper.wire.dicom.state import NEXT_STATE, TRANSITIONS, Action, Event, State, action_for

OURS = {
    (event.value, state.value): action.name.replace("_", "-")
    for (state, event), action in TRANSITIONS.items()
}
"""PS3.8 table 9-10 as we have it."""


@pytest.mark.parametrize("event", list(Event))
@pytest.mark.parametrize("state", list(State))
def test_each_cell_is_that_of_pynetdicoms_table(state: State, event: Event) -> None:
    theirs = TRANSITION_TABLE.get((event.value, state.value))

    assert OURS.get((event.value, state.value)) == (str(theirs) if theirs else None)


def test_a_pair_the_standard_leaves_blank_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        action_for(State.IDLE, Event.P_DATA_RECEIVED)


def test_every_action_leads_somewhere() -> None:
    assert set(NEXT_STATE) == set(Action)


def test_every_action_that_an_event_of_the_peer_can_cause_is_carried_out() -> None:
    ours_to_send = {Event.SEND_P_DATA}
    needed = {action for (_, event), action in TRANSITIONS.items() if event not in ours_to_send}

    assert needed <= set(Association._ACTIONS)
