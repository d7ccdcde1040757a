"""The fence around a process that reads hostile files: no file, no network, no other process.

Two things shut it, and neither needs a privilege. No descriptor can be opened any more (`RLIMIT_NOFILE`): no
file, no socket of any kind. What needs no descriptor (removing, renaming, starting a program, a signal to
another process) is Landlock's, without a single exception. A kernel that has no Landlock leaves the limits.

References
----------
landlock(7); Linux, Documentation/userspace-api/landlock.rst; setrlimit(2); prctl(2), PR_SET_NO_NEW_PRIVS
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
from typing import Final

MEMORY_BYTES_MAX: Final = 1 << 30
CPU_S_MAX: Final = 20
TRUNCATE_VERSION: Final = 3
"""The first Landlock that keeps a process from emptying a file by its name: Linux 6.2."""
NOBODY: Final = 65_534

_CREATE_RULESET: Final = 444
_RESTRICT_SELF: Final = 446
_ASK_VERSION: Final = 1
_NO_NEW_PRIVS: Final = 38
_FILE_RIGHTS: Final = {1: 0x1FFF, 2: 0x3FFF, TRUNCATE_VERSION: 0x7FFF, 5: 0xFFFF}
"""Every right on files a version knows, from the version that brought the last of them."""
_TCP_VERSION, _TCP_RIGHTS = 4, 0x3
"""Binding and connecting."""
_SCOPE_VERSION, _SCOPED = 6, 0x3
"""Abstract sockets and signals."""


class _Ruleset(ctypes.Structure):
    """`struct landlock_ruleset_attr`: what is forbidden where no rule allows it."""

    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


def landlock_version() -> int:
    """Return which Landlock this kernel gives us; 0 when it has none, or when somebody forbids it."""
    return max(0, _syscall(_CREATE_RULESET, None, 0, _ASK_VERSION))


def what_stays_open(version: int) -> str:
    """Return what the fence cannot shut where the kernel gives this Landlock, in words; "" when nothing."""
    taken_over = "a hostile document that took over the process that reads it"
    if not version:
        return f"this kernel gives no Landlock: {taken_over} could remove files and start programs"
    if version < TRUNCATE_VERSION:
        return f"this kernel is older than Linux 6.2: {taken_over} could empty files of the collector's user"
    return ""


def shut() -> None:
    """Give up everything but the open descriptors, for good; whatever is to be imported is imported before.

    Raises
    ------
    OSError
        The kernel says that it has Landlock, and does not do it.
    """
    _libc().prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.geteuid() == 0:
        with contextlib.suppress(PermissionError):  # a root that may not become somebody else is none
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
    _lock()
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES_MAX),
        (resource.RLIMIT_CPU, CPU_S_MAX),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(limit, (value, value))


def _lock() -> None:
    version = landlock_version()
    if not version:
        return
    rules = _Ruleset(
        files=_FILE_RIGHTS[max(first for first in _FILE_RIGHTS if first <= version)],
        network=_TCP_RIGHTS if version >= _TCP_VERSION else 0,
        scoped=_SCOPED if version >= _SCOPE_VERSION else 0,
    )
    ruleset = _syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.sizeof(rules), 0)
    if ruleset < 0 or _syscall(_RESTRICT_SELF, ctypes.c_long(ruleset), 0) < 0:
        raise OSError(ctypes.get_errno(), "Landlock did not take the rules")
    os.close(ruleset)


def _syscall(number: int, where: object, *arguments: int) -> int:
    return int(_libc().syscall(ctypes.c_long(number), where, *map(ctypes.c_long, arguments)))


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return libc
