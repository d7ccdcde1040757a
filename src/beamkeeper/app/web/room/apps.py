"""The room as a Django application; it has no tables."""

from __future__ import annotations

from django.apps import AppConfig


class RoomConfig(AppConfig):
    """Names the application."""

    name = "beamkeeper.app.web.room"
    label = "room"
