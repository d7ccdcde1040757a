"""The ARIA contract over a real PostgreSQL: the same questions, unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine
from tests.contract.aria_contract import CODES, NOW, SETTINGS, AriaContract, ask_aria
from tests.peers.postgresql_cluster import PrivateCluster
from tests.peers.postgresql_plans import explained, padded, unbounded

from beamkeeper.app.jobs.sources import sql_source
from beamkeeper.app.site_sources import AriaSourceSection
from beamkeeper.errors import ConfigError, SourceAnswerInvalid
from beamkeeper.protect.census import CensusWindow, OisPhotos, aria_mapping
from beamkeeper.rehearse.sim.aria import TABLES, quirky_clinic
from beamkeeper.rehearse.sim.aria.quirks import PHOTO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from beamkeeper.protect.census import SourceAnswer

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def cluster(program: Callable[[str], str]) -> Iterator[PrivateCluster]:
    with PrivateCluster(program) as running:
        running.sql("CREATE DATABASE aria")
        engine = create_engine(running.url("aria").replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as connection:
            TABLES.create(connection)
            TABLES.write(connection, quirky_clinic().rows)
            TABLES.create_indexes(connection)
        engine.dispose()
        running.sql(
            "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;"
            "CREATE ROLE writer LOGIN; GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA public TO writer",
            database="aria",
        )
        yield running


def section(cluster: PrivateCluster, user: str, **more: object) -> AriaSourceSection:
    keys = {"kind": "aria", "name": "aria", "url": cluster.url("aria", user), "timezone": "Europe/Brussels"}
    return AriaSourceSection.model_validate(keys | {"schema": ""} | more)


@pytest.fixture(scope="module")
def answer(cluster: PrivateCluster) -> SourceAnswer:
    return ask_aria(cluster.url("aria", "reader"))


class TestPostgresqlAria(AriaContract):
    """PostgreSQL folds names, pads CHAR columns and gives times as datetimes."""


def test_a_login_that_may_write_is_refused_unless_the_site_file_accepts_it(cluster: PrivateCluster) -> None:
    with pytest.raises(ConfigError, match="may write"):
        sql_source(section(cluster, "writer")).ask(NOW, CensusWindow())
    accepted = sql_source(section(cluster, "writer", unsafe_writable_login=True)).ask(NOW, CensusWindow())

    assert "The login of this database may write." in accepted.warnings
    assert accepted.entries


def test_a_photo_is_read_byte_for_byte_by_the_patient_id(cluster: PrivateCluster) -> None:
    mapping = aria_mapping(SETTINGS)
    source = OisPhotos(mapping, cluster.url("aria", "reader"), secret="", timeout_s=10, read_only=True)
    (photo,) = source.names(("plain",))
    file = source.open(("plain", photo.name))
    source.close()

    assert photo.name == "photo patient"
    assert file is not None
    assert file.read() == PHOTO


def test_ten_lines_of_the_site_file_are_enough(cluster: PrivateCluster) -> None:
    answer = sql_source(section(cluster, "reader")).ask(NOW, CensusWindow())

    assert "plain" in {entry.patient.patient_id for entry in answer.entries}


def test_every_question_starts_from_a_patient_a_plan_or_a_date(
    cluster: PrivateCluster, questions: list[tuple[str, Any]]
) -> None:
    ask_aria(cluster.url("aria", "reader"))
    asked = [(text, values) for text, values in questions if text.startswith("SELECT q.")]

    codes = {name.lower() for name in CODES}
    plans = dict(explained(padded(cluster, "aria", TABLES), asked))
    assert len(plans) > 15
    assert {text: found for text, plan in plans.items() if (found := unbounded(plan, codes))} == {}


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("SELECT COUNT(*) FROM RadiationHstry h WHERE h.FractionNumber = 1", "radiationhstry"),
        (
            "SELECT 1 FROM Patient p, TreatmentRecord t WHERE p.PatientSer = 1 AND t.PlanUID = '1'",
            "treatmentrecord",
        ),
        ("SELECT c.CourseSer FROM Course c ORDER BY c.CourseSer", "course"),
    ],
)
def test_a_question_that_reads_a_whole_table_is_found_out(
    cluster: PrivateCluster, statement: str, table: str
) -> None:
    ((_, plan),) = explained(cluster.url("aria", "reader"), [(statement, {})])

    assert unbounded(plan, set()) == {table}


def test_an_optional_column_that_is_gone_is_said_and_a_needed_one_stops_this_source(
    cluster: PrivateCluster,
) -> None:
    with cluster.without("aria", "Machine", "MachineScale"):
        older = ask_aria(cluster.url("aria", "reader"))
    with cluster.without("aria", "RTPlan", "PlanUID"), pytest.raises(SourceAnswerInvalid, match=r"\[plan\]"):
        ask_aria(cluster.url("aria", "reader"))

    assert "[field] has not what scale stands for: it is not known." in older.warnings
    assert "plain" in {entry.patient.patient_id for entry in older.entries}
