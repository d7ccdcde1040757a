"""Passphrases at a terminal: hidden, a new one twice; without a terminal the first line of the input."""

from __future__ import annotations

import sys

import typer


def new_passphrase() -> str:
    """Ask for a new passphrase, twice."""
    if sys.stdin.isatty():
        return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True))
    return _first_line()


def passphrase(label: str) -> str:
    """Ask for a passphrase that was chosen before, once."""
    if sys.stdin.isatty():
        return str(typer.prompt(label, hide_input=True, err=True))
    return _first_line()


def _first_line() -> str:
    return sys.stdin.readline().rstrip("\r\n")
