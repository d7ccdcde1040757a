"""The console as a Django application."""

from __future__ import annotations

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Names the application; its tables all begin with `console_`."""

    name = "beamkeeper.app.web"
    label = "console"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Begin to write down who logs in."""
        from beamkeeper.app.web import witness  # noqa: PLC0415 - models are there only now

        witness.listen()
