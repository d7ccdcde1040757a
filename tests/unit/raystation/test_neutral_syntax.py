"""The script is read by IronPython 2.7 and by CPython 3: it uses what both have."""

from __future__ import annotations

import ast
import importlib
import warnings
from typing import Any

import pytest
from tests.unit.raystation.conftest import SCRIPT

TREE = ast.parse(SCRIPT.read_text(encoding="utf-8"))

NOT_IN_2 = (
    ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Nonlocal, ast.YieldFrom, ast.Starred, ast.MatMult,
    ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await, ast.Match, ast.TryStar,
)  # fmt: skip
NAMES_NOT_IN_2 = frozenset(
    {"FileExistsError", "FileNotFoundError", "PermissionError", "TimeoutError", "ConnectionError"}
    | {"breakpoint", "ascii"}
)
MODULES_OF_BOTH = frozenset(
    {"__future__", "clr", "connect", "datetime", "hashlib", "io", "json", "os", "sys", "time", "uuid"}
    | {"System.Drawing", "System.Windows.Forms"}
)


def test_no_form_is_used_that_only_python_3_has() -> None:
    found = [ast.unparse(node) for node in ast.walk(TREE) if isinstance(node, NOT_IN_2)]

    assert found == []


def test_functions_take_what_python_2_can_say() -> None:
    for node in ast.walk(TREE):
        if isinstance(node, ast.FunctionDef):
            args = node.args
            assert not [*args.kwonlyargs, *args.posonlyargs], node.name
            assert node.returns is None, node.name
            assert not any(arg.annotation for arg in args.args), node.name
        if isinstance(node, ast.ClassDef):
            assert node.bases, f"{node.name} is of the old kind in Python 2"
            assert not node.keywords, node.name
        if isinstance(node, ast.Raise):
            assert node.cause is None, "raise from"
        if isinstance(node, ast.Call):
            doubled = [keyword for keyword in node.keywords if keyword.arg is None]
            assert len(doubled) <= 1, ast.unparse(node)


def test_no_name_is_used_that_only_python_3_has() -> None:
    names = {node.id for node in ast.walk(TREE) if isinstance(node, ast.Name)}

    assert names & NAMES_NOT_IN_2 == set()
    assert "open" not in names, "io.open is the same in both"


def test_nothing_but_raystation_and_the_library_of_both_is_imported() -> None:
    imported = set()
    for node in ast.walk(TREE):
        if isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")

    assert imported <= MODULES_OF_BOTH


def test_python_2_parses_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # removed with Python 3.13
        driver: Any = pytest.importorskip("lib2to3.pgen2.driver")
        pygram, pytree = importlib.import_module("lib2to3.pygram"), importlib.import_module("lib2to3.pytree")
    parser = driver.Driver(pygram.python_grammar_no_print_statement, convert=pytree.convert)

    assert parser.parse_string(SCRIPT.read_text(encoding="utf-8"))
