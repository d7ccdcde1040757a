"""What `beamkeeper` alone shows: the commands by when they are needed, the day it happens first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import typer

PANELS: Final = {
    "On the day it happens": (
        *("declare", "restore", "lists", "binder"),
        *("incident", "triage", "placement", "handover", "filemode", "paper"),
    ),
    "In a house that takes patients in": ("receive", "desk"),
    "Files alone, no site needed": (
        *("demo", "gap", "deliverable", "place", "retarget", "read", "compare", "dossier"),
    ),
    "Every night, and the morning after": (
        *("night", "hour", "serve", "status", "changes", "patients", "patient", "announce", "quorum"),
        *("vote", "alert", "console", "mirrors", "copies", "retain"),
    ),
    "To set up, and to look after": (
        *("init", "census", "doctor", "watch"),
        *("source", "vault", "data", "window"),
    ),
}


def sort_into_panels(app: typer.Typer) -> None:
    """Put every command into its panel, in the order of `PANELS`; one that stands in none is our mistake."""
    panel_of = {name: panel for panel, names in PANELS.items() for name in names}
    place = {name: number for number, name in enumerate(panel_of)}
    for command in app.registered_commands:
        command.rich_help_panel = panel_of[str(command.name)]
    for group in app.registered_groups:
        group.rich_help_panel = panel_of[str(group.name)]
    app.registered_commands.sort(key=lambda one: place[str(one.name)])
    app.registered_groups.sort(key=lambda one: place[str(one.name)])
