"""Refuse functions over 70 lines and modules over 500: someone reads this code at 03:00."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

FUNCTION_LINES_MAX = 70
MODULE_LINES_MAX = 500
ROOT = Path(__file__).resolve().parents[1]


def complaints() -> list[str]:
    """Return one line for each function or module that is too long."""
    found: list[str] = []
    for path in sorted([*ROOT.glob("src/**/*.py"), *ROOT.glob("bench/**/*.py"), *ROOT.glob("tests/**/*.py")]):
        if "migrations" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(ROOT)
        if (lines := text.count("\n")) > MODULE_LINES_MAX:
            found.append(f"{name}: {lines} lines, at most {MODULE_LINES_MAX}")
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                found.append(f"{name}:{node.lineno} {node.name}: {lines} lines, at most {FUNCTION_LINES_MAX}")
    return found


def main() -> int:
    """Print the complaints; 1 when there are any."""
    found = complaints()
    sys.stdout.write("\n".join([*found, f"sizes: {len(found)} too long"]) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
