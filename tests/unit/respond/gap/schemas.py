"""The JSON schemas of docs/formats, made from the code; run as a program, this writes them."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from beamkeeper.respond.gap import calendar_days, cautions, course, options, outcome, parameters
from beamkeeper.respond.gap.course_file import CourseFile
from beamkeeper.respond.gap.json_file import FORMAT, VERSION

FORMATS = Path(__file__).resolve().parents[4] / "docs" / "formats"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, typing.Any]
NAMES: dict[str, object] = {"date": date, "Sequence": Sequence}
for module in (calendar_days, cautions, course, outcome, parameters, options):
    NAMES |= {name: value for name, value in vars(module).items() if not name.startswith("_")}
DAYS = {"treatment_weekdays", "make_up_weekdays"}


def options_schema() -> Schema:
    found: dict[str, Schema] = {}
    whole = schema_of(options.Options, found)
    del found["Course"]["properties"]["person"]
    found["Course"]["required"].remove("person")
    del found["Person"]
    top = found.pop(whole["$ref"].rpartition("/")[2])
    head = {"format": {"const": FORMAT}, "version": {"const": VERSION}}
    return {
        "$schema": DRAFT,
        "title": "What `beamkeeper gap --json` prints",
        **top,
        "properties": head | top["properties"],
        "required": [*head, *top["required"]],
        "$defs": dict(sorted(found.items())),
    }


def course_schema() -> Schema:
    return {"$schema": DRAFT, **CourseFile.model_json_schema(), "title": "A course file of `beamkeeper gap`"}


SIMPLE: dict[object, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    date: {"type": "string", "format": "date"},
}


def schema_of(kind: object, found: dict[str, Schema]) -> Schema:
    if kind in SIMPLE:
        return SIMPLE[kind]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return {"enum": [member.value for member in kind]}
    if is_dataclass(kind) and isinstance(kind, type):
        if kind.__name__ not in found:
            found[kind.__name__] = {}
            found[kind.__name__] |= dataclass_schema(kind, found)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in {types.UnionType, typing.Union}:
        return {"anyOf": [schema_of(arg, found) for arg in args]}
    if origin is frozenset or (origin is tuple and args[-1] is ...):
        return {"type": "array", "items": schema_of(args[0], found)}
    assert origin is tuple, kind
    return {
        "type": "array",
        "prefixItems": [schema_of(arg, found) for arg in args],
        "minItems": len(args),
        "maxItems": len(args),
    }


def dataclass_schema(kind: type, found: dict[str, Schema]) -> Schema:
    hints = typing.get_type_hints(kind, localns=NAMES)
    names = [field.name for field in fields(kind)]
    return {
        "type": "object",
        "properties": {name: schema_of(hints[name], found) for name in names},
        "required": names,
        "additionalProperties": False,
    }


def written(schema: Schema) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def faults(value: object, schema: Schema, whole: Schema, where: str = "") -> list[str]:
    """Return where a value breaks a schema, for the words that these schemas use."""
    if "$ref" in schema:
        return faults(value, whole["$defs"][schema["$ref"].rpartition("/")[2]], whole, where)
    if "anyOf" in schema:
        tried = [faults(value, one, whole, where) for one in schema["anyOf"]]
        return [] if [] in tried else tried[0]
    if "const" in schema or "enum" in schema:
        return [] if value in schema.get("enum", [schema.get("const")]) else [where]
    found: list[str] = [] if of_type(value, schema["type"]) else [where]
    if isinstance(value, dict) and not found:
        known = schema["properties"]
        found += [f"{where}.{name}" for name in {*value} ^ {*known}]
        for name in value.keys() & known.keys():
            found += faults(value[name], known[name], whole, f"{where}.{name}")
    if isinstance(value, list) and not found:
        kinds = schema.get("prefixItems") or [schema["items"]] * len(value)
        for number, (item, kind) in enumerate(zip(value, kinds, strict=True)):
            found += faults(item, kind, whole, f"{where}[{number}]")
    return found


def of_type(value: object, name: str) -> bool:
    kinds: dict[str, tuple[type, ...]] = {
        "object": (dict,),
        "array": (list,),
        "string": (str,),
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
        "null": (type(None),),
    }
    return isinstance(value, kinds[name]) and (name == "boolean" or not isinstance(value, bool))


if __name__ == "__main__":
    (FORMATS / "gap.schema.json").write_text(written(options_schema()), encoding="utf-8")
    (FORMATS / "course.schema.json").write_text(written(course_schema()), encoding="utf-8")
