"""The error tree: three different things are three different errors, each with its own exit status."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest

from beamkeeper import errors
from beamkeeper.errors import (
    BeamkeeperError,
    ConfigError,
    IntegrityError,
    ObjectUnreadable,
    SourceAnswerInvalid,
    SourceUnavailable,
    VaultStale,
)

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, BeamkeeperError)]


def test_every_kind_has_an_exit_status_of_its_own() -> None:
    statuses = [kind.exit_status for kind in KINDS]

    assert len(set(statuses)) == len(statuses)
    assert all(0 < status < 64 for status in statuses)


def test_the_tree_drawn_at_the_top_is_the_tree() -> None:
    drawn = dict(re.findall(r"(\w+) +(\d+)(?:  |\n|$)", errors.__doc__ or ""))

    assert drawn == {kind.__name__: str(kind.exit_status) for kind in KINDS}


def test_no_answer_is_not_a_wrong_answer() -> None:
    assert not issubclass(SourceUnavailable, SourceAnswerInvalid)
    assert not issubclass(SourceAnswerInvalid, SourceUnavailable)
    assert issubclass(ObjectUnreadable, SourceAnswerInvalid)
    assert issubclass(VaultStale, IntegrityError)


def test_an_error_says_what_was_found_and_what_to_do_next() -> None:
    error = ConfigError("There is no time zone called 'Mars'.", do_next="Use an IANA name.", key="time_zone")

    assert str(error) == "There is no time zone called 'Mars'."
    assert (error.do_next, error.facts) == ("Use an IANA name.", {"key": "time_zone"})


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_crosses_a_process_border_whole(kind: type[BeamkeeperError]) -> None:
    error = kind("Beam 2 is missing.", do_next="Look at the plan.", beam_number=2)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes, as multiprocessing does it

    assert type(copy) is kind
    assert (copy.message, copy.do_next, copy.facts) == (error.message, error.do_next, error.facts)
