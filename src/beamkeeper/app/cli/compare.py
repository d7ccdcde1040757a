"""`beamkeeper compare OLD NEW`: two files or folders of DICOM objects, by meaning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.text import Text

from beamkeeper.app.cli.console import emit_json, err, out, print_error
from beamkeeper.domain.change import Grade
from beamkeeper.errors import BeamkeeperError

if TYPE_CHECKING:
    from beamkeeper.domain.change import ObjectComparison
    from beamkeeper.protect.compare import PathComparison

QUIET, FOUND = 0, 1
OBJECTS_SHOWN_MAX = 40
CHANGES_SHOWN_MAX = 12
NAMED_MAX = 5
"""New or missing objects of one kind that are named; more are counted."""

_STYLES = {
    Grade.CLINICAL: "bold red",
    Grade.UNREADABLE: "red",
    Grade.MISSING: "red",
    Grade.ADMINISTRATIVE: "yellow",
    Grade.NEW: "cyan",
    Grade.RE_ENCODED: "dim",
    Grade.IDENTICAL: "dim",
}
_TOLD_ONE_BY_ONE = frozenset({Grade.CLINICAL, Grade.UNREADABLE, Grade.ADMINISTRATIVE})
_KINDS = {"other": "object"}
_WORDS = {Grade.RE_ENCODED: "re-encoded"}


def command(
    old: Annotated[Path, typer.Argument(help="The earlier file or folder.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="The later file or folder.", show_default=False)],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Compare DICOM files or folders by meaning, and say in words what changed.

    Objects are matched by SOP Instance UID. Exit status: 0 when nothing but the
    encoding differs, 1 when something does, 2 when a path is wrong.

    Example: beamkeeper compare last-night/ tonight/
    """
    try:
        found = _compare(old, new)
    except BeamkeeperError as error:
        print_error(error)
        raise typer.Exit(error.exit_status) from error
    if as_json:
        emit_json(document(found))
    else:
        _tell(found)
    raise typer.Exit(QUIET if found.is_quiet else FOUND)


def _compare(old: Path, new: Path) -> PathComparison:
    from beamkeeper.protect.compare import CompareRules, compare_paths

    columns = (SpinnerColumn(), TextColumn("comparing, {task.completed:.0f} files read"))
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("compare", total=None)
        return compare_paths(
            old, new, rules=CompareRules(), progress=lambda files: progress.update(task, completed=files)
        )


def document(found: PathComparison) -> dict[str, object]:
    """Return what `--json` prints; the shape is promised in `docs/formats/compare-json.md`."""
    return {
        "format": "beamkeeper compare 1",
        "summary": found.summary,
        "objects": [
            {
                "sop_instance_uid": one.sop_instance_uid,
                "sop_class_uid": one.sop_class_uid,
                "modality": one.modality,
                "kind": one.kind,
                "label": one.label,
                "grade": one.grade,
                "changes": one.changes,
            }
            for one in found.objects
        ],
        "remarks": found.remarks,
    }


def _tell(found: PathComparison) -> None:
    """Print the worst first, then the count of each grade."""
    changed = [one for one in found.objects if one.grade in _TOLD_ONE_BY_ONE]
    for one in changed[:OBJECTS_SHOWN_MAX]:
        _tell_object(one)
    if len(changed) > OBJECTS_SHOWN_MAX:
        out.print(f"… and {len(changed) - OBJECTS_SHOWN_MAX:,} more objects; --json lists them all.\n")
    for grade in (Grade.MISSING, Grade.NEW):
        _tell_many(grade, [one for one in found.objects if one.grade is grade])
    for remark in found.remarks:
        out.print(Text(remark, style="dim"))
    _tell_sum(found)


def _tell_object(one: ObjectComparison) -> None:
    out.print(_grade_word(one.grade) + Text(_title(one), style="bold"))
    for change in one.changes[:CHANGES_SHOWN_MAX]:
        mark = "•" if change.grade is one.grade else "◦"
        text = change.text if change.grade is one.grade else f"{change.text} ({change.grade.value})"
        out.print(Padding(Text(f"{mark} {text}"), (0, 0, 0, 2), expand=False))
    if len(one.changes) > CHANGES_SHOWN_MAX:
        out.print(Text(f"  … and {len(one.changes) - CHANGES_SHOWN_MAX:,} more", style="dim"))
    out.print()


def _tell_many(grade: Grade, objects: list[ObjectComparison]) -> None:
    """Print new or missing objects: few of a kind by name, many by number."""
    by_kind: dict[str, list[ObjectComparison]] = {}
    for one in objects:
        by_kind.setdefault(_kind(one), []).append(one)
    for kind, alike in sorted(by_kind.items()):
        if len(alike) > NAMED_MAX:
            out.print(_grade_word(grade) + Text(f"{len(alike):,} x {kind}"))
        else:
            for one in alike:
                out.print(_grade_word(grade) + Text(_title(one)))
    if objects:
        out.print()


def _kind(one: ObjectComparison) -> str:
    kind = _KINDS.get(one.kind, one.kind)
    return f"{kind} ({one.modality})" if one.modality else kind


def _tell_sum(found: PathComparison) -> None:
    counts = [
        f"{count:,} {_WORDS.get(Grade(grade), grade)}" for grade, count in found.summary.items() if count
    ]
    out.print(Text(", ".join(counts) + "." if counts else "There is nothing to compare."))
    if found.is_quiet and counts:
        out.print(Text("Nothing changed but, at most, the way it is written.", style="green"))


def _grade_word(grade: Grade) -> Text:
    return Text(f"{_WORDS.get(grade, grade.value):<15}", style=_STYLES[grade])


def _title(one: ObjectComparison) -> str:
    kind = _KINDS.get(one.kind, one.kind)
    return one.label if one.label.endswith(kind) else f"{kind} {one.label}"
