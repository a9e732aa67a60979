"""Aggregation, intervals and the tables' files."""

import json

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT
from pipeline.common.cli import UserError
from pipeline.common.params import RESERVED
from pipeline.common.settings import Settings
from pipeline.reporting.cells import TabulateConfig, aggregate, format_cell, paired_difference
from pipeline.reporting.checks import check_rows
from pipeline.reporting.columns import METRICS, Metric
from pipeline.reporting.intervals import cluster_bootstrap, wilson
from pipeline.reporting.table_1 import (
    NAMES,
    read_paper,
    resynthesis_cells,
    write_metrics,
    write_resynthesis_table,
)

CONFIG = TabulateConfig(bases={"notes": "supervised"}, resamples=500, seed=0)
ORDER = {
    "notes": ["supervised", "no_z", *(f"{name}@notes" for name in NAMES)],
    "violin": [f"{name}@violin" for name in list(NAMES)[:1]],
}
PAPER = read_paper(ROOT / "pipeline" / "reporting" / "paper.yaml")


@pytest.fixture
def rows(random):
    columns = sorted({c for metric in METRICS for c in (metric.column, metric.denominator) if c})
    found = []
    for number, (data, name) in enumerate(
        (data, name) for data, names in ORDER.items() for name in names
    ):
        for example in range(20):
            values = {column: float(random.uniform(0, 1) + number) for column in columns}
            values |= {
                "frames_pitched": 20,
                "frames_outlier_paper": example % 2,
                "outlier_clips_0_0_6": 0.0,
                "outlier_clips_3_7": 0.0,
            }
            found.append(
                {
                    "data": data,
                    "experiment": name,
                    "seed": None if "@" in name else 0,
                    "example_id": f"{data}{example}@0",
                    "group": f"z{example % 5}",
                }
                | values
            )
    return pd.DataFrame(found).astype({"seed": "Int64"})


def test_the_bootstrap_covers_a_known_mean(random):
    hits = 0
    for trial in range(200):
        centers = random.normal(size=30)
        values = np.repeat(centers, 5) + 0.1 * random.normal(size=150)
        low, high = cluster_bootstrap(values, np.repeat(np.arange(30), 5), np.ones(150), 400, trial)
        hits += low <= 0 <= high
    assert 0.88 <= hits / 200 <= 0.99  # drawing single clips would cover about 0.55


def test_wilsons_interval_of_zero_is_not_empty():
    low, high = wilson(0.0, 64)
    assert low == pytest.approx(0, abs=1e-12) and high == pytest.approx(0.0566, abs=1e-3)


def test_undefined_values_are_excluded_and_not_counted(rows):
    mine = rows[rows.experiment == "supervised"].copy()
    mine.loc[mine.index[:4], "f0_l1"] = np.nan
    cell = aggregate(mine, Metric("f0_l1", "", "f0_l1"), CONFIG)
    assert cell["examples"] == 16 and cell["clusters"] == 5
    assert (
        cell["value"] == pytest.approx(mine.f0_l1.mean())
        and cell["low"] < cell["value"] < cell["high"]
    )


def test_one_cluster_has_no_interval(rows):
    mine = rows[(rows.experiment == "supervised") & (rows["group"] == "z0")]
    cell = aggregate(mine, Metric("f0_l1", "", "f0_l1"), CONFIG)
    assert np.isnan(cell["low"]) and np.isnan(cell["high"]) and cell["clusters"] == 1
    assert format_cell(pd.Series(cell)) == f"{mine.f0_l1.mean():.3f} n={len(mine)}"


def test_a_share_of_frames_is_a_ratio_of_sums(rows):
    mine = rows[rows.experiment == "supervised"]
    metric = next(metric for metric in METRICS if metric.name == "outlier_frames_paper")
    assert aggregate(mine, metric, CONFIG)["value"] == pytest.approx(10 / 400)


def test_all_undefined_is_undefined(rows):
    mine = rows[rows.experiment == "supervised"].assign(f0_l1=np.nan)
    cell = aggregate(mine, Metric("f0_l1", "", "f0_l1"), CONFIG)
    assert np.isnan(cell["value"]) and format_cell(pd.Series(cell)) == "undefined"


def test_differences_are_paired_by_example(rows):
    base = rows[rows.experiment == "supervised"]
    shifted = base.assign(spectral_loss=base.spectral_loss + 0.5).sample(frac=1, random_state=0)
    cell = paired_difference(shifted, base, Metric("spectral_loss", "", "spectral_loss"), CONFIG)
    assert (
        cell["value"] == pytest.approx(0.5)
        and cell["low"] == pytest.approx(0.5)
        and cell["high"] == pytest.approx(0.5)
    )


def test_paired_differences_of_frame_shares_are_weighed_by_frames(rows):
    metric = next(metric for metric in METRICS if metric.name == "outlier_frames_paper")
    base = rows[rows.experiment == "supervised"]
    worse = base.assign(frames_outlier_paper=base.frames_outlier_paper + 3)
    cell = paired_difference(worse, base, metric, CONFIG)
    assert cell["value"] == pytest.approx(3 / 20) and cell["low"] == pytest.approx(3 / 20)
    assert cell["value"] == pytest.approx(
        aggregate(worse, metric, CONFIG)["value"] - aggregate(base, metric, CONFIG)["value"]
    )


def write(rows, folder, notes=()):
    cells = resynthesis_cells(rows, ORDER, CONFIG)
    write_resynthesis_table(cells, ORDER, CONFIG.bases, PAPER, list(notes), folder / "tables")
    write_metrics(cells, folder / "metrics.json")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows[rows.experiment != "no_z"],
        lambda rows: rows.drop(index=rows.index[3]),
        lambda rows: pd.concat([rows, rows.iloc[:1]]),
        lambda rows: rows.assign(seed=rows.seed.where(rows.experiment != "no_z", 7)),
        lambda rows: pd.concat([rows, rows[rows.experiment == "no_z"].assign(experiment="old")]),
        lambda rows: rows.assign(data=rows.data.where(rows.experiment != "no_z", "violin")),
    ],
)
def test_incomplete_rows_are_rejected(rows, spoil):
    check_rows(rows, ORDER, [0])
    with pytest.raises(UserError, match="run `dvc repro evaluate`"):
        check_rows(spoil(rows), ORDER, [0])


def test_a_missing_seed_is_rejected(rows):
    with pytest.raises(UserError, match="holds seeds"):
        check_rows(rows, ORDER, [0, 1])


def test_the_files_hold_the_same_figures(tmp_path, rows):
    write(rows, tmp_path, ["A remark."])
    table = pd.read_csv(tmp_path / "tables" / "resynthesis.csv")
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    markdown = (tmp_path / "tables" / "resynthesis.md").read_text()
    latex = (tmp_path / "tables" / "resynthesis.tex").read_text()
    for name in (name for names in ORDER.values() for name in names):
        cell = table[(table["row"] == name) & (table.metric == "spectral_loss")].iloc[0]
        assert cell.value == pytest.approx(rows[rows.experiment == name].spectral_loss.mean())
        assert metrics[name]["spectral_loss"] == pytest.approx(cell.value, abs=1e-6)
        assert format_cell(cell) in markdown
        assert cell.rows == (name if "@" in name else f"{name}-0")
        assert (
            format_cell(table[(table["row"] == name) & (table.metric == "f0_l1")].iloc[0]) in latex
        )
    assert (
        "| 0.1" in markdown
        and "0.003" in markdown
        and "\\toprule" in latex
        and "A remark." in markdown
    )


def test_the_papers_figures_are_the_papers():
    found = {
        row["row"]: [row["loudness_l1_std_0_0_6"], row["f0_l1"], row["outlier_clips_0_0_6"]]
        for row in PAPER["table_1"]["rows"]
    }
    assert found == {
        "paper_wavernn": [0.10, 1.00, 0.07],
        "paper_supervised": [0.07, 0.02, 0.003],
        "paper_unsupervised": [0.09, 0.80, 0.04],
    }


def test_cells_are_rounded_by_their_interval():
    assert (
        format_cell(pd.Series({"value": 1.23456, "low": 1.1, "high": 1.4, "examples": 9}))
        == "1.23 [1.10, 1.40] n=9"
    )
    assert (
        format_cell(pd.Series({"value": 0.0123, "low": 0.011, "high": 0.0139, "examples": 9}))
        == "0.0123 [0.0110, 0.0139] n=9"
    )


def test_differences_stay_within_a_data_set(tmp_path, rows):
    write(rows, tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["no_z"]["spectral_loss_minus_base"] == pytest.approx(1, abs=0.5)
    assert metrics["original_retracked@violin"]["spectral_loss_minus_base"] is None


def test_no_experiment_may_take_a_yardsticks_name():
    assert tuple(NAMES) == RESERVED


def test_only_single_notes_have_a_nearest_note():
    params = {
        "data": {"a": {"source": "nsynth"}, "b": {"source": "folder"}},
        "experiments": {"x": {"data": "b"}},
    }
    assert Settings(ROOT, params).row_names() == {
        "a": [f"{name}@a" for name in NAMES],
        "b": ["x", "original_retracked@b", "mean_spectrum@b"],
    }


def test_the_committed_reports_agree(committed):
    settings = Settings.read(committed / "params.yaml")
    order = settings.row_names()
    metrics = json.loads((committed / "reports" / "metrics.json").read_text())
    # others are studies
    assert [name for name in metrics if "/" not in name] == sorted(
        name for names in order.values() for name in names
    )
    rows = pd.concat(
        [pd.read_parquet(path) for path in (committed / "reports" / "rows").glob("*.parquet")]
    )
    check_rows(rows, order, settings.seeds)
    for name, mine in rows.groupby("experiment"):
        assert metrics[name]["spectral_loss"] == pytest.approx(mine.spectral_loss.mean(), abs=1e-5)
