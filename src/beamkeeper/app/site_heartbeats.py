"""Whom the collector sends a sign of life: a watcher of ours, or any service that alarms on silence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class HeartbeatTarget(BaseModel):
    """One address that takes heartbeats."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=500)]
    tls_ca: Path | None = None
