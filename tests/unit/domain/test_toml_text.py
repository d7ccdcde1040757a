"""A text that people wrote: as tables, or refused in a sentence whatever it holds."""

from __future__ import annotations

import pytest

from beamkeeper.domain.toml_text import tables_in, verify_format
from beamkeeper.errors import ConfigError


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[gap", id="broken"),
        pytest.param("a = " + "[" * 5_000, id="lists within lists"),
        pytest.param("a = " + "9" * 5_000, id="a number of a page"),
        pytest.param("format = 0x" + "f" * 5_000, id="a number of a page that cannot be told"),
        pytest.param("a.b = [{ c = 0x8000000000000000 }]", id="a number of more than 64 bits"),
    ],
)
def test_whatever_is_no_table_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^The course is not valid TOML: .+\.$") as refused:
        tables_in(text, "The course", do_next="Mend it.")

    assert refused.value.do_next == "Mend it."


@pytest.mark.parametrize("said", [{}, {"format": 2}, {"format": "1"}])
def test_tables_of_another_format_are_refused(said: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="this version reads 1"):
        verify_format(said, "The checklist", 1)
