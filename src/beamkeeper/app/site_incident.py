"""The `[incident]` part of the site file: what the department decided beforehand for the day it happens."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict


class IncidentSection(BaseModel):
    """Files that go along, sealed, with every night.

    Attributes
    ----------
    triage_rules
        The department's own rules of triage, shares included: docs/formats/triage-rules.md.
    partners
        Who could take patients: docs/formats/partners.md.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    triage_rules: Path | None = None
    partners: Path | None = None
