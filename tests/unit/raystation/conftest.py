from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.raystation.department import Department

if TYPE_CHECKING:
    from types import ModuleType

DEPLOY = Path(__file__).resolve().parents[3] / "deploy" / "raystation"
SCRIPT = DEPLOY / "beamkeeper_export.py"


@dataclass
class Clinic:
    """A department with the script installed, as its physicist set it up."""

    department: Department
    script: ModuleType
    folder: Path
    config: dict[str, Any]
    answer: dict[str, str] | None = None

    def __post_init__(self) -> None:
        self.said: list[str] = []

    def press(self) -> bool:
        done = self.script.press(
            self.department.connect(), self._loaded(), lambda _codes: self.answer, self.said.append
        )
        assert isinstance(done, bool)
        return done

    def scan(self) -> bool:
        done = self.script.scan(self.department.connect(), self._loaded())
        assert isinstance(done, bool)
        return done

    def _loaded(self) -> Any:
        path = self.folder / "raystation.json"
        path.write_text(json.dumps(self.config))
        return self.script.load_config(str(path))

    def receipts(self) -> list[dict[str, Any]]:
        found = [json.loads(path.read_text()) for path in (self.folder / "receipts").glob("*.json")]
        return sorted(found, key=lambda receipt: str(receipt["destination"]))

    def log(self) -> str:
        return (self.folder / "export.log").read_text()


@pytest.fixture(scope="session")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("beamkeeper_export", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def clinic(tmp_path: Path, script: ModuleType) -> Clinic:
    for name in ("receipts", "state"):
        (tmp_path / name).mkdir()
    config = {
        "format": 1,
        "receipts_folder": str(tmp_path / "receipts"),
        "state_folder": str(tmp_path / "state"),
        "log_file": str(tmp_path / "export.log"),
        "triage": {"1": "urgent", "5": "an alternative exists"},
        "destinations": [
            {"name": "suncheck", "title": "SUNCHECK"},
            {
                "name": "mim",
                "node": "mim.example",
                "port": 104,
                "called_ae": "MIM",
                "calling_ae": "RAYSTATION",
            },
            {"name": "beamkeeper", "folder": "D:\\dicom"},
        ],
    }
    return Clinic(Department(), script, tmp_path, config)


@pytest.fixture
def now() -> datetime:
    return datetime.now()  # noqa: DTZ005 - RayStation's times have no zone


@pytest.fixture
def yesterday(now: datetime) -> datetime:
    return now - timedelta(days=1)
