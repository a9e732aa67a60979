"""The audit of tables that the smoke project does not have: three seeds, and the tiny model."""

import pandas as pd
import pytest
import yaml

from conftest import ROOT
from made_rows import make_rows
from pipeline.audit import ablation_tests, cells, printed, study_cells
from pipeline.audit.checks import Project
from pipeline.audit.report import audit
from pipeline.common.settings import Settings
from pipeline.reporting.ablations import ablation_cells, write_ablation_table
from pipeline.reporting.cells import TabulateConfig
from pipeline.reporting.columns import METRICS
from pipeline.reporting.table_1 import read_paper, resynthesis_cells, write_resynthesis_table
from pipeline.reporting.tiny import write_tiny_table
from tampering import edit_table, set_cell, shift_printed

ROWS = "reports/rows"
TABLES = "reports/tables"
PARAMS = {
    "seeds": [0, 1, 2],
    "tabulate": {"bases": {}, "resamples": 300, "seed": 0},
    "data": {"notes": {"source": "notes"}},
    "experiments": {
        "base": {"data": "notes"},
        "worse": {"ablates": "base", "asks": "Why?", "model": {}},
        "same": {"ablates": "base", "asks": "Why not?", "model": {}},
    },
}


def test_the_audit_has_the_metrics_of_the_tables():
    assert sorted(cells.METRICS) == sorted(metric.name for metric in METRICS)


@pytest.fixture
def three_seeds(tmp_path, random):
    """Rows of three experiments with three seeds each, and their table of ablations."""
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    rows = make_rows(random, PARAMS["seeds"])
    (tmp_path / ROWS).mkdir(parents=True)
    for (name, seed), run_rows in rows.groupby(["experiment", "seed"]):
        run_rows.to_parquet(tmp_path / ROWS / f"{name}-{seed}.parquet")
    config = TabulateConfig(**PARAMS["tabulate"])
    ablations = Settings(tmp_path, PARAMS).ablations
    tables = tmp_path / TABLES
    write_ablation_table(ablation_cells(rows, ablations, config), ablations, tables)
    resynthesis = resynthesis_cells(rows, {"notes": ["base"]}, config)
    resynthesis.to_csv(tables / "resynthesis.csv", index=False)
    return tmp_path


def test_three_seeds_are_audited(three_seeds):
    checks = [cells.check_cells, ablation_tests.check_tests, printed.check_ablations]
    assert [check.findings for check in audit(three_seeds, checks)] == [[], [], []]
    lines = cells.read_cells(three_seeds / TABLES / "ablations.csv")
    assert {line["verdict"] for line in lines} == {"", "worse", "no measurable change"}
    better = set_cell("same", "spectral_loss_minus_base", "verdict", "better")
    edit_table(f"{TABLES}/ablations.csv", better)(three_seeds)
    edit_table(f"{ROWS}/worse-1.parquet", lambda t: t.assign(spectral_loss=t.spectral_loss - 3))(
        three_seeds
    )
    assert [check.verdict for check in audit(three_seeds, checks)] == ["fails", "fails", "fails"]


def test_the_tiny_models_table_is_audited(tmp_path, random):
    rows = make_rows(random, [0]).replace({"experiment": {"base": "solo_violin", "worse": "tiny"}})
    config = TabulateConfig(bases={"notes": "solo_violin"}, resamples=300, seed=0)
    experiments = {"notes": ["solo_violin", "tiny"]}
    paper = read_paper(ROOT / "pipeline" / "reporting" / "paper.yaml")
    tables = tmp_path / TABLES
    table = resynthesis_cells(rows, experiments, config)
    write_resynthesis_table(table, experiments, config.bases, paper, [], tables)
    counts = pd.DataFrame(
        [("solo_violin", "trained", "decoder", 300_000), ("tiny", "trained", "decoder", 200_000)],
        columns=["experiment", "scale", "part", "parameters"],
    )
    write_tiny_table(table, counts, "solo_violin", tables)
    project = Project(tmp_path, {}, {}, {})
    assert study_cells.check_tiny(project).verdict == "holds"
    for tamper in (
        shift_printed(f"{TABLES}/tiny.md"),
        edit_table(f"{TABLES}/tiny.csv", set_cell("tiny", "spectral_loss", "value", "1.0")),
    ):
        tamper(tmp_path)
        assert study_cells.check_tiny(project).verdict == "fails"
        write_tiny_table(table, counts, "solo_violin", tables)
