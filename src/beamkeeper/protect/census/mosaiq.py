"""The mapping of Elekta MOSAIQ: shipped with Beamkeeper, with the few things each department sets."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from itertools import product
from typing import TYPE_CHECKING, Any

from beamkeeper.protect.census.mapping import mapping_of
from beamkeeper.protect.census.photos import PHOTO_BYTES_MAX

if TYPE_CHECKING:
    from beamkeeper.protect.census.mapping import OisMapping
    from beamkeeper.protect.ois_settings import MosaiqSettings, MrnColumn, NextOfKin, PhotoColumns, TriageCode

_ATTENDED = ("C", "FC", "OC", "SC", "D", "FD", "OD", "SD", "E", "FE", "OE", "SE")
_NOT_COMING = ("X", "B", "M")
_OPEN = ("F", "S", "O")


def mosaiq_mapping(settings: MosaiqSettings) -> OisMapping:
    """Return the shipped mapping for one department; raises `ConfigError` when a setting is wrong."""
    keys: dict[str, Any] = tomllib.loads(mosaiq_text(settings.mrn_column))
    keys["appointment"] |= {
        "status": _schedule_status() | settings.schedule_status,
        "machines": settings.treatment_rooms,
        "treatment": settings.treatment_activities,
        "simulation": settings.simulation_activities,
    }
    if settings.next_of_kin:
        keys["contact"] = _contact(settings.next_of_kin)
    if settings.triage:
        keys["triage"] = _triage(settings.triage)
    if settings.photo:
        keys["photo"] = _photo(settings.photo, settings.mrn_column)
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


def _contact(where: NextOfKin) -> dict[str, Any]:
    """Return the section of whom to call; a patient without a name or a phone there has nobody."""
    relation = f"RTRIM(c.{where.relation})" if where.relation else "'next of kin'"
    somebody = " OR ".join(f"COALESCE(RTRIM(c.{one}), '') <> ''" for one in (where.name, where.phone))
    return {
        "from": f"{where.table} c WHERE {somebody}",
        "columns": {
            "patient_key": f"c.{where.patient}",
            "relation": relation,
            "name": f"RTRIM(c.{where.name})",
            "phone": f"RTRIM(c.{where.phone})",
        },
    }


def _triage(where: TriageCode) -> dict[str, Any]:
    return {
        "from": f"{where.table} t",
        "columns": {"patient_key": f"t.{where.patient}", "code": f"RTRIM(t.{where.code})"},
    }


def _photo(where: PhotoColumns, mrn_column: MrnColumn) -> dict[str, Any]:
    """Return the section of photographs, which are cut one byte behind what is taken of one."""
    return {
        "from": (
            f"Ident i LEFT JOIN {where.table} f ON f.{where.patient} = i.Pat_Id1"
            f" WHERE i.Version = 0 AND i.{mrn_column} IN :keys"
        ),
        "columns": {
            "patient_key": "i.Pat_Id1",
            "patient_id": f"RTRIM(i.{mrn_column})",
            "picture": f"SUBSTRING(f.{where.picture}, 1, {PHOTO_BYTES_MAX + 1})",
        }
        | ({"kind": f"f.{where.kind}"} if where.kind else {}),
    }


def mosaiq_text(mrn_column: MrnColumn = "IDA") -> str:
    """Return the shipped mapping as TOML, to be read and, where it does not fit, copied and changed."""
    shipped = (files("beamkeeper.protect.census") / "mosaiq.toml").read_text(encoding="utf-8")
    return shipped.replace("{mrn}", mrn_column)


def _schedule_status() -> dict[str, str]:
    """Return our words for the letters of SchStatus_Hist_SD, alone and as pairs of a slot used twice.

    Which of a pair is the newer is not known for sure. Where both say that nobody comes, nobody comes;
    any other pair is left unknown, so that the appointment goes on counting and is shown.
    """
    single = {
        **dict.fromkeys(_ATTENDED, "done"),
        **dict.fromkeys(_NOT_COMING, "cancelled"),
        **dict.fromkeys(_OPEN, "open"),
        "N": "no_show",
    }
    over = (*_ATTENDED, *_NOT_COMING, "N")
    return single | {f"{one},{other}": "cancelled" for one, other in product(over, repeat=2)}
