"""The receiver against a sender that writes each byte itself."""

from __future__ import annotations

import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from raw_sender import (
    EXPLICIT,
    IMPLICIT,
    PLAN,
    VERIFICATION,
    Instance,
    RawSender,
    command_set,
    element,
    item,
    made_up,
    pdu,
    pdv,
    read_instance,
    real_instances,
    receiving,
    store_command,
)

from beamkeeper.errors import BeamkeeperError, ConfigError
from beamkeeper.wire.dicom.known import write_known
from beamkeeper.wire.dicom.receiver import Receiver, ReceiverConfig

if TYPE_CHECKING:
    from beamkeeper.wire.dicom.spool import SpoolReader

PLAN_CONTEXT = [(1, PLAN, [EXPLICIT])]


def data_set_of(path: Path, content: bytes) -> bytes:
    path.write_bytes(content)
    instance = read_instance(path)
    assert instance is not None
    return instance.data_set


def wait_for(reader: SpoolReader, count: int, limit_s: float = 10.0) -> list:
    found: list = []
    deadline = time.monotonic() + limit_s
    while len(found) < count and time.monotonic() < deadline:
        found += reader.poll()
        time.sleep(0.01)
    return found


def test_every_real_object_is_kept_byte_for_byte(tmp_path: Path, real_data: Path) -> None:
    instances = real_instances(real_data)
    pairs = sorted({(i.sop_class_uid, i.transfer_syntax_uid) for i in instances})
    contexts = [(2 * n + 1, sop, [syntax]) for n, (sop, syntax) in enumerate(pairs)]
    number_of = {(sop, syntaxes[0]): number for number, sop, syntaxes in contexts}

    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        assert sender.associate(contexts) is None
        for instance in instances:
            number = number_of[instance.sop_class_uid, instance.transfer_syntax_uid]
            assert sender.store(instance, context_id=number) == 0
        sender.release()
        spooled = here.reader.poll()

        assert len(spooled) == len(instances) > 200
        for instance, kept in zip(instances, spooled, strict=True):
            assert data_set_of(tmp_path / "kept.dcm", here.reader.read(kept)) == instance.data_set
            assert kept.sop_instance_uid == instance.sop_instance_uid
            assert kept.transfer_syntax_uid == instance.transfer_syntax_uid
        assert not any(patient in here.log() for patient in ("Becker", "1.2.840.10008.5"))


@pytest.mark.parametrize("fragment", [1, 2, 333, 4096, 131066])
def test_fragments_of_any_size_make_the_same_object(tmp_path: Path, fragment: int) -> None:
    instance = made_up(200_000 if fragment > 100 else 3000)
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        assert sender.store(instance, fragment=fragment) == 0
        (kept,) = here.reader.poll()

        assert data_set_of(tmp_path / "kept.dcm", here.reader.read(kept)) == instance.data_set


def test_several_fragments_in_one_pdu_and_split_commands(tmp_path: Path) -> None:
    instance = made_up(5000)
    command = store_command(instance)
    data = instance.data_set
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        sender.send(pdu(4, pdv(1, 1, command[:7]) + pdv(1, 1, b"")))
        sender.send(pdu(4, pdv(1, 3, command[7:]) + pdv(1, 0, data[:100]) + pdv(1, 0, b"")))
        sender.send(pdu(4, pdv(1, 0, data[100:300]) + pdv(1, 2, data[300:]) + pdv(1, 3, command)))
        first = sender.read_status()
        sender.send(pdu(4, pdv(1, 2, data)))
        second = sender.read_status()
        spooled = here.reader.poll()

        assert (first, second) == (0, 0)
        assert [data_set_of(tmp_path / "kept.dcm", here.reader.read(kept)) for kept in spooled] == [data] * 2
        assert len({kept.sha256 for kept in spooled}) == 1


def test_bytes_that_come_one_by_one_make_the_same_object(tmp_path: Path) -> None:
    instance = made_up(60)
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        for byte in sender.command_pdu(instance) + pdu(4, pdv(1, 2, instance.data_set)):
            sender.send(bytes((byte,)))
        status = sender.read_status()

        assert (status, len(here.reader.poll())) == (0, 1)


def test_an_unasked_object_is_durable_when_success_is_answered(tmp_path: Path) -> None:
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        sender.store(made_up())
        (kept,) = here.reader.poll()

        assert not kept.solicited


def test_objects_we_asked_for_are_committed_together_when_the_association_idles(tmp_path: Path) -> None:
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        for number in range(20):
            assert sender.store(made_up(number=number), originator="BEAMKEEPER") == 0
        kept = wait_for(here.reader, 20)

        assert [one.sop_instance_uid for one in kept] == [f"1.2.3.4.{number}" for number in range(20)]
        assert all(one.solicited for one in kept)


def test_everything_is_durable_before_a_release_is_answered(tmp_path: Path) -> None:
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        for number in range(3):
            sender.store(made_up(number=number), originator="BEAMKEEPER")
        sender.send(pdu(5, bytes(4)))
        answer = sender.read_pdu()
        kept = here.reader.poll()

        assert (answer, len(kept)) == ((6, bytes(4)), 3)


def test_an_object_moved_for_somebody_else_is_not_taken_for_ours(tmp_path: Path) -> None:
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        sender.store(made_up(), originator="PACS")
        (kept,) = here.reader.poll()

        assert not kept.solicited


def test_an_object_the_vault_has_is_answered_and_not_kept(tmp_path: Path) -> None:
    with receiving(tmp_path / "first") as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        sender.store(made_up())
        (kept,) = here.reader.poll()
    write_known(tmp_path / "known", [bytes.fromhex(kept.sha256)])

    with (
        receiving(tmp_path / "second", known_path=tmp_path / "known") as here,
        RawSender(here.port) as sender,
    ):
        sender.associate(PLAN_CONTEXT)
        assert sender.store(made_up()) == 0
        assert sender.store(made_up(number=2)) == 0
        again, new = here.reader.poll()

    assert (again.known, again.sha256, new.known) == (True, kept.sha256, False)


def test_an_echo_is_answered(tmp_path: Path) -> None:
    echo = command_set(
        element(2, VERIFICATION.encode()),
        element(0x100, b"\x30\0"),
        element(0x110, b"\x07\0"),
        element(0x800, b"\x01\x01"),
    )
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.associate([(1, VERIFICATION, [IMPLICIT])])
        sender.send(pdu(4, pdv(1, 3, echo)))
        kind, body = sender.read_pdu()
        sender.release()

        assert kind == 4
        assert element(0x100, b"\x30\x80") in body
        assert element(0x120, b"\x07\0") in body
        assert element(0x900, b"\0\0") in body


def test_a_request_we_do_not_serve_is_refused_and_the_association_lives(tmp_path: Path) -> None:
    find = command_set(
        element(2, PLAN.encode()),
        element(0x100, b"\x20\0"),
        element(0x110, b"\x01\0"),
        element(0x800, b"\0\0"),
    )
    cancel = command_set(element(0x100, b"\xff\x0f"), element(0x120, b"\x01\0"), element(0x800, b"\x01\x01"))
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        sender.send(pdu(4, pdv(1, 3, find)) + pdu(4, pdv(1, 2, b"a query")))
        refused = sender.read_status()
        sender.send(pdu(4, pdv(1, 3, cancel)))

        assert refused == 0x0211
        assert sender.store(made_up()) == 0
        assert len(here.reader.poll()) == 1


def test_an_empty_data_set_is_no_object(tmp_path: Path) -> None:
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)

        assert sender.store(made_up(0)) == 0xC000
        assert sender.store(made_up(10)) == 0
        assert len(here.reader.poll()) == 1


def test_a_peer_that_takes_only_tiny_pdus_gets_its_answer_in_pieces(tmp_path: Path) -> None:
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT, max_pdu=32)
        sender.send(sender.command_pdu(made_up(10)) + pdu(4, pdv(1, 2, made_up(10).data_set)))
        answer, control = b"", 0
        while not control & 2:
            kind, body = sender.read_pdu()
            assert (kind, len(body) <= 32) == (4, True)
            control = body[5]
            answer += body[6:]

        assert answer.endswith(element(0x900, b"\0\0") + element(0x1000, b"1.2.3.4.1"))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"called": "OTHER"}, (1, 1, 7)),
        ({"calling": "STRANGER"}, (1, 1, 3)),
        ({"application_context": "1.2.3"}, (1, 1, 2)),
        ({"version": 2}, (1, 2, 2)),
    ],
)
def test_a_wrong_request_is_rejected_with_its_reason(tmp_path: Path, request_: dict, expected: tuple) -> None:
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        rejection = sender.associate(PLAN_CONTEXT, **request_)

        assert rejection == bytes((0, *expected))


def test_an_address_outside_the_networks_is_rejected(tmp_path: Path) -> None:
    with (
        receiving(tmp_path, allowed_networks=("127.0.0.1/32",)) as here,
        RawSender(here.port, source="127.0.0.2") as stranger,
        RawSender(here.port) as sender,
    ):
        assert stranger.associate(PLAN_CONTEXT) == bytes((0, 1, 1, 3))
        assert sender.associate(PLAN_CONTEXT) is None


def test_a_surplus_association_is_rejected_for_now(tmp_path: Path) -> None:
    with receiving(tmp_path, max_associations=1) as here:
        with RawSender(here.port) as first, RawSender(here.port) as second:
            assert first.associate(PLAN_CONTEXT) is None
            assert second.associate(PLAN_CONTEXT) == bytes((0, 2, 3, 2))
            first.release()
        for _ in range(100):
            with RawSender(here.port) as third:
                if third.associate(PLAN_CONTEXT) is None:
                    return
            time.sleep(0.02)
        pytest.fail("the place of an association that ended was never free again")


def test_storage_of_any_kind_is_accepted_and_services_are_not(tmp_path: Path) -> None:
    private, future = "1.2.752.243.99.1", "1.2.840.10008.5.1.4.1.1.9999"
    find, commitment = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.1.20.1"
    contexts = [
        (n, sop, ["1.2.3.4.5"])
        for n, sop in zip((1, 3, 5, 7, 9), (PLAN, private, future, find, commitment), strict=True)
    ]
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.associate(contexts)

        assert sender.results == {1: 0, 3: 0, 5: 0, 7: 3, 9: 3}
        assert sender.syntaxes[1] == "1.2.3.4.5"
        assert sender.store(Instance(private, "1.2.3", "1.2.3.4.5", b"any bytes"), context_id=3) == 0
        assert here.reader.poll()[0].transfer_syntax_uid == "1.2.3.4.5"


def test_items_we_do_not_know_are_passed_over(tmp_path: Path) -> None:
    user_identity = item(0x58, b"\x02\x01\x00\x04name\x00\x04word")
    asynchronous = item(0x53, struct.pack(">HH", 5, 5))
    role = item(0x54, struct.pack(">H", len(PLAN)) + PLAN.encode() + b"\x01\x01")
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT, more_user_items=user_identity + asynchronous + role + item(0x7F, b"?"))

        assert sender.store(made_up()) == 0
        assert "word" not in here.log()


def test_a_release_after_an_unfinished_command_ends_the_association(tmp_path: Path) -> None:
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        sender.send(pdu(4, pdv(1, 1, b"half")))
        sender.release()

        assert here.reader.poll() == ()


def test_two_associations_are_served_at_once(tmp_path: Path) -> None:
    with receiving(tmp_path) as here, RawSender(here.port) as one, RawSender(here.port) as two:
        one.associate(PLAN_CONTEXT)
        two.associate(PLAN_CONTEXT)
        one.send(one.command_pdu(made_up(number=1)))
        assert two.store(made_up(number=2)) == 0
        one.send(pdu(4, pdv(1, 2, made_up(number=1).data_set)))
        assert one.read_status() == 0

        assert len(here.reader.poll()) == 2


def test_a_port_that_is_taken_is_a_config_error(tmp_path: Path) -> None:
    with (
        receiving(tmp_path) as here,
        pytest.raises(ConfigError, match="cannot listen"),
        receiving(tmp_path / "second", port=here.port),
    ):
        pass


def test_the_receiver_process_loads_nothing_heavy(tmp_path: Path) -> None:
    with receiving(tmp_path) as here:
        maps = Path(f"/proc/{here.receiver.pid}/maps").read_text()

        assert not [name for name in ("numpy", "pydicom", "pynetdicom") if name in maps]
        assert resident_mb(here.receiver.pid) < 40


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def test_a_config_survives_its_journey_to_the_process() -> None:
    before = ReceiverConfig(
        ae_title="A", allowed_calling_ae_titles=frozenset({"B", "C"}), own_move_originators=frozenset({"A"})
    )

    assert ReceiverConfig.from_json(before.to_json()) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"ae_title": "SEVENTEEN LETTERS"},
        {"ae_title": ""},
        {"allowed_calling_ae_titles": frozenset()},
        {"max_pdu_bytes": 1},
        {"max_contexts": 129},
        {"idle_s": 0},
        {"allowed_networks": ("10.0.0.300/8",)},
    ],
)
def test_a_wrong_config_is_refused_before_anything_starts(wrong: dict) -> None:
    right = {"ae_title": "A", "allowed_calling_ae_titles": frozenset({"B"})}
    with pytest.raises(ConfigError):
        ReceiverConfig(**(right | wrong))


def test_a_receiver_outside_its_block_is_a_mistake_that_says_so(tmp_path: Path) -> None:
    config = ReceiverConfig(ae_title="A", allowed_calling_ae_titles=frozenset({"B"}))
    with pytest.raises(BeamkeeperError, match="not been started"):
        Receiver(config, spool_dir=tmp_path).is_alive()
