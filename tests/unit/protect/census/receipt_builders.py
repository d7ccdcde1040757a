"""Receipts as the RayStation script writes them."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

TRIAGE = {
    "code": "2",
    "reason": "head and neck",
    "given_by": "peeters",
    "given_at": "2026-11-20T13:04:00Z",
}


def write_receipt(folder: Path, **changed: Any) -> Path:
    """Write one receipt and set the time of its file to when it says it was written."""
    facts: dict[str, Any] = {
        "format": 1,
        "kind": "beamkeeper raystation receipt",
        "mode": "button",
        "written_at": "2026-11-20T13:05:00Z",
        "patient_id": "P1",
        "patient_name": "Peeters^Jan",
        "case": "Case 1",
        "plan": "HN",
        "beam_set": "HN1",
        "approval": "Approved",
        "reviewer": "Dr. Claes",
        "reviewed_at": "2026-11-20T14:03:00",
        "destination": "suncheck",
        "result": "exported",
        "error": "",
        "comment": "",
        "warnings": [],
        "notifications": [],
        "triage": TRIAGE,
    } | changed
    number = facts.setdefault("receipt", hashlib.md5(repr(facts).encode()).hexdigest())  # noqa: S324
    path = folder / f"{number}.json"
    path.write_text(json.dumps(facts), encoding="utf-8")
    at = datetime.fromisoformat("2026-11-20T13:05:00+00:00").timestamp()
    os.utime(path, (at, at))
    return path
