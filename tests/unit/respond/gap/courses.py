"""Courses for tests: the example that comes with the program, changed in one place or another."""

from __future__ import annotations

from beamkeeper.respond.gap import Calendar, Options, options_for, own_parameters, read_course
from beamkeeper.respond.gap.course_file import EXAMPLE

HEAD = 'format = "beamkeeper-course"\nversion = 1\n'
PARAMETERS = own_parameters()


def computed(text: str) -> Options:
    return options_for(*read_course(text, PARAMETERS, Calendar()))


def example(old: str = "", new: str = "") -> str:
    """Return the example with one piece of text replaced, which must be there."""
    assert old in EXAMPLE
    return EXAMPLE.replace(old, new, 1)


def ids(options: Options) -> list[str]:
    return [option.id for option in options.options]


def codes(options: Options, id_: str) -> set[str]:
    option = next(option for option in options.options if option.id == id_)
    return {caution.code for caution in option.cautions}
