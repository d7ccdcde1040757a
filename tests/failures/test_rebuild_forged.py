"""The owner of the share knows whom parcels are sealed for, and so can seal one: it is not believed."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scenarios"))

from night_site import NIGHT_1, NIGHT_2, SmallSite, make_objects

from beamkeeper.app.jobs.sealed_facts import read_facts
from beamkeeper.app.jobs.sealing import FACTS_NAME, facts_bytes
from beamkeeper.errors import IntegrityError
from beamkeeper.vault import Member, seal_parcel

if TYPE_CHECKING:
    from beamkeeper.vault import ParcelEntry


def seal_forged(recipients: tuple[str, ...], facts: bytes, out: Path) -> None:
    member = Member(name=FACTS_NAME, size_bytes=len(facts), open=lambda: io.BytesIO(facts))
    with out.open("wb") as sealed:
        seal_parcel([member], recipients=recipients, sink=sealed, night=NIGHT_1)


def test_facts_of_a_parcel_that_was_sealed_by_somebody_else_are_refused(tmp_path: Path) -> None:
    make_objects(tmp_path / "source", who=(3,))
    site = SmallSite.make(tmp_path)
    site.night(NIGHT_1)
    runtime = site.runtime(NIGHT_2)
    (pseudonym,) = runtime.vault.pseudonyms()
    entry: ParcelEntry | None = runtime.vault.latest(pseudonym)
    assert entry is not None
    facts = read_facts(runtime.vault, entry, runtime.keys.identities)
    (stored,) = (site.vault_dir / "targets" / pseudonym).glob("*.age")
    stored.unlink()
    seal_forged(runtime.vault.recipients, facts_bytes(replace(facts, objects=())), stored)

    with pytest.raises(IntegrityError, match="not what was sealed"):
        read_facts(runtime.vault, entry, runtime.keys.identities)
