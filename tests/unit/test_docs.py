"""The documents are held to the program: commands, options, exit statuses, links, navigation."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click
import pytest
import typer

from beamkeeper import errors
from beamkeeper.app.cli.main import app
from beamkeeper.app.cli.night import EXIT_OF
from beamkeeper.errors import BeamkeeperError

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
SERVES = {
    "beamkeeper serve",
    "beamkeeper window guard",
    "beamkeeper console serve",
    "beamkeeper incident room",
}
"""They run until stopped and have nothing to say as one document."""
GLOBAL_OPTIONS = {"--help", "-h"}


def commands(group: click.Group | None = None, path: str = "beamkeeper") -> dict[str, click.Command]:
    group = group or typer.main.get_command(app)  # type: ignore[assignment]
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():  # type: ignore[union-attr]
        if isinstance(command, click.Group) or hasattr(command, "commands"):
            found |= commands(command, f"{path} {name}")  # type: ignore[arg-type]
            if command.invoke_without_command:  # type: ignore[union-attr]
                found[f"{path} {name}"] = command
        else:
            found[f"{path} {name}"] = command
    return found


COMMANDS = commands()


def manual() -> dict[str, str]:
    """Return the text under each `### beamkeeper …` heading."""
    parts = re.split(
        r"^### (.+)$", (DOCS / "guide" / "commands.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    return {heading: text.split("\n## ")[0] for heading, text in zip(parts[1::2], parts[2::2], strict=True)}


def options(command: click.Command) -> set[str]:
    return {name for param in command.params for name in param.opts if name.startswith("--")} - GLOBAL_OPTIONS


def test_the_manual_has_every_command_and_no_other() -> None:
    assert set(manual()) == set(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_manual_names_every_option_of_a_command_and_no_other(name: str) -> None:
    assert set(re.findall(r"--[a-z][a-z-]*", manual()[name])) == options(COMMANDS[name])


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_an_example_and_json(name: str) -> None:
    assert f"Example: {name}" in " ".join((COMMANDS[name].help or "").split())
    assert "--json" in options(COMMANDS[name]) or name in SERVES


def test_the_runbook_explains_every_exit_status() -> None:
    text = (DOCS / "runbooks" / "a-night-failed.md").read_text(encoding="utf-8")
    explained = {int(status) for status in re.findall(r"^\| (\d+) \|", text, flags=re.MULTILINE)}
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BeamkeeperError)
    ]

    assert explained >= {kind.exit_status for kind in kinds} | set(EXIT_OF.values())


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", text):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page

        assert linked.exists(), f"{target} is not there"
        assert not anchor or anchor in anchors(linked), f"{target}: no such heading"


def test_the_site_has_every_page() -> None:
    settings = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]

    def named(items: list[dict[str, object]]) -> set[str]:
        found: set[str] = set()
        for item in items:
            for target in item.values():
                found |= named(target) if isinstance(target, list) else {str(target)}
        return found

    assert named(settings["nav"]) == {page.relative_to(DOCS).as_posix() for page in PAGES}
