"""Which storage counts as sealed, by files laid out as the kernel shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.app.test_checkup_host import Computer
from tests.unit.app.test_site_window import BASE

from beamkeeper.app.checkup_data import check_data, check_data_key
from beamkeeper.app.checkup_host import check_host
from beamkeeper.app.opening_data import lies_beside, new_passphrase
from beamkeeper.app.sealed_data import Sealed, Shut, sealed_folder, standing, verify_sealed
from beamkeeper.app.site import Site, parse_site
from beamkeeper.errors import ConfigError, DataClosed

if TYPE_CHECKING:
    from pathlib import Path

CLEAR = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
LUKS = "22 1 253:0 / / rw - ext4 /dev/mapper/root rw\n"
UNSEEN = "22 1 0:40 / / rw - zfs tank/root rw\n"


def mounted(at: Path, kind: str) -> str:
    return f"{CLEAR}62 22 0:41 / {at} rw - {kind} {at}.sealed rw\n"


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    return Computer(tmp_path / "root")


def site_at(base: Path, *, more: str = "") -> Site:
    keys = 'keys_dir = "keys"'
    assert keys in BASE
    return parse_site(
        BASE.replace(keys, f'keys_dir = "data/keys"\nencrypt_only = true\n{more}').format(more=""), base=base
    )


@pytest.mark.parametrize(
    ("mounts", "sealed"), [(CLEAR, None), (LUKS, Sealed.DM_CRYPT), (UNSEEN, None), ("", None)]
)
def test_a_folder_counts_as_sealed_where_the_kernel_shows_it(computer, tmp_path, mounts, sealed) -> None:
    computer.write("proc/self/mountinfo", mounts)

    assert standing(tmp_path / "data", computer.host()).sealed is sealed


@pytest.mark.parametrize(("kind", "sealed"), [("fuse.gocryptfs", Sealed.GOCRYPTFS), ("tmpfs", Sealed.MEMORY)])
def test_gocryptfs_and_memory_count_and_so_does_what_lies_in_them(computer, tmp_path, kind, sealed) -> None:
    (tmp_path / "data").mkdir()
    computer.write("proc/self/mountinfo", mounted(tmp_path / "data", kind))

    assert standing(tmp_path / "data", computer.host()).sealed is sealed
    assert standing(tmp_path / "data/keys", computer.host()).sealed is sealed
    verify_sealed(site_at(tmp_path), computer.host())


def test_data_in_clear_are_refused_before_anything_is_written(computer, tmp_path) -> None:
    computer.write("proc/self/mountinfo", CLEAR)

    with pytest.raises(ConfigError, match=r"data_dir .* is not seen to be encrypted") as refused:
        verify_sealed(site_at(tmp_path), computer.host())
    assert "sealed-data.md" in refused.value.do_next
    assert not (tmp_path / "data").exists()


def test_keys_in_clear_beside_sealed_data_are_refused(computer, tmp_path) -> None:
    computer.write("proc/self/mountinfo", mounted(tmp_path / "data", "fuse.gocryptfs"))
    (tmp_path / "data").mkdir()
    site = site_at(tmp_path)
    section = site.vault.model_copy(update={"keys_dir": tmp_path / "keys"})

    with pytest.raises(ConfigError, match="keys_dir"):
        verify_sealed(site.model_copy(update={"vault": section}), computer.host())


def test_a_bare_mount_point_is_shut_whatever_disk_it_lies_on(computer, tmp_path) -> None:
    folder = sealed_folder(tmp_path / "data")
    folder.mkdir()
    (folder / "gocryptfs.conf").touch()
    computer.write("proc/self/mountinfo", LUKS)

    assert standing(tmp_path / "data", computer.host()).shut is Shut.CLOSED
    with pytest.raises(DataClosed) as refused:
        verify_sealed(site_at(tmp_path), computer.host())
    assert refused.value.do_next == "beamkeeper data open"


def test_a_site_with_its_own_key_may_write_where_it_likes(computer, tmp_path) -> None:
    computer.write("proc/self/mountinfo", CLEAR)

    verify_sealed(parse_site(BASE.format(more=""), base=tmp_path), computer.host())


@pytest.mark.parametrize(
    "text",
    [
        BASE.replace('keys_dir = "keys"', 'keys_dir = "keys"\ndata_key = "env:KEY"'),
        BASE.replace('keys_dir = "keys"', 'keys_dir = "keys"\nencrypt_only = true')
        + '[ledger]\nurl = "sqlite:////x"',
    ],
)
def test_a_site_file_that_would_take_data_elsewhere_is_refused(tmp_path, text) -> None:
    with pytest.raises(ConfigError, match="encrypt_only"):
        parse_site(text.format(more=""), base=tmp_path)


def test_a_key_on_the_disk_of_what_it_opens_is_bad_but_not_on_luks(computer, tmp_path) -> None:
    folder = sealed_folder(tmp_path / "data")
    folder.mkdir()
    (folder / "gocryptfs.conf").touch()
    (tmp_path / "key").write_text("secret")
    site = site_at(tmp_path, more=f'data_key = "file:{tmp_path}/key"')
    computer.write("proc/self/mountinfo", CLEAR)
    (found,) = check_data_key(site, computer.host())
    beside = lies_beside(site, computer.host())
    computer.write("proc/self/mountinfo", LUKS)

    assert (found.verdict, beside) == ("bad", True)
    assert not lies_beside(site, computer.host())


def test_the_check_up_says_what_memory_costs_and_that_swap_is_bad(computer, tmp_path) -> None:
    (tmp_path / "data").mkdir()
    computer.write("proc/self/mountinfo", mounted(tmp_path / "data", "tmpfs"))
    computer.write("proc/swaps", "Filename\n/dev/sda1 partition 1 0 -2\n")
    site = site_at(tmp_path)
    findings = {finding.what: finding.verdict for finding in check_host(site, computer.host())}

    assert check_data(site, computer.host()).verdict == "warning"
    assert findings["swap"] == "bad"


def test_a_passphrase_is_made_for_paper_and_never_twice() -> None:
    made = {new_passphrase() for _ in range(50)}

    assert len(made) == 50
    assert all(len(text) == 29 and text.replace("-", "").isalnum() for text in made)
