"""What people and programs get: text in 80 columns, JSON by its schema, a sheet that loads nothing."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from courses import computed, example
from schemas import FORMATS, course_schema, faults, options_schema, written

from beamkeeper.respond.gap import as_json, own_parameters, render_text
from beamkeeper.respond.gap.explaining import explained
from beamkeeper.respond.gap.picture import alternative, draw_course
from beamkeeper.respond.gap.sheet import render_html, render_pdf

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 10, 12, 7, tzinfo=UTC)
HOSTILE = '[patient]\nname = "<script>alert(1)</script> \u202eJANSSENS"\nid = "0012"\nbirth_on = 1957-03-14\n'
OPTIONS = computed(example() + HOSTILE)


@pytest.mark.parametrize("site", sorted(own_parameters().tumours))
def test_text_fits_a_terminal_for_every_tumour_site(site: str) -> None:
    options = computed(example('"head-and-neck"', f'"{site}"'))
    text = render_text(options, explained(options))

    assert max(map(len, text.splitlines())) <= 80


def test_text_names_every_option_its_effects_its_sources_and_who_decides() -> None:
    text = render_text(OPTIONS)

    assert text.count("a physician decides") >= 2
    for number, option in enumerate(OPTIONS.options, 1):
        assert f"{number:>2} {option.title.upper()}: " in text
    for source in OPTIONS.model.sources:
        assert f"[{source.tag}]" in text
    assert "name, signature, date and time" in text
    assert "‹U+202E›JANSSENS" in text


def test_the_table_says_of_every_size_that_was_found_what_for() -> None:
    rows = render_text(OPTIONS).splitlines()

    for number, option in enumerate(OPTIONS.options, 1):
        mark = {"": "", "tumour": "°", "late": "°°"}[option.sized_for]
        assert any(row.startswith(f"{number:>2} {option.title}{mark} ") for row in rows)


def test_every_number_can_be_followed_step_by_step() -> None:
    text = "\n".join(explained(OPTIONS))

    assert "loss = 0.9 · max(0, 46 − 28) = 16.2000 Gy" in text
    assert "needed: 67.8000 (aim) + 16.2000 (loss) − 48.0000 (given) = 36.0000 Gy" in text
    assert "10.0000/10 · x² + 10 · x = 36.0000; x = 2.8102 Gy" in text
    assert "exp(−ln2 · 6/4.4) = 0.38860" in text
    assert "nobody takes it for one" in text


def test_printed_steps_lead_to_the_printed_effect() -> None:
    shown = re.findall(
        r": ([\d.]+) \+ ([\d.]+)/([\d.]+)(?: − ([\d.]+))? = ([\d.]+) Gy, EQD2 ([\d.]+)",
        "\n".join(explained(OPTIONS)),
    )

    assert len(shown) == 3 * (2 + len(OPTIONS.options))
    for dose, weight, ratio, loss, bed, eqd2 in shown:
        assert float(dose) + float(weight) / float(ratio) - float(loss or 0) == pytest.approx(
            float(bed), abs=0.001
        )
        assert float(bed) / (1 + 2 / float(ratio)) == pytest.approx(float(eqd2), abs=0.006)


def test_json_keeps_to_its_schema_and_names_nobody() -> None:
    document = json.loads(json.dumps(as_json(OPTIONS), allow_nan=False))
    schema = options_schema()

    assert faults(document, schema, schema) == []
    assert "JANSSENS" not in json.dumps(document)
    assert "0012" not in json.dumps(document)


@pytest.mark.parametrize(("name", "made"), [("gap", options_schema), ("course", course_schema)])
def test_the_schemas_in_the_documents_are_those_of_the_program(name: str, made: object) -> None:
    kept = (FORMATS / f"{name}.schema.json").read_text(encoding="utf-8")

    assert kept == written(made())


def test_the_format_page_names_every_id_and_code() -> None:
    page = (FORMATS / "gap.md").read_text(encoding="utf-8")

    for option in OPTIONS.options:
        assert f"`{re.sub(r'(extra)-[3-9]', r'extra-2', option.id)}`" in page or option.id.endswith("-larger")
        for caution in option.cautions:
            assert f"`{caution.code}`" in page


def test_the_picture_says_in_words_what_it_draws() -> None:
    outcome = OPTIONS.options[0].outcome
    svg = draw_course(OPTIONS, outcome).decode()

    assert svg.startswith("<svg")
    assert "script" not in svg
    assert "67.80 Gy after 46 days" in alternative(OPTIONS, outcome)
    assert svg.count("<path") > 6


def test_the_page_loads_and_runs_nothing_and_a_hostile_name_stays_text() -> None:
    page = render_html(OPTIONS, tuple(explained(OPTIONS)), made="made today")

    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "default-src &#39;none&#39;" in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert " style=" not in page
    assert page.count("<img") == len(OPTIONS.options)


def test_the_sheet_has_every_option_and_the_box_to_sign(tmp_path: Path) -> None:
    if (tool := shutil.which("pdftotext")) is None:
        pytest.skip("pdftotext is not installed")
    data = render_pdf(OPTIONS, tuple(explained(OPTIONS)), made_at=NOW, made="made today")
    path = tmp_path / "sheet.pdf"
    path.write_bytes(data)
    text = subprocess.run([tool, "-layout", path, "-"], capture_output=True, check=True).stdout.decode()

    assert b"pdfaid" in data
    assert "Decision of the physician" in text
    assert "none of them" in text
    for number, option in enumerate(OPTIONS.options, 1):
        assert f"{number} {option.title}: {option.outcome.fractions} ×" in text
    assert data == render_pdf(OPTIONS, tuple(explained(OPTIONS)), made_at=NOW, made="made today")
