"""The audit of reports/conformance.csv finds every way to tamper with it."""

import shutil

import pytest

from conformance.measure import DEPARTS, SAME, Row
from conformance.table import SOURCES, write_table
from conftest import ROOT
from pipeline.audit import conformance
from pipeline.audit.checks import Project
from pipeline.common.files import code_digest
from tampering import add_file, edit_table, edit_text

TABLE = conformance.TABLE
SYNTHESIS = "dsp.harmonic.harmonic_synthesis"


@pytest.fixture
def project(tmp_path):
    """Sources, a table in which one row departs, and the line that says why."""
    for name in SOURCES:
        source, copy = ROOT / "pipeline" / name, tmp_path / "pipeline" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, copy)
    names = set(conformance.public_names(tmp_path / "pipeline")) - conformance.WITHOUT_ROWS.keys()
    rows = [
        Row(name, "values", "random", "float64 closed form", 1e-7, 1e-5, SAME, "")
        for name in sorted(names)
    ]
    rows.append(Row(SYNTHESIS, "values", "a minute", "3.7.0", 0.5, 1e-5, DEPARTS, "phase-drift"))
    digest = code_digest(*SOURCES, root=tmp_path / "pipeline")
    write_table(tmp_path / TABLE, rows, digest)
    (tmp_path / "docs").mkdir()
    (tmp_path / conformance.DIFFERENCES).write_text(
        "# Differences\n\n### Phase drift\n\nIt drifts.\n"
    )
    return Project(tmp_path, {}, {}, {})


def drop(module):
    return edit_table(TABLE, lambda table: table[table.module != module])


def set_column(module, column, value):
    def change(table):
        table.loc[(table.module == module) & (table.reference == "3.7.0"), column] = value
        return table

    return edit_table(TABLE, change)


TAMPERINGS = {
    "a removed row": (drop("models.gru.Gru"), "models.gru.Gru has no row"),
    "a row of no function": (
        edit_text(TABLE, "models.gru.Gru,", "models.gru.Lstm,"),
        "models.gru.Lstm is no public function",
    ),
    "a changed verdict": (
        set_column(SYNTHESIS, "verdict", "same"),
        "verdict is same, the figures say departs",
    ),
    "a difference that is no number": (
        edit_text(TABLE, "1e-07", "nan"),
        "verdict is same, the figures say departs",
    ),
    "a link to a missing anchor": (
        set_column(SYNTHESIS, "line", "phase-shift"),
        "no heading for #phase-shift",
    ),
    "a departure without a link": (set_column(SYNTHESIS, "line", ""), "no heading for #"),
    "a line that was removed": (
        edit_text(conformance.DIFFERENCES, "### Phase drift", "### Phases"),
        "no heading for #phase-drift",
    ),
}


def test_an_untouched_table_holds(project):
    check = conformance.check_conformance(project)
    assert check.verdict == "holds", check
    assert check.count > 60


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_tampering_is_found(project, kind):
    tamper, finding = TAMPERINGS[kind]
    tamper(project.root)
    check = conformance.check_conformance(project)
    assert check.verdict == "fails"
    assert any(finding in text for text in check.findings)


@pytest.mark.parametrize(
    "edit",
    [
        edit_text("pipeline/dsp/harmonic.py", "HOP", "HOPS"),
        edit_text("pipeline/evaluation/outliers.py", "12.0", "11.0"),
        add_file("pipeline/models/added.py", '"""Added."""\n\n\ndef added():\n    """Add."""\n'),
    ],
)
def test_other_sources_are_a_check_that_did_not_run(project, edit):
    edit(project.root)
    check = conformance.check_conformance(project)
    assert check.verdict == "not run" and "make conformance" in check.not_run


def test_a_stale_table_can_still_fail(project):
    edit_text("pipeline/dsp/harmonic.py", "HOP", "HOPS")(project.root)
    set_column(SYNTHESIS, "verdict", "same")(project.root)
    assert conformance.check_conformance(project).verdict == "fails"


def test_a_new_function_needs_a_row(project):
    add_file("pipeline/models/added.py", '"""Added."""\n\n\ndef added():\n    """Add."""\n')(
        project.root
    )
    digest = conformance.sources_digest(project.root / "pipeline")
    edit_table(TABLE, lambda table: table.assign(sources=digest))(project.root)
    check = conformance.check_conformance(project)
    assert check.findings == [
        f"{TABLE}: models.added.added has no row; add a comparison to conformance/, "
        "run `make conformance`"
    ]


def test_the_audit_and_the_table_hash_alike():
    package = ROOT / "pipeline"
    assert SOURCES == conformance.SOURCES
    assert conformance.sources_digest(package) == code_digest(*SOURCES)
