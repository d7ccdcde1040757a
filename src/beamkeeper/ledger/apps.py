"""The ledger as a Django application."""

from __future__ import annotations

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """Names the application; its tables all begin with `ledger_`."""

    name = "beamkeeper.ledger"
    label = "ledger"
    default_auto_field = "django.db.models.BigAutoField"
