"""The site file that `beamkeeper init` writes: every line explained, nothing hidden."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteAnswers:
    """What `beamkeeper init` was told.

    Attributes
    ----------
    encrypt_only
        Make no key with which the collector could open what it sealed, and seal its data directory.
    on_sealed_disk
        With `encrypt_only`: the data directory lies on sealed storage already, make no folder of our own.
    archive
        (AE title, host, port) of the DICOM archive; None when there is none.
    ois_url, ois_mapping
        SQLAlchemy URL of the OIS database and its mapping file; None when there is none.
    more
        Further sections, as TOML.
    """

    name: str
    time_zone: str
    data_dir: Path
    vault_dir: Path
    keys_dir: Path
    encrypt_only: bool = False
    on_sealed_disk: bool = False
    receiver_ae_title: str = "BEAMKEEPER"
    receiver_port: int = 11113
    archive: tuple[str, str, int] | None = None
    ois_url: str | None = None
    ois_mapping: Path | None = None
    more: str = ""


def site_text(answers: SiteAnswers) -> str:
    """Return the site file as commented TOML."""
    return "\n".join([_HEAD.format(**_quoted(answers)), *_sources(answers)])


def _quoted(answers: SiteAnswers) -> dict[str, str]:
    caller = answers.archive[0] if answers.archive else "ARCHIVE"
    return {
        "name": _toml(answers.name),
        "time_zone": _toml(answers.time_zone),
        "data_dir": _toml(answers.data_dir),
        "vault_dir": _toml(answers.vault_dir),
        "keys_dir": _toml(answers.keys_dir),
        "encrypt_only": "true " if answers.encrypt_only else "false",
        "ae_title": _toml(answers.receiver_ae_title),
        "port": str(answers.receiver_port),
        "caller": _toml(caller),
    }


def _toml(value: object) -> str:
    # A JSON string is a valid TOML basic string.
    return json.dumps(str(value), ensure_ascii=False)


def _sources(answers: SiteAnswers) -> list[str]:
    parts = []
    if answers.archive:
        ae_title, host, port = answers.archive
        parts.append(_ARCHIVE.format(ae_title=_toml(ae_title), host=_toml(host), port=port))
    if answers.ois_url:
        mapping = _toml(answers.ois_mapping or "ois-mapping.toml")
        parts.append(_OIS.format(url=_toml(answers.ois_url), mapping=mapping))
    if answers.more:
        parts.append(answers.more)
    return [*(parts or [_NO_SOURCE]), _RECEIPTS]


_HEAD = """\
# Beamkeeper site file. One file says all; an unknown or misspelt key is refused before anything starts.
# Secrets never stand here: write a reference such as "file:/etc/beamkeeper/ois.password",
# "env:OIS_PASSWORD" or "credential:ois" (systemd LoadCredential).
format = 1

[site]
name = {name}
time_zone = {time_zone}          # nights are counted by the clock on this wall
data_dir = {data_dir}            # ledger, spool, remembered metadata: on an encrypted disk
# night_phone = "+32 3 555 00 00, physicist on call"   # on each dossier and list; sealed with them

[vault]
directory = {vault_dir}          # sealed parcels and signed metadata
keys_dir = {keys_dir}            # the collector's own keys, mode 0600; the recovery key is NOT here
encrypt_only = {encrypt_only}             # true: the collector cannot open what it sealed (docs/security.md)
# data_key = "credential:data"   # what opens data_dir then; else a person types it: docs/guide/sealed-data.md
retention_days = 30              # after the last treatment: docs/guide/retention.md
# after_completion_days = 14     # sooner, where the OIS calls the course complete and no fraction is left
fresh_hours = 30                 # after that without a night, the vault says it is stale

[ledger]
# url = "postgresql://beamkeeper@db/ledger"      # default: SQLite in data_dir
# jobs_url = "postgresql://beamkeeper@db/jobs"   # default: SQLite in data_dir

[night]
starts_at = 02:00:00             # local time; the night that has no 02:00 starts at 03:00
window_minutes = 240             # when it is over, what has come is kept and the rest is named
parallel_patients = 2
# dossiers = false               # no dossier.pdf in the parcels: docs/guide/dossier.md
# pictures = false               # dossiers without pictures: a tenth of the time
# pictures_minutes = 10          # so long a night draws in all; who comes later is drawn in another
# lists = false                  # no lists of the department in the vault: docs/guide/lists.md
# binder = true                  # the binder to print with them, each night: docs/guide/binder.md

# [hour]                         # today's treatment records between two nights: docs/guide/the-hour.md
# every_minutes = 10
# from = "07:00"
# until = "19:00"
# days = ["mon", "tue", "wed", "thu", "fri"]
# days_back = 7                  # records of so many days before are taken too

[receiver]
ae_title = {ae_title}            # tell the archive this AE title, this host and this port
bind = "127.0.0.1"               # the address of the network card towards the archive
port = {port}
allowed_callers = [{caller}]     # AE titles that may send
allowed_networks = ["127.0.0.0/8"]   # addresses that may send
# tls_certificate = "receiver.crt"
# tls_key = "receiver.key"
# tls_client_ca = "hospital-ca.crt"

[census]
treated_days = 7                 # on the list: treated in the last days and not finished,
scheduled_days = 7               # or booked in the coming days,
simulated_days = 14              # or simulated lately, or planned, approved and not started

# [quorum]                       # two people confirm each night: docs/guide/two-people-confirm.md
# people_needed = 2
# deadline = 10:00:00            # local; from then on people are called every remind_minutes
# [[quorum.people]]
# login = "an"
# name = "An Peeters"
# role = "physicist"
# mail = "an@hospital.example"
# [[quorum.people]]
# login = "bo"
# name = "Bo Claes"
# role = "physicist"
# mail = "bo@hospital.example"
#
# [mail]
# host = "mail.hospital.example"
# user = "beamkeeper"
# secret = "credential:mail"
# sender = "beamkeeper@hospital.example"
#
# [[alerts]]                     # mail, http, syslog, command; try them: beamkeeper alert test
# name = "mail"
# kind = "mail"

[compare]
volatile = []                    # DICOM keywords this site knows to change by themselves

[counting]                       # a beam is given when no more is missing than records round away:
meterset_mu = 0.1                # so many MU (a whole beam may read 509.07054 of 509.07073 MU)
meterset_minutes = 0.01          # or minutes, for sources and tubes counted in time (0.6 s),
meterset_relative = 0.001        # or this share of the planned meterset, whichever is the larger;
                                 # wider than your machines round, it hides what was broken off

# [window]                       # the air gap: docs/guide/air-gap.md
# interface = "eno1"             # the card; it is off but for fetching and delivering
# addresses = ["192.0.2.20/24"]  # its own, with the prefix
# worker = "beamkeeper"          # the user who may ask for it

# [[mirrors]]                    # copies of the vault elsewhere: docs/guide/mirrors.md
# name = "usb"
# kind = "directory"             # or "smb", "sftp", "s3", "azure", "gcs"
# path = "/mnt/usb/beamkeeper"   # must be there, and on another disk than the vault

# [[copies]]                     # plain DICOM in a store of its own: docs/guide/copies.md
# name = "mim"
# kind = "dicom"                 # or "dicomweb"
# ae_title = "MIM_EMERGENCY"
# host = "192.0.2.30"
# port = 104
# what = ["plan", "structures", "dose", "records", "planning images", "dossier"]
# patients = ["on treatment", "plan ready"]
# when = "approval"              # or "hourly", "nightly"

# [[documents]]                  # what the OIS holds besides DICOM: docs/guide/documents.md
# name = "aria"
# kind = "smb"                   # or "folder", with the path where the share is mounted
# server = "aria01"
# share = "va_docs$"
# folder = "Documents"
# user = 'HOSPITAL\\beamkeeper'   # a user who may read, and nothing else
# password = "credential:documents"
# ois_roots = ['\\\\aria01\\va_docs$\\Documents']   # what the OIS's paths begin with
# quarters_since = 2018-05-14    # ARIA: files lie in yyyyQn since this day
# find = ["{{patient_id}}_*.pdf"]  # files that no OIS names, by the Patient ID in their names
# photos = ["photo", "foto"]     # words in a picture's name or kind: it stands on the dossier

# [[documents]]                  # photos that the OIS keeps in its own tables
# name = "photos"
# kind = "ois"
# source = "aria"

# [[removals]]                   # a PACS told by HL7 that a patient's copy goes: docs/guide/retention.md
# name = "mim"
# host = "192.0.2.30"
# port = 2575
# template = "ADT^A23"           # or ADT^A29, ADT^A03, ADT^A08, or template_file = "remove.hl7"
# [removals.ask]                 # asked by C-FIND whether the patient is gone
# ae_title = "MIM_EMERGENCY"
# host = "192.0.2.30"
# port = 104

# [gap]                          # gaps in courses: docs/guide/gap.md
# parameters = "gap-parameters.toml"   # yours instead of the program's
# holidays = [2026-12-25, 2027-01-01]  # nobody is treated; courses are planned around them
# service = [2026-12-03]         # a machine is not there, and nobody knew when courses were planned
# make_up_days = ["sat"]         # weekdays on which a fraction can be made up; "sat", "sun" without this line

# [incident]                     # goes along in every copy, for the day it happens: docs/guide/incident.md
# triage_rules = "triage-rules.toml"   # yours: `beamkeeper triage rules` prints what comes with the program
# partners = "partners.toml"     # who could take patients: docs/formats/partners.md

[console]                        # the pages, once `beamkeeper console serve` runs: docs/guide/console.md
bind = "127.0.0.1"               # the address people reach it at; 127.0.0.1: on its own screen only
port = 8443
names = []                       # its names on the network, such as "collector.hospital.example"
idle_minutes = 15                # nobody touched it for so long: logged out
session_hours = 10               # logged out after a shift, whatever happens

# [[heartbeats]]                 # who alarms when we fall silent: docs/guide/watch.md
# url = "https://watch.example.org:8443/heartbeat"
# tls_ca = "watch-ca.pem"
"""

_ARCHIVE = """
[[sources]]
kind = "dicom"
name = "archive"
ae_title = {ae_title}
host = {host}
port = {port}
method = "move"                  # "move" into our receiver, or "get" over one association
in_census = true                 # records by date put patients on the list too
answer_seconds = 60              # the longest wait for an answer to a question
silence_seconds = 300            # the longest silence while it sends
"""

_OIS = """
[[sources]]
kind = "sql"
name = "ois"
url = {url}
mapping = {mapping}              # what to SELECT; see docs/formats/ois-mapping.md
# secret = "file:/etc/beamkeeper/ois.password"
timeout_seconds = 60
# unsafe_writable_login = true   # accept a login that may write; every report says so
"""

_NO_SOURCE = """
# Name at least one source:
#
# [[sources]]
# kind = "dicom"
# name = "archive"
# ae_title = "ARCHIVE"
# host = "192.0.2.10"
# port = 104
#
# [[sources]]
# kind = "sql"
# name = "ois"
# url = "postgresql://reader@ois/oncology"
# mapping = "ois-mapping.toml"
# secret = "file:/etc/beamkeeper/ois.password"
#
# [[sources]]
# kind = "aria"                                   # Varian ARIA: the mapping is shipped
# name = "aria"
# url = "mssql+pymssql://reader@aria/VARIAN"
# secret = "file:/etc/beamkeeper/aria.password"
# timezone = "Europe/Brussels"                    # of the server's wall clock
# mrn_column = "PatientId"                        # or PatientId2, SSN: the Patient ID of the DICOM objects
# treatment_activities = ["*treat*"]              # as activities are called on the screen
#
# [[sources]]
# kind = "mosaiq"                                 # Elekta MOSAIQ: the mapping is shipped
# name = "mosaiq"
# url = "mssql+pymssql://reader@mosaiq/MOSAIQ"
# secret = "file:/etc/beamkeeper/mosaiq.password"
# timezone = "Europe/Brussels"                    # of the server's wall clock
# mrn_column = "IDA"                              # of Ident; holds the Patient ID of the DICOM objects
# treatment_rooms = ["LINAC*"]                    # default: every room of a treatment machine
# next_of_kin = { name = "Kin_Name", phone = "Kin_Phone" }   # columns of Admin: ask your vendor which
# photo = { table = "PatPhoto", picture = "Picture" }        # a table or view of yours, with Pat_ID1
#
# [[sources]]
# kind = "raycare"                                # views or CSV reports that your department makes
# name = "raycare"
# url = "csv:////srv/raycare/reports"             # or postgresql://reader@reports/raycare
# timezone = "Europe/Brussels"                    # of times that say none
# plan_status = { "Released" = "approved" }       # your words and ours
# treatment_activities = ["Fraction*"]
#
# [[sources]]
# kind = "folder"
# name = "exports"
# path = "/srv/exports"
"""

_RECEIPTS = """\
#
# [[sources]]                    # what RayStation's script sent, and how urgent: docs/guide/raystation.md
# kind = "receipts"
# name = "raystation"
# path = "/srv/raystation/receipts"
"""
