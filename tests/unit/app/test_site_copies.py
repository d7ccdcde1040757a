"""`[[copies]]` of the site file: both kinds are read, what is unsafe is refused before anything starts."""

from __future__ import annotations

import pytest
from tests.unit.app.test_site import written

from beamkeeper.app.jobs.copy_stores import compare_rules_of, rule_of, web_peer
from beamkeeper.app.site import parse_site
from beamkeeper.app.site_copies import DicomCopies, WebCopies
from beamkeeper.app.window_plan import named_peers
from beamkeeper.errors import ConfigError
from beamkeeper.protect.copies import Group, Share
from beamkeeper.protect.copies.routing import USUAL_GROUPS, USUAL_SHARES
from beamkeeper.protect.isolate import Direction
from beamkeeper.wire.dicomweb import basic, bearer

DICOM = """
[[copies]]
name = "mim"
kind = "dicom"
ae_title = "MIM_EMERGENCY"
host = "192.0.2.30"
port = 104
"""
WEB = """
[[copies]]
name = "cloud"
kind = "dicomweb"
url = "https://pacs.example.org/dicom-web"
"""


def site(text: str, tmp_path):
    return parse_site(written() + text, base=tmp_path)


def test_what_is_left_out_is_what_iridium_sends(tmp_path):
    mim, cloud = site(DICOM + WEB, tmp_path).copies

    assert isinstance(mim, DicomCopies)
    assert isinstance(cloud, WebCopies)
    assert rule_of(mim).shares == USUAL_SHARES
    assert rule_of(mim).groups == USUAL_GROUPS
    assert (mim.when, mim.read_back, cloud.read_back, cloud.remove) == ("approval", "get", "web", "none")
    assert (mim.servers, cloud.servers) == ((("192.0.2.30", 104),), (("pacs.example.org", 443),))


def test_the_site_file_knows_every_share_and_group(tmp_path):
    shares, groups = [share.value for share in Share], [group.value for group in Group]
    one = site(f"{DICOM}what = {shares}\npatients = {groups}\n", tmp_path).copies[0]

    assert rule_of(one).shares == frozenset(Share)
    assert rule_of(one).groups == frozenset(Group)


@pytest.mark.parametrize(
    "wrong",
    [
        DICOM + DICOM,
        DICOM + 'what = ["everything"]',
        DICOM + "what = []",
        DICOM + 'patients = ["all"]',
        DICOM + 'when = "weekly"',
        DICOM + 'read_back = "move"',
        DICOM + 'read_back = "web"',
        DICOM + 'ae_title_ = "X"',
        DICOM.replace("MIM_EMERGENCY", "LONGER_THAN_SIXTEEN"),
        DICOM.replace("port = 104", "port = 0"),
        WEB.replace("https://", "http://"),
        WEB.replace("/dicom-web", "/dicom-web/"),
        WEB.replace("https://", "https://user:word@"),
        WEB.replace("/dicom-web", "/dicom-web?key=secret"),
        WEB + 'user = "us"',
        WEB + 'token = "env:T"\nuser = "us"\npassword = "env:P"',
        WEB + 'remove = "orthanc"',
        WEB + 'remove_user = "us"',
        WEB + 'tls_certificate = "us.pem"',
        WEB + 'read_back = "get"',
    ],
)
def test_what_cannot_be_is_refused(tmp_path, wrong):
    with pytest.raises(ConfigError):
        site(wrong, tmp_path)


def test_another_place_is_another_store(tmp_path):
    here = site(DICOM, tmp_path).copies[0]
    there = site(DICOM.replace("192.0.2.30", "192.0.2.31"), tmp_path).copies[0]

    assert here.place != there.place


def test_elements_that_decide_treatment_cannot_be_declared_away(tmp_path):
    chosen = site(DICOM + 'may_change = ["InstitutionName"]', tmp_path)
    unsafe = site(DICOM + 'may_change = ["PatientID"]', tmp_path)

    compare_rules_of(chosen.copies[0], chosen)
    with pytest.raises(ConfigError, match="PatientID"):
        compare_rules_of(unsafe.copies[0], unsafe)


def test_who_sends_and_who_deletes_can_be_two(tmp_path, monkeypatch):
    monkeypatch.setenv("SEND", "sends")
    monkeypatch.setenv("DELETE", "deletes")
    text = WEB + 'token = "env:SEND"\nremove = "dicomweb"\nremove_user = "us"\nremove_password = "env:DELETE"'
    section = site(text, tmp_path).copies[0]
    assert isinstance(section, WebCopies)

    assert web_peer(section).authorization() == bearer("sends")
    assert web_peer(section, to_remove=True).authorization() == basic("us", "deletes")
    monkeypatch.setenv("SEND", "renewed")
    assert web_peer(section).authorization() == bearer("renewed")


WINDOW = """
[window]
interface = "eno1"
addresses = ["192.0.2.20/24"]
worker = "beamkeeper"
"""


def test_the_window_lets_through_whom_the_stores_name_and_who_gives_objects_back(tmp_path):
    back = 'read_back = "move"\nback_ae_title = "US"\nback_port = 11114\nasked_host = "192.0.2.31"\n'
    made = site(WINDOW + DICOM + back + WEB, tmp_path)
    named = {(what, way, host, port) for what, way, host, port, _ in named_peers(made)}

    assert ("copies mim", Direction.OUTBOUND, "192.0.2.30", 104) in named
    assert ("copies mim", Direction.OUTBOUND, "192.0.2.31", 104) in named
    assert ("copies mim, back", Direction.INBOUND, "192.0.2.31", 11114) in named
    assert ("copies cloud", Direction.OUTBOUND, "pacs.example.org", 443) in named


def test_the_window_lets_through_whom_an_orthanc_is_told_to_delete_by(tmp_path):
    deletes = 'remove = "orthanc"\northanc_url = "https://pacs.example.org:8042"\n'
    made = site(WINDOW + WEB + deletes, tmp_path)
    named = {(what, host, port) for what, _, host, port, _ in named_peers(made)}

    assert {("copies cloud", "pacs.example.org", port) for port in (443, 8042)} <= named
