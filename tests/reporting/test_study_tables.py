"""Tables of the studies: cells, checks of their rows, captions."""

import itertools

import numpy as np
import pandas as pd
import pytest

from pipeline.common.cli import UserError
from pipeline.evaluation import control, extrapolation
from pipeline.evaluation.control import describe_trajectory
from pipeline.reporting.cells import TabulateConfig
from pipeline.reporting.studies import CONTROL, EXTRAPOLATION
from pipeline.reporting.study_tables import check_rows, study_cells, write_study_table
from tracked_tones import write_control, write_extrapolation

CONFIG = TabulateConfig(bases={}, resamples=200, seed=0)


def test_the_table_of_control_has_a_line_per_varied_feature(tmp_path):
    write_control(tmp_path)
    rows = control.rows(tmp_path)["control"]
    cells = study_cells(rows.assign(experiment="supervised", seed=0), CONTROL, CONFIG)
    write_study_table(cells, CONTROL, tmp_path)
    assert set(cells.varied) == {"f0", "loudness"}
    assert set(cells.rows) == {"control-supervised-0"}
    assert "| supervised" in (tmp_path / "control.md").read_text()


@pytest.fixture
def extrapolated(tmp_path):
    """Rows of one training, at -1 and 0 octaves."""
    write_extrapolation(tmp_path)
    rows = extrapolation.rows(tmp_path)["extrapolation"]
    return rows.assign(experiment="solo_violin", seed=0)


def test_extrapolation_is_compared_with_no_shift(extrapolated):
    rows = extrapolated.assign(loudness_l1_db=[3.0, 1.0])
    cells = study_cells(rows, EXTRAPOLATION, CONFIG).set_index(["octaves", "metric"]).value
    assert cells[-1, "loudness_l1_db_minus_base"] == 2
    assert (0, "loudness_l1_db_minus_base") not in cells.index
    without_base = study_cells(rows[rows.octaves < 0], EXTRAPOLATION, CONFIG)
    assert not without_base.metric.str.contains("minus").any()


def test_rows_must_be_those_of_every_training(extrapolated):
    trainings = {("solo_violin", 0), ("solo_violin", 1)}
    check_rows(extrapolated, EXTRAPOLATION, {("solo_violin", 0)})
    with pytest.raises(UserError, match="params.yaml names"):
        check_rows(extrapolated, EXTRAPOLATION, trainings)
    incomplete = pd.concat([extrapolated, extrapolated.head(1).assign(seed=1)])
    with pytest.raises(UserError, match="lines or examples differ from another seed"):
        check_rows(incomplete, EXTRAPOLATION, trainings)


def test_chance_of_a_trajectory_without_a_goal_is_as_the_table_says():
    correlations = [
        describe_trajectory(np.full(5, np.nan), np.array(order, float))[0]
        for order in itertools.permutations(range(5))
    ]
    assert np.mean(correlations) == pytest.approx(0.4)
    assert "0.4 on average" in CONTROL.about
