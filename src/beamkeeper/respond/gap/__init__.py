"""What a gap in a course costs the tumour, and every way to go on with its effect on tumour and late tissue.

`Course` holds the facts of one patient (`planned_course` makes its planned days), `model_for` says with which
parameters it is computed, `options_for` computes: date plans with biologically effective dose (BED) and EQD2,
what each takes of the machine, and what speaks against it. Nothing is chosen or marked: a physician decides.
`read_course` and `read_parameters` read the files people write; `render_text`, `as_json` and `sheet` show the
result. No clock is asked, and no file is read but the parameters that come with the program. Formulas:
`effect`; why so: `docs/decisions/0074-gap.md`.
"""

from beamkeeper.respond.gap.calendar_days import Calendar
from beamkeeper.respond.gap.course import Considered, Course, Given, Person, TreatmentDay
from beamkeeper.respond.gap.course_file import read_course
from beamkeeper.respond.gap.json_file import as_json
from beamkeeper.respond.gap.modelling import ModelChange, model_for
from beamkeeper.respond.gap.options import Option, Options, options_for
from beamkeeper.respond.gap.parameters import DayCount, Model, ParameterSets
from beamkeeper.respond.gap.parameters_file import own_parameters, read_parameters
from beamkeeper.respond.gap.schedules import planned_course
from beamkeeper.respond.gap.text import render_text

__all__ = [
    "Calendar",
    "Considered",
    "Course",
    "DayCount",
    "Given",
    "Model",
    "ModelChange",
    "Option",
    "Options",
    "ParameterSets",
    "Person",
    "TreatmentDay",
    "as_json",
    "model_for",
    "options_for",
    "own_parameters",
    "planned_course",
    "read_course",
    "read_parameters",
    "render_text",
]
