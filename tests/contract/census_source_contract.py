"""What every source of the list must do; see `beamkeeper.protect.census.Source`."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from beamkeeper.errors import SourceUnavailable
from beamkeeper.protect.census import CensusWindow, Source, ask_all

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
WINDOW = CensusWindow()


class CensusSourceContract:
    """Subclass it and give it fixtures `source` (it knows somebody) and `absent` (it gives no answer)."""

    def test_it_names_itself_in_its_answer_and_in_every_claim(self, source: Source) -> None:
        answer = source.ask(NOW, WINDOW)

        assert answer.source == source.name
        assert answer.entries
        assert {claim.source for entry in answer.entries for claim in entry.claims} == {source.name}

    def test_everybody_it_names_has_a_reason_and_a_patient_id(self, source: Source) -> None:
        answer = source.ask(NOW, WINDOW)

        assert all(entry.claims and entry.patient.patient_id.strip() for entry in answer.entries)

    def test_asking_twice_gives_the_same_people(self, source: Source) -> None:
        assert set(source.ask(NOW, WINDOW).entries) == set(source.ask(NOW, WINDOW).entries)

    def test_no_answer_is_never_an_empty_one(self, absent: Source) -> None:
        with pytest.raises(SourceUnavailable) as caught:
            absent.ask(NOW, WINDOW)

        assert caught.value.do_next

    def test_no_answer_becomes_a_fact_and_the_others_are_still_asked(
        self, source: Source, absent: Source
    ) -> None:
        down, up = ask_all([absent, source], now=NOW, window=WINDOW)

        assert not down.answered
        assert down.error
        assert up.answered
