"""The upper layer state machine of DICOM PS3.8, section 9.2, as data: the acceptor's share of table 9-10.

We never request an association or a release, so states 4, 5, 7 and 9 to 12 and events 1, 2 and 11 cannot
occur and are left out. A pair that the standard leaves blank is absent here: meeting one is a mistake of
ours.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """Table 9-1 to 9-5 of PS3.8."""

    IDLE = "Sta1"
    AWAITING_ASSOCIATE_RQ = "Sta2"
    AWAITING_ASSOCIATE_RESPONSE = "Sta3"
    ESTABLISHED = "Sta6"
    AWAITING_RELEASE_RESPONSE = "Sta8"
    AWAITING_CLOSE = "Sta13"


class Event(Enum):
    """What can happen: PDUs that come, our own words, the transport, the timer (PS3.8 table 9-10)."""

    ASSOCIATE_AC_RECEIVED = "Evt3"
    ASSOCIATE_RJ_RECEIVED = "Evt4"
    TRANSPORT_CONNECTED = "Evt5"
    ASSOCIATE_RQ_RECEIVED = "Evt6"
    ACCEPT = "Evt7"
    REJECT = "Evt8"
    SEND_P_DATA = "Evt9"
    P_DATA_RECEIVED = "Evt10"
    RELEASE_RQ_RECEIVED = "Evt12"
    RELEASE_RP_RECEIVED = "Evt13"
    RELEASE = "Evt14"
    ABORT = "Evt15"
    ABORT_RECEIVED = "Evt16"
    TRANSPORT_CLOSED = "Evt17"
    ARTIM_EXPIRED = "Evt18"
    INVALID_PDU_RECEIVED = "Evt19"


class Action(Enum):
    """What is done (PS3.8 tables 9-6 to 9-9)."""

    AE_5 = "open the transport connection, start ARTIM"
    AE_6 = "stop ARTIM, indicate the request"
    AE_7 = "send A-ASSOCIATE-AC"
    AE_8 = "send A-ASSOCIATE-RJ, start ARTIM"
    DT_1 = "send P-DATA-TF"
    DT_2 = "indicate P-DATA"
    AR_2 = "indicate the release"
    AR_4 = "send A-RELEASE-RP, start ARTIM"
    AR_5 = "stop ARTIM"
    AR_7 = "send P-DATA-TF while a release waits"
    AA_1 = "send A-ABORT by the service user, start ARTIM"
    AA_2 = "stop ARTIM, close the transport connection"
    AA_3 = "indicate the abort, close the transport connection"
    AA_4 = "indicate that the transport was closed"
    AA_5 = "stop ARTIM: the peer never asked"
    AA_6 = "ignore the PDU"
    AA_7 = "send A-ABORT"
    AA_8 = "send A-ABORT by the service provider, indicate it, start ARTIM"


NEXT_STATE: dict[Action, State] = {
    Action.AE_5: State.AWAITING_ASSOCIATE_RQ,
    Action.AE_6: State.AWAITING_ASSOCIATE_RESPONSE,
    Action.AE_7: State.ESTABLISHED,
    Action.AE_8: State.AWAITING_CLOSE,
    Action.DT_1: State.ESTABLISHED,
    Action.DT_2: State.ESTABLISHED,
    Action.AR_2: State.AWAITING_RELEASE_RESPONSE,
    Action.AR_4: State.AWAITING_CLOSE,
    Action.AR_5: State.IDLE,
    Action.AR_7: State.AWAITING_RELEASE_RESPONSE,
    Action.AA_1: State.AWAITING_CLOSE,
    Action.AA_2: State.IDLE,
    Action.AA_3: State.IDLE,
    Action.AA_4: State.IDLE,
    Action.AA_5: State.IDLE,
    Action.AA_6: State.AWAITING_CLOSE,
    Action.AA_7: State.AWAITING_CLOSE,
    Action.AA_8: State.AWAITING_CLOSE,
}
"""The state after each action: "Next State" of PS3.8 tables 9-6 to 9-9. AE-6 may also refuse by itself; we
refuse from Sta3 by Evt8, which sends the same PDU and ends in the same state."""

_COLUMNS = (
    State.IDLE,
    State.AWAITING_ASSOCIATE_RQ,
    State.AWAITING_ASSOCIATE_RESPONSE,
    State.ESTABLISHED,
    State.AWAITING_RELEASE_RESPONSE,
    State.AWAITING_CLOSE,
)
_ROWS = """
        Sta1  Sta2  Sta3  Sta6  Sta8  Sta13
Evt3    -     AA-1  AA-8  AA-8  AA-8  AA-6
Evt4    -     AA-1  AA-8  AA-8  AA-8  AA-6
Evt5    AE-5  -     -     -     -     -
Evt6    -     AE-6  AA-8  AA-8  AA-8  AA-7
Evt7    -     -     AE-7  -     -     -
Evt8    -     -     AE-8  -     -     -
Evt9    -     -     -     DT-1  AR-7  -
Evt10   -     AA-1  AA-8  DT-2  AA-8  AA-6
Evt12   -     AA-1  AA-8  AR-2  AA-8  AA-6
Evt13   -     AA-1  AA-8  AA-8  AA-8  AA-6
Evt14   -     -     -     -     AR-4  -
Evt15   -     -     AA-1  AA-1  AA-1  -
Evt16   -     AA-2  AA-3  AA-3  AA-3  AA-2
Evt17   -     AA-5  AA-4  AA-4  AA-4  AR-5
Evt18   -     AA-2  -     -     -     AA-2
Evt19   -     AA-1  AA-8  AA-8  AA-8  AA-7
"""
"""PS3.8 table 9-10, the columns and rows an acceptor can meet."""


def _table() -> dict[tuple[State, Event], Action]:
    heading, *rows = _ROWS.strip().splitlines()
    if heading.split() != [state.value for state in _COLUMNS]:
        raise ValueError("the columns of the state table are not in the order of its heading")
    table = {}
    for row in rows:
        event, *cells = row.split()
        for state, cell in zip(_COLUMNS, cells, strict=True):
            if cell != "-":
                table[state, Event(event)] = Action[cell.replace("-", "_")]
    return table


TRANSITIONS: dict[tuple[State, Event], Action] = _table()


def action_for(state: State, event: Event) -> Action:
    """Return what the standard wants done when `event` happens in `state`.

    Raises
    ------
    KeyError
        The standard says this cannot happen: a mistake of ours.
    """
    return TRANSITIONS[state, event]
