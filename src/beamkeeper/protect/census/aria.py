"""The mapping of Varian ARIA: shipped with Beamkeeper, with the few things each department sets."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from beamkeeper.protect.census.mapping import mapping_of

if TYPE_CHECKING:
    from beamkeeper.protect.census.mapping import OisMapping
    from beamkeeper.protect.ois_settings import AriaSettings

VENDORS_VIEW = "vendor's view"
"""The method of counting that is undocumented, and asked only where a site says so."""


def aria_mapping(settings: AriaSettings) -> OisMapping:
    """Return the shipped mapping for one department; raises `ConfigError` when a setting is wrong."""
    keys: dict[str, Any] = tomllib.loads(aria_text(settings))
    keys["course"]["only"] = settings.courses
    keys["appointment"] |= {
        "treatment": settings.treatment_activities,
        "simulation": settings.simulation_activities,
        "status": keys["appointment"]["status"] | settings.appointment_status,
    }
    if not settings.triage_column:
        del keys["triage"]
    if not settings.vendor_view:
        keys["fraction_count"] = [c for c in keys["fraction_count"] if c["method"] != VENDORS_VIEW]
    for name in ("timezone", "issuer_of_patient_id", "test_patient_ids", "row_limit"):
        keys[name] = getattr(settings, name)
    return mapping_of(keys)


def aria_text(settings: AriaSettings) -> str:
    """Return the shipped mapping as TOML with this department's names of databases and columns in it."""
    text = (files("beamkeeper.protect.census") / "aria.toml").read_text(encoding="utf-8")
    names = {
        "{rt}": _prefix(settings.database, settings.schema_name),
        "{emr}": _prefix(settings.emr_database or settings.database, settings.schema_name),
        "{mrn}": settings.mrn_column,
        "{triage}": settings.triage_column or "UserDefAttrib01",
    }
    for token, name in names.items():
        text = text.replace(token, name)
    return text


def _prefix(*parts: str) -> str:
    return "".join(f"{part}." for part in parts if part)
