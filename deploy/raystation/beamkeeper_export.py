# -*- coding: utf-8 -*-
"""Export what was approved in RayStation to every place that needs it, and leave a receipt of each export.

A clinic runs this file two ways (README.md beside it says how): as a button, for the plan that is open, and as
a scheduled scan over every patient that changed lately (environment variable BEAMKEEPER_MODE=scheduled).

It never changes a plan. As a button it saves the patient first, because RayStation exports only what is saved;
as a scan it saves nothing. RayStation names no event "after approval", so somebody or something must start it.

Old versions of RayStation run scripts in IronPython 2.7, newer ones in CPython 3: this file is written so that
both can read it. Nothing but RayStation and the standard library is needed.
"""

from __future__ import print_function

import datetime
import hashlib
import io
import json
import os
import sys
import time
import uuid

CONFIG_FILE = os.environ.get("BEAMKEEPER_CONFIG") or r"C:\Beamkeeper\raystation.json"
MODE = os.environ.get("BEAMKEEPER_MODE") or "button"

FORMAT = 1
RECEIPT = "beamkeeper raystation receipt"
APPROVED = "Approved"
LINE_MAX = 2000
"""Characters of one text of a receipt."""
LINES_MAX = 100
LOG_BYTES_MAX = 5000000
MARKER_DAYS_MORE = 30

DEFAULTS = {
    "approved_only": True,
    "send_despite_warnings": True,
    "look_back_days": 14,
    "triage": {},
}
NEEDED = ("format", "destinations", "receipts_folder", "state_folder", "log_file")
WAYS = ("title", "node", "folder", "ray_gateway_title")
"""The forms of a destination; each names exactly one."""
DESTINATION_KEYS = frozenset(WAYS) | frozenset(
    ("name", "port", "called_ae", "calling_ae", "content", "dicom_filter", "api")
)
CONTENT = ("images", "structures", "plan", "dose", "beam_doses", "drrs")
CONTENT_DEFAULT = ("images", "structures", "plan", "dose")
CURRENT, UP_TO_8 = "current", "up to 8"


class ExportError(Exception):
    """Something that whoever started this must know, in words."""


# The configuration ---------------------------------------------------------------------------------------------


def load_config(path):
    """Return the configuration; whatever is not understood is refused before anything is exported."""
    try:
        with io.open(path, "rb") as source:
            config = json.loads(source.read().decode("utf-8"))
    except (IOError, OSError, ValueError) as error:
        raise ExportError("The configuration %s cannot be read: %s" % (path, error))
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise ExportError("The configuration is not of format %d." % FORMAT)
    for key in NEEDED:
        if not config.get(key):
            raise ExportError("The configuration does not say %r." % str(key))
    strange = sorted(set(config) - set(NEEDED) - set(DEFAULTS))
    if strange:
        raise ExportError("The configuration says %s, which means nothing here." % ", ".join(strange))
    config = dict(DEFAULTS, **config)
    for destination in config["destinations"]:
        check_destination(destination)
    names = [destination["name"] for destination in config["destinations"]]
    if len(set(names)) != len(names):
        raise ExportError("Two destinations have the same name.")
    return config


def check_destination(destination):
    """Refuse a destination that is not described as README.md says."""
    name = destination.get("name") or "(without a name)"
    strange = sorted(set(destination) - DESTINATION_KEYS)
    if strange or not destination.get("name"):
        raise ExportError("Destination %s: what is %s?" % (name, ", ".join(strange) or "its name"))
    ways = [way for way in WAYS if destination.get(way)]
    if len(ways) != 1:
        raise ExportError("Destination %s names %d of: %s. It takes one." % (name, len(ways), ", ".join(WAYS)))
    if ways == ["node"] and not all(destination.get(key) for key in ("port", "called_ae", "calling_ae")):
        raise ExportError("Destination %s: a node takes port, called_ae and calling_ae too." % name)
    wrong = sorted(set(destination.get("content", CONTENT_DEFAULT)) - set(CONTENT))
    if wrong:
        raise ExportError("Destination %s: no content is called %s." % (name, ", ".join(wrong)))
    api = destination.get("api", CURRENT)
    if api not in (CURRENT, UP_TO_8):
        raise ExportError("Destination %s: api is %r or %r." % (name, str(CURRENT), str(UP_TO_8)))
    if api == UP_TO_8 and (ways == ["title"] or "beam_doses" in destination.get("content", ())):
        raise ExportError("Destination %s: RayStation up to 8 has no titles and no beam doses." % name)


# What RayStation is asked --------------------------------------------------------------------------------------


def destination_arguments(destination):
    """Return where to, in the form of ScriptableDicomExport; exactly one form for each call."""
    if destination.get("folder"):
        return {"ExportFolderPath": destination["folder"]}
    if destination.get("ray_gateway_title"):
        return {"RayGatewayTitle": destination["ray_gateway_title"]}
    if destination.get("title"):
        return {"Connection": {"Title": destination["title"]}}
    if destination.get("api", CURRENT) == UP_TO_8:
        return {
            "AEHostname": destination["node"],
            "AEPort": destination["port"],
            "CallingAETitle": destination["calling_ae"],
            "CalledAETitle": destination["called_ae"],
        }
    return {
        "Connection": {
            "Node": destination["node"],
            "Port": destination["port"],
            "CalledAE": destination["called_ae"],
            "CallingAE": destination["calling_ae"],
        }
    }


def content_arguments(destination, beam_set):
    """Return what to export of a beam set: the structure set is the one the plan really references."""
    identifier = beam_set.BeamSetIdentifier()
    is_old = destination.get("api", CURRENT) == UP_TO_8
    named = {
        "images": {"Examinations": [beam_set.GetPlanningExamination().Name]},
        "structures": {"RtStructureSetsReferencedFromBeamSets": [identifier]},
        "plan": {"BeamSets": [identifier]},
        "dose": {
            "BeamSetDoseForBeamSets" if is_old else "PhysicalBeamSetDoseForBeamSets": [identifier],
        },
        "beam_doses": {"PhysicalBeamDosesForBeamSets": [identifier]},
        "drrs": {"TreatmentBeamDrrImages": [identifier], "SetupBeamDrrImages": [identifier]},
    }
    arguments = {}
    for content in destination.get("content", CONTENT_DEFAULT):
        arguments.update(named[content])
    if destination.get("dicom_filter"):
        arguments["DicomFilter"] = destination["dicom_filter"]
    return arguments


def export_to(destination, case, beam_set, despite_warnings):
    """Export once; return the receipt's part about it. Whatever RayStation raises is an answer."""
    said = {"result": "failed", "error": "", "comment": "", "warnings": [], "notifications": []}
    try:
        arguments = dict(content_arguments(destination, beam_set), **destination_arguments(destination))
        answer = case.ScriptableDicomExport(IgnorePreConditionWarnings=False, **arguments)
    except Exception as first:  # .NET's and Python's: both are Exceptions in either Python
        add_answer(said, "%s" % first, is_warning=True)
        if not despite_warnings:
            said["error"] = "RayStation warns, and this site exports nothing despite warnings."
            return said
        try:
            answer = case.ScriptableDicomExport(IgnorePreConditionWarnings=True, **arguments)
        except Exception as second:
            said["error"] = cut("%s" % second) or second.__class__.__name__
            return said
    add_answer(said, answer, is_warning=False)
    said["result"] = "exported despite warnings" if said["warnings"] else "exported"
    return said


def add_answer(said, answer, is_warning):
    """Add what RayStation said: JSON with Comment, Warnings and Notifications, or plain words."""
    answer = "%s" % (answer or "")
    try:
        spoken = json.loads(answer)
    except ValueError:
        spoken = None
    if isinstance(spoken, dict):
        said["comment"] = cut(spoken.get("Comment"))
        said["warnings"] += [cut(line) for line in as_list(spoken.get("Warnings"))]
        said["notifications"] += [cut(line) for line in as_list(spoken.get("Notifications"))]
    elif is_warning:
        said["warnings"].append(cut(answer) or "RayStation gave no reason.")
    else:
        said["comment"] = cut(answer)
    del said["warnings"][LINES_MAX:], said["notifications"][LINES_MAX:]


def as_list(value):
    """Return a list of whatever was given."""
    if not value:
        return []
    return value if isinstance(value, list) else [value]


def cut(value):
    """Return a text no longer than a receipt takes; "" for nothing."""
    if value is None:
        return ""
    return ("%s" % (value,))[:LINE_MAX]


def wall_time(value):
    """Return a time of RayStation, which has no zone, as text: .NET's DateTime or Python's; "" for none."""
    if value is None:
        return ""
    if hasattr(value, "Year"):
        parts = (value.Year, value.Month, value.Day, value.Hour, value.Minute, value.Second)
    elif hasattr(value, "year"):
        parts = (value.year, value.month, value.day, value.hour, value.minute, value.second)
    else:
        return cut(value)
    return "%04d-%02d-%02dT%02d:%02d:%02d" % parts


def approval_of(beam_set):
    """Return (status, reviewer, time) of a beam set; empty before its review."""
    review = beam_set.Review
    if review is None:
        return "", "", ""
    # Reviewer and time were seen in one clinic's scripts only: their absence must not stop an export.
    reviewer, at = getattr(review, "ReviewerName", ""), getattr(review, "ReviewTime", None)
    return cut(review.ApprovalStatus), cut(reviewer), wall_time(at)


# What is left behind -------------------------------------------------------------------------------------------


def utc_now():
    """Return now as text, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def days_ago(days):
    """Return so many days ago on the wall clock, as text."""
    return wall_time(datetime.datetime.now() - datetime.timedelta(days=days))


def write_whole(path, value):
    """Write JSON so that a reader sees all of it or nothing; old Pythons cannot rename over a file."""
    with io.open(path + ".part", "wb") as target:
        target.write(json.dumps(value, indent=1, sort_keys=True).encode("ascii"))
        target.flush()
        os.fsync(target.fileno())
    if os.path.exists(path):
        os.remove(path)
    os.rename(path + ".part", path)


class Books(object):
    """The log, the receipts, and what is remembered between runs."""

    def __init__(self, config):
        self.log_file = config["log_file"]
        self.receipts = config["receipts_folder"]
        self.state = config["state_folder"]
        for folder in (self.receipts, self.state):
            if not os.path.isdir(folder):
                raise ExportError("The folder %s is not there, so nothing was exported." % folder)
        self.log("started")

    def log(self, line):
        """Add a line to the log; patients are named by their receipts only, but warnings are RayStation's."""
        if os.path.exists(self.log_file) and os.path.getsize(self.log_file) > LOG_BYTES_MAX:
            if os.path.exists(self.log_file + ".old"):
                os.remove(self.log_file + ".old")
            os.rename(self.log_file, self.log_file + ".old")
        line = " ".join(("%s %s" % (utc_now(), line)).split())
        with io.open(self.log_file, "ab") as target:
            target.write((line + "\r\n").encode("utf-8"))

    def receipt(self, facts, said):
        """Write one receipt, and the log's lines of it. Its name says nothing of the patient."""
        number = uuid.uuid4().hex
        receipt = dict(facts, format=FORMAT, kind=RECEIPT, receipt=number, written_at=utc_now(), **said)
        write_whole(os.path.join(self.receipts, number + ".json"), receipt)
        self.log("receipt %s, %s: %s" % (number, facts["destination"], said["result"]))
        for kind in ("warnings", "notifications"):
            for line in said[kind]:
                self.log("receipt %s, %s: %s" % (number, kind, line))
        if said["error"]:
            self.log("receipt %s, error: %s" % (number, said["error"]))

    def _marker(self, facts):
        keys = ("patient_id", "case", "plan", "beam_set", "reviewed_at", "destination")
        name = hashlib.sha1("\n".join(facts[key] for key in keys).encode("utf-8")).hexdigest()
        return os.path.join(self.state, name + ".done")

    def is_done(self, facts):
        """Say whether this approval has gone to this destination before."""
        return os.path.exists(self._marker(facts))

    def set_done(self, facts):
        """Remember that it has: one empty file each, so that a button and a scan may run at a time."""
        io.open(self._marker(facts), "ab").close()

    def load_scan(self):
        """Return what the last scan remembered: who was looked at as of which change, who is left since when."""
        path = os.path.join(self.state, "scan.json")
        for name in (path, path + ".part"):  # the second: killed between removing and renaming
            try:
                with io.open(name, "rb") as source:
                    scan = json.loads(source.read().decode("utf-8"))
                if scan.get("format") == FORMAT:
                    return scan
            except (IOError, OSError, ValueError):
                continue
        return {"format": FORMAT, "seen": {}, "pending": {}}

    def save_scan(self, scan):
        """Remember for the next scan."""
        write_whole(os.path.join(self.state, "scan.json"), scan)

    def forget_markers(self, days):
        """Remove the markers of approvals that are too old to be exported again."""
        now = datetime.datetime.now()
        for name in os.listdir(self.state):
            path = os.path.join(self.state, name)
            if name.endswith(".done"):
                age = now - datetime.datetime.fromtimestamp(os.path.getmtime(path))
                if age.days > days + MARKER_DAYS_MORE:
                    os.remove(path)


# Button and scan -----------------------------------------------------------------------------------------------


def plans_of(patient):
    """Return (case, plan, beam set) of everything a patient has."""
    return [
        (case, plan, beam_set)
        for case in patient.Cases
        for plan in case.TreatmentPlans
        for beam_set in plan.BeamSets
    ]


def facts_of(patient, case, plan, beam_set, mode, triage):
    """Return a receipt's part about what is exported."""
    status, reviewer, reviewed_at = approval_of(beam_set)
    return {
        "mode": mode,
        "patient_id": cut(patient.PatientID),
        "patient_name": cut(patient.Name),
        "case": cut(case.CaseName),
        "plan": cut(plan.Name),
        "beam_set": cut(beam_set.DicomPlanLabel),
        "approval": status,
        "reviewer": reviewer,
        "reviewed_at": reviewed_at,
        "triage": triage,
    }


def export_everywhere(config, books, case, beam_set, facts, again):
    """Export a beam set to each destination that lacks it; one that fails does not stop the others."""
    failed, exported = [], []
    for destination in config["destinations"]:
        one = dict(facts, destination=destination["name"])
        if not again and books.is_done(one):
            continue
        said = export_to(destination, case, beam_set, config["send_despite_warnings"])
        if said["result"] == "failed":
            failed.append(destination["name"])
        else:
            exported.append(destination["name"])
            books.set_done(one)
        books.receipt(one, said)
    return exported, failed


def press(connect, config, ask, tell):
    """Export the plan that is open; return whether everything went everywhere."""
    try:
        patient, case = connect.get_current("Patient"), connect.get_current("Case")
        plan = connect.get_current("Plan")
    except SystemError:
        raise ExportError("Open the patient, the case and the plan first.")
    wanted = [one for one in plan.BeamSets if not config["approved_only"] or approval_of(one)[0] == APPROVED]
    if not wanted:
        raise ExportError("No beam set of this plan is approved: nothing was exported.")
    books = Books(config)
    try:
        patient.Save()
    except Exception as error:
        books.log("the patient could not be saved")
        raise ExportError("RayStation could not save the patient, so nothing was exported: %s" % error)
    triage = ask(config["triage"]) if config["triage"] else None
    lines, is_whole = [], True
    for beam_set in wanted:
        facts = facts_of(patient, case, plan, beam_set, "button", triage)
        exported, failed = export_everywhere(config, books, case, beam_set, facts, again=True)
        is_whole = is_whole and not failed
        lines.append("%s: exported to %s" % (beam_set.DicomPlanLabel, ", ".join(exported) or "nobody"))
        if failed:
            lines.append("%s: FAILED for %s" % (beam_set.DicomPlanLabel, ", ".join(failed)))
    if config["triage"] and triage is None:
        lines.append("No triage code was given.")
    tell("\n".join(lines))
    return is_whole


def scan(connect, config):
    """Export what was approved lately and is not everywhere yet; return whether nothing is left over."""
    books = Books(config)
    remembered = books.load_scan()
    since = days_ago(config["look_back_days"])
    database = connect.get_current("PatientDB")
    seen, pending = {}, {}
    for row in database.QueryPatientInfo(Filter={}):
        patient_id, changed = cut(row["PatientID"]), wall_time(row["LastModified"])
        left_since = remembered["pending"].get(patient_id)
        if left_since is None and changed < since:
            continue
        if left_since is None and remembered["seen"].get(patient_id) == changed:
            seen[patient_id] = changed
            continue
        if scan_patient(config, books, database, row, left_since or since):
            seen[patient_id] = changed
        else:
            pending[patient_id] = left_since or since
        books.save_scan(scan_so_far(remembered, seen, pending))
    books.save_scan({"format": FORMAT, "seen": seen, "pending": pending})
    books.forget_markers(config["look_back_days"])
    books.log("scan ended, %d patients left for the next" % len(pending))
    return not pending


def scan_so_far(remembered, seen, pending):
    """Return what to remember if the scan ends here: whoever was not looked at stays as they were."""
    left = dict(remembered["pending"], **pending)
    return {
        "format": FORMAT,
        "seen": dict(remembered["seen"], **seen),
        "pending": dict((patient_id, since) for patient_id, since in left.items() if patient_id not in seen),
    }


def scan_patient(config, books, database, row, since):
    """Export one patient's approved beam sets; return whether nothing is left to do for them."""
    try:
        patient = database.LoadPatient(PatientInfo=row)
        found = plans_of(patient)
    except Exception as error:  # somebody works on the patient, or the database is away: the next scan tries
        books.log("one patient was skipped, open elsewhere or locked: %s" % error.__class__.__name__)
        return False
    is_whole = True
    for case, plan, beam_set in found:
        try:
            facts = facts_of(patient, case, plan, beam_set, "scheduled", None)
            if config["approved_only"] and facts["approval"] != APPROVED:
                continue
            if facts["reviewed_at"] and facts["reviewed_at"] < since:
                continue
            failed = export_everywhere(config, books, case, beam_set, facts, again=False)[1]
        except (IOError, OSError):
            raise  # of our own folders: without receipts nothing is exported
        except Exception as error:  # a plan that cannot be read must not stop the others
            books.log("one beam set could not be read: %s" % error.__class__.__name__)
            failed = [error]
        is_whole = is_whole and not failed
    return is_whole


# The screen ----------------------------------------------------------------------------------------------------


def ask_on_screen(codes):
    """Ask the triage code; None when nobody chose one or there is no screen to ask on."""
    try:
        import clr

        clr.AddReference("System.Windows.Forms")
        clr.AddReference("System.Drawing")
        from System.Drawing import Point, Size
        from System.Windows.Forms import Button, DialogResult, Form, Label, ListBox, TextBox
    except ImportError:
        return None
    ordered = sorted(codes)
    form = Form(Text="Beamkeeper: how urgent is this treatment in an emergency?", ClientSize=Size(520, 330))
    box = ListBox(Location=Point(10, 10), Size=Size(500, 180))
    for code in ordered:
        box.Items.Add("%s: %s" % (code, codes[code]))
    label = Label(Text="Reason (may stay empty):", Location=Point(10, 200), Size=Size(500, 20))
    reason = TextBox(Location=Point(10, 222), Size=Size(500, 25))
    button = Button(Text="Export", Location=Point(410, 280), DialogResult=DialogResult.OK)
    for control in (box, label, reason, button):
        form.Controls.Add(control)
    form.AcceptButton = button
    if form.ShowDialog() != DialogResult.OK or box.SelectedIndex < 0:
        return None
    return triage_of(ordered[box.SelectedIndex], reason.Text)


def triage_of(code, reason):
    """Return a triage code as a receipt holds it, with who gave it and when."""
    by = os.environ.get("USERNAME") or ""
    return {"code": cut(code), "reason": cut(reason), "given_by": cut(by), "given_at": utc_now()}


def tell_on_screen(text):
    """Show what was done, on a box where there is one."""
    print(text)
    try:
        import clr

        clr.AddReference("System.Windows.Forms")
        from System.Windows.Forms import MessageBox
    except ImportError:
        return
    MessageBox.Show(text, "Beamkeeper")


def main():
    """Run as the button or as the scan; 0 when everything went everywhere."""
    tell = print if MODE == "scheduled" else tell_on_screen
    try:
        import connect

        config = load_config(CONFIG_FILE)
        if MODE == "scheduled":
            is_whole = scan(connect, config)
        else:
            is_whole = press(connect, config, ask_on_screen, tell)
    except ExportError as error:
        tell("%s" % error)
        return 2
    return 0 if is_whole else 1


if __name__ == "__main__":
    STATUS = main()
    if MODE == "scheduled":
        sys.exit(STATUS)
