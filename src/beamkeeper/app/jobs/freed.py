"""Memory given back to the system once a large piece of work is done."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Give freed memory back to the system.

    glibc keeps what a thread freed for the next one, in as many heaps as there were threads at a time: a
    night of many papers grew by megabytes a paper that nothing used. Where the C library knows no such
    call (musl), nothing happens.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
