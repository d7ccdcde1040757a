"""Hostile documents through the process that reads them: each is read or refused in words, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.hostile_documents import WORD, package, word_of
from tests.hostile_documents import hostile_documents as made

from beamkeeper.protect.documents import is_readable, media_type_of, text_difference
from beamkeeper.protect.documents.comparing import CHARACTERS_MAX, HARMFUL
from beamkeeper.protect.documents.content import TEXT
from beamkeeper.protect.documents.texts import NotReadError, lines_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.long
def test_every_hostile_document_is_read_or_refused_by_its_reason(tmp_path: Path) -> None:
    (tmp_path / "before").write_bytes(b"Supine\n")
    for name, data in made().items():
        (tmp_path / "now").write_bytes(data)
        kind = media_type_of(data)
        assert is_readable(kind), name
        found = text_difference(tmp_path / "before", TEXT, tmp_path / "now", kind)
        shown = [line for pair in found.pairs for line in pair if line]
        assert found.not_read != HARMFUL, name
        assert all(len(line) <= CHARACTERS_MAX and line.isprintable() for line in shown), name


def test_what_is_no_text_of_a_package_is_never_looked_at() -> None:
    harmful = {
        "word/vbaProject.bin": "\0" * 99,
        "../../../../tmp/out": "x",
        "word/embeddings/oleObject1.bin": "x",
    }
    data = word_of("read me", harmful)

    assert lines_of(data, media_type_of(data)) == ["read me"]


@pytest.mark.parametrize("alphabet", ["hz", "no-such-alphabet", "rot13", "idna", "utf-7"])
def test_xml_in_an_alphabet_that_no_office_program_writes_harms_nobody(alphabet: str) -> None:
    data = package({"word/document.xml": f'<?xml version="1.0" encoding="{alphabet}"?>{WORD}'})

    try:
        assert lines_of(data, media_type_of(data)) == []
    except NotReadError as refused:
        assert "damaged" in str(refused)  # noqa: PT017 - either will do
