"""The mapping of a RayCare department: views or reports that it makes, with columns that we name."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Any, get_args

from beamkeeper.protect.census.mapping import mapping_of
from beamkeeper.protect.ois_settings import RayCareView

if TYPE_CHECKING:
    from beamkeeper.protect.census.mapping import OisMapping
    from beamkeeper.protect.ois_settings import RayCareSettings


def raycare_mapping(settings: RayCareSettings) -> OisMapping:
    """Return the shipped mapping for one department; raises `ConfigError` when a setting is wrong."""
    shipped = (files("beamkeeper.protect.census") / "raycare.toml").read_text(encoding="utf-8")
    keys: dict[str, Any] = tomllib.loads(shipped.replace("{prefix}", settings.prefix))
    for view in get_args(RayCareView):
        if view not in settings.more:
            del keys[view]
    for section in keys.values():
        if isinstance(section, dict) and settings.schema_name:
            section["schema"] = settings.schema_name
    keys["course"]["status"] = settings.course_status
    keys["plan"]["status"] = settings.plan_status
    keys["appointment"] |= {
        "status": settings.appointment_status,
        "treatment": settings.treatment_activities,
        "simulation": settings.simulation_activities,
    }
    if "prescription" in keys:
        keys["prescription"]["status"] = settings.prescription_status
    return mapping_of(
        keys
        | {
            "timezone": settings.timezone,
            "issuer_of_patient_id": settings.issuer_of_patient_id,
            "test_patient_ids": settings.test_patient_ids,
            "test_patient_names": settings.test_patient_names,
            "row_limit": settings.row_limit,
        }
    )
