"""Who comes through the window, in any of its states: real sockets in network namespaces."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.peers.window.ground import (
    ARCHIVE,
    ARCHIVE6,
    ARCHIVE_PORT,
    COLLECTOR,
    COLLECTOR6,
    MAIL,
    MAIL_PORT,
    OTHER_PORT,
    RECEIVER_PORT,
    STRANGER,
    STRANGER6,
    TIME_PORT,
    WORKER,
    Ground,
)

pytestmark = pytest.mark.peer

MEANT = {
    "archive comes in",
    "archive comes in, IPv6",
    "worker to archive",
    "worker to archive, IPv6",
    "worker to mail",
}


ALL_WAYS = MEANT | {
    "archive comes in at another port",
    "mail comes in",
    "stranger comes in",
    "stranger comes in, IPv6",
    "worker to the archive's other port",
    "worker to mail at the archive's port",
    "worker to stranger",
    "worker to stranger, IPv6",
}


def ways_through(ground: Ground) -> set[str]:
    """Return every way on which a connection came about."""
    inward = {
        "archive comes in": (ARCHIVE, COLLECTOR, RECEIVER_PORT),
        "archive comes in, IPv6": (ARCHIVE6, COLLECTOR6, RECEIVER_PORT),
        "archive comes in at another port": (ARCHIVE, COLLECTOR, OTHER_PORT),
        "mail comes in": (MAIL, COLLECTOR, RECEIVER_PORT),
        "stranger comes in": (STRANGER, COLLECTOR, RECEIVER_PORT),
        "stranger comes in, IPv6": (STRANGER6, COLLECTOR6, RECEIVER_PORT),
    }
    outward = {
        "worker to archive": (ARCHIVE, ARCHIVE_PORT),
        "worker to archive, IPv6": (ARCHIVE6, ARCHIVE_PORT),
        "worker to mail": (MAIL, MAIL_PORT),
        "worker to the archive's other port": (ARCHIVE, OTHER_PORT),
        "worker to mail at the archive's port": (MAIL, ARCHIVE_PORT),
        "worker to stranger": (STRANGER, ARCHIVE_PORT),
        "worker to stranger, IPv6": (STRANGER6, ARCHIVE_PORT),
    }
    tries = {way: (ground.hospital, *how, "try", "") for way, how in inward.items()}
    tries |= {way: (ground.collector, "-", *to, "try", WORKER) for way, to in outward.items()}
    with ThreadPoolExecutor(len(tries)) as pool:
        came = dict(
            zip(
                tries,
                pool.map(lambda how: ground.attempt(*how[:5], user=how[5]), tries.values()),
                strict=True,
            )
        )
    return {way for way, how in came.items() if how == "connected"}


def serve_everywhere(ground: Ground) -> None:
    for port in (ARCHIVE_PORT, MAIL_PORT, OTHER_PORT):
        ground.serve(ground.hospital, "::", port)
    for port in (RECEIVER_PORT, OTHER_PORT):
        ground.serve(ground.collector, "::", port)


def test_only_named_peers_come_through_and_only_while_it_is_open(ground: Ground) -> None:
    serve_everywhere(ground)
    ground.guard()
    shut = ways_through(ground)
    worker = ground.worker()
    opened = ways_through(ground) | ways_through(ground)  # twice: a busy machine may miss one
    worker.communicate()
    ground.wait_until(lambda: not ground.card_is_up())
    shut_again = ways_through(ground)

    assert shut == set()
    assert opened == MEANT
    assert shut_again == set()


def test_without_any_rules_everybody_comes_through_so_these_tests_can_fail(ground: Ground) -> None:
    serve_everywhere(ground)
    ground.bare_network()

    ground.wait_until(lambda: ways_through(ground) == ALL_WAYS, "somebody did not come through")


def test_a_stranger_never_comes_through_while_it_opens_and_shuts_again_and_again(ground: Ground) -> None:
    serve_everywhere(ground)
    ground.guard()
    strangers = [
        ground.hammer(ground.hospital, STRANGER, COLLECTOR, RECEIVER_PORT),
        ground.hammer(ground.hospital, STRANGER6, COLLECTOR6, RECEIVER_PORT),
        ground.hammer(ground.hospital, ARCHIVE, COLLECTOR, OTHER_PORT),
        ground.hammer(ground.collector, "-", STRANGER, ARCHIVE_PORT, user=WORKER),
        ground.hammer(ground.collector, "-", STRANGER6, ARCHIVE_PORT, user=WORKER),
    ]
    archive = ground.hammer(ground.hospital, ARCHIVE, COLLECTOR, RECEIVER_PORT)
    said = ground.ask(
        "for _ in range(5):\n"
        "    window.open(datetime.now(UTC) + timedelta(minutes=1))\n"
        "    time.sleep(0.5)\n"
        "    window.close()\n"
        "print(window.reading().state.value)\n"
    )

    assert said == "closed\n"
    assert [stranger.connected_count() for stranger in strangers] == [0] * 5
    assert archive.connected_count() > 0


def test_the_archive_comes_through_in_no_state_but_open(ground: Ground) -> None:
    serve_everywhere(ground)
    ground.guard()
    before = ground.hammer(ground.hospital, ARCHIVE, COLLECTOR, RECEIVER_PORT)
    count_before = before.connected_count()
    ground.worker().communicate()
    ground.wait_until(lambda: not ground.card_is_up())
    after = ground.hammer(ground.hospital, ARCHIVE, COLLECTOR, RECEIVER_PORT)

    assert (count_before, after.connected_count()) == (0, 0)


def test_a_port_that_is_allowed_opens_no_door_as_the_port_a_stranger_comes_from(ground: Ground) -> None:
    for port in (RECEIVER_PORT, OTHER_PORT):
        ground.serve(ground.collector, "::", port)
    ground.guard()
    ground.worker()
    stranger = ground.attempt(ground.hospital, f"{STRANGER}%{ARCHIVE_PORT}", COLLECTOR, RECEIVER_PORT)
    archive = ground.attempt(ground.hospital, f"{ARCHIVE}%{ARCHIVE_PORT}", COLLECTOR, OTHER_PORT)

    assert (stranger, archive) == ("silence", "silence")


def test_only_the_worker_begins_a_connection(ground: Ground) -> None:
    serve_everywhere(ground)
    ground.guard()
    ground.worker()
    root = ground.attempt(ground.collector, "-", ARCHIVE, ARCHIVE_PORT)
    worker = ground.reached(ground.collector, "-", ARCHIVE, ARCHIVE_PORT, user=WORKER)

    assert (root, worker) == ("silence", "connected")


def test_udp_goes_to_the_named_time_server_and_nowhere_else(ground: Ground) -> None:
    for port in (TIME_PORT, 53):
        ground.serve(ground.hospital, ARCHIVE, port, "echo-udp")
    ground.guard()
    shut = ground.attempt(ground.collector, "-", ARCHIVE, TIME_PORT, "try-udp", user=WORKER)
    ground.worker()
    opened = ground.reached(ground.collector, "-", ARCHIVE, TIME_PORT, "try-udp", user=WORKER)
    names = ground.attempt(ground.collector, "-", ARCHIVE, 53, "try-udp", user=WORKER)

    assert (shut, opened, names) == ("silence", "answered", "silence")


def test_a_connection_that_is_going_on_ends_when_it_shuts_and_stays_so_when_it_opens_again(
    ground: Ground,
) -> None:
    serve_everywhere(ground)
    ground.guard()
    worker = ground.worker()
    held = (
        ground.hold(ground.hospital, ARCHIVE, COLLECTOR, RECEIVER_PORT),
        ground.hold(ground.collector, "-", ARCHIVE, ARCHIVE_PORT, user=WORKER),
        ground.hold(ground.hospital, ARCHIVE6, COLLECTOR6, RECEIVER_PORT),
        ground.hold(ground.collector, "-", ARCHIVE6, ARCHIVE_PORT, user=WORKER),
    )
    while_open = {one.still() for one in held}
    worker.communicate()
    ground.wait_until(lambda: not ground.card_is_up())
    shut = {one.still().split()[0] for one in held}
    ground.worker()
    opened_again = {one.still().split()[0] for one in held}
    anew = ground.reached(ground.hospital, ARCHIVE, COLLECTOR, RECEIVER_PORT)

    assert while_open == {"alive"}
    assert shut == {"silence"}
    assert opened_again == {"silence"}
    assert anew == "connected"


def test_loopback_is_there_in_every_state(ground: Ground) -> None:
    serve_everywhere(ground)
    ground.guard()
    shut = ground.reached(ground.collector, "-", "127.0.0.1", RECEIVER_PORT)
    ground.worker()
    opened = ground.reached(ground.collector, "-", "::1", RECEIVER_PORT)

    assert (shut, opened) == ("connected", "connected")


def test_every_other_card_stays_shut_while_the_window_is_open(ground: Ground) -> None:
    serve_everywhere(ground)
    ground.second_card("card1", "10.88.0.1", "10.88.0.2")
    before = ground.reached(ground.hospital, "10.88.0.2", "10.88.0.1", RECEIVER_PORT)
    ground.guard()
    ground.worker()
    came_in = ground.attempt(ground.hospital, "10.88.0.2", "10.88.0.1", RECEIVER_PORT)
    went_out = ground.attempt(ground.collector, "-", "10.88.0.2", ARCHIVE_PORT, user=WORKER)
    as_archive = ground.attempt(ground.hospital, ARCHIVE, "10.88.0.1", RECEIVER_PORT)

    assert before == "connected"
    assert (came_in, went_out, as_archive) == ("silence", "silence", "silence")


def test_nothing_is_forwarded_through_the_collector(ground: Ground) -> None:
    inner = ground.network_behind_the_collector("10.99.0.2")
    ground.serve(inner, "10.99.0.2", OTHER_PORT)
    ground.bare_network()
    before = ground.reached(ground.hospital, ARCHIVE, "10.99.0.2", OTHER_PORT)
    ground.guard()
    ground.worker()

    assert before == "connected"
    assert ground.attempt(ground.hospital, ARCHIVE, "10.99.0.2", OTHER_PORT) == "silence"
