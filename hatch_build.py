"""Compiles the translations of the pages when the package is built or installed: `.po` to `.mo`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LOCALE = Path(__file__).parent / "src" / "beamkeeper" / "app" / "web" / "locale"


def compile_translations() -> None:
    """Write the compiled translation beside each source."""
    for source in sorted(LOCALE.glob("*/LC_MESSAGES/django.po")):
        with source.open("rb") as file:
            catalog = read_po(file, abort_invalid=True)
        with source.with_suffix(".mo").open("wb") as file:
            write_mo(file, catalog)


class TranslationsHook(BuildHookInterface):
    """Runs before a wheel, an sdist or an editable installation is put together."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - Hatch's signature
        """Compile."""
        compile_translations()
