"""A site may say what never counts, and may not say away what decides treatment."""

from __future__ import annotations

import pytest

from beamkeeper.errors import ConfigError
from beamkeeper.protect.compare import DEFAULT_VOLATILE, CompareRules


def test_keywords_and_tags_name_the_same_element() -> None:
    rules = CompareRules(volatile=frozenset({"StationName", "00081010"}))

    assert rules.volatile_tags("CT") == {0x00081010}


def test_a_modality_adds_its_own() -> None:
    rules = CompareRules(volatile_by_modality={"CT": frozenset({"StationName"})})

    assert rules.volatile_tags("CT") - rules.volatile_tags("MR") == {0x00081010}
    assert len(rules.volatile_tags("MR")) == len(DEFAULT_VOLATILE)


def test_an_unknown_element_is_refused() -> None:
    with pytest.raises(ConfigError, match="StationNam"):
        CompareRules(volatile=frozenset({"StationNam"}))


@pytest.mark.parametrize("name", ["PatientID", "BeamSequence", "PixelData", "ApprovalStatus", "300a00b0"])
def test_what_decides_treatment_cannot_be_declared_volatile(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be declared volatile"):
        CompareRules(volatile=frozenset({name}))
