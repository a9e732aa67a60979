"""Ablations: pairing, Holm's correction, verdicts, the files."""

import numpy as np
import pandas as pd
import pytest

from made_rows import make_rows
from pipeline.common.experiments import Ablation
from pipeline.common.settings import Settings
from pipeline.reporting.ablations import (
    ablation_cells,
    holm,
    permutation_p,
    verdict,
    write_ablation_table,
)
from pipeline.reporting.cells import TabulateConfig, format_cell
from pipeline.reporting.figures import forest

CONFIG = TabulateConfig(bases={"notes": "base"}, resamples=300, seed=0)
ABLATIONS = [
    Ablation("worse", "base", "What does it do?"),
    Ablation("same", "base", "Does it matter?"),
]


def primary(cells, name):
    return cells[(cells["row"] == name) & (cells.metric == "spectral_loss_minus_base")].iloc[0]


def test_holm_by_hand():
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, 0.03, 0.9])), [0.09, 0.04, 0.09, 0.9])
    np.testing.assert_allclose(holm(np.array([0.5, 0.6])), [1.0, 1.0])


def test_the_permutation_test_is_exact_for_few_clusters():
    values = pd.DataFrame({"group": list("abcde"), "value": [1.0, 2.0, 3.0, 4.0, 5.0]})
    assert permutation_p(values, 0) == pytest.approx(2 / 2**5)
    assert permutation_p(values.assign(value=[1.0, -1.0, 1.0, -1.0, 0.0]), 0) == pytest.approx(1)
    assert permutation_p(values[:1], 0) == 1.0


def test_p_is_calibrated_under_no_difference(random):
    """Under no difference p is at most 0.1 in about one trial of ten."""
    small = 0
    for _ in range(300):
        values = pd.DataFrame({"group": np.arange(8), "value": random.normal(size=8)})
        small += permutation_p(values, 0) <= 0.1
    assert 0.04 < small / 300 < 0.16


def test_with_one_seed_there_is_no_verdict(random):
    cells = ablation_cells(make_rows(random, [0]), ABLATIONS, CONFIG)
    assert (
        primary(cells, "worse").verdict == "none: one seed"
        and primary(cells, "worse").p_holm < 0.05
    )
    assert (
        primary(cells, "worse").low > 0.9
        and primary(cells, "same").low < 0 < primary(cells, "same").high
    )


def test_three_seeds_that_agree_give_a_verdict(random):
    cells = ablation_cells(make_rows(random, [0, 1, 2]), ABLATIONS, CONFIG)
    assert (
        primary(cells, "worse").verdict == "worse"
        and primary(cells, "same").verdict == "no measurable change"
    )
    assert len(primary(cells, "worse").per_seed.split()) == 3
    assert primary(cells, "worse").rows == "base-0 base-1 base-2 worse-0 worse-1 worse-2"


def test_seeds_that_disagree_give_no_verdict():
    assert verdict(0.001, [1.0, 2.0, -0.1]) == "no measurable change"
    assert (
        verdict(0.001, [-1.0, -2.0, -0.1]) == "better"
        and verdict(0.06, [1.0, 2.0, 3.0]) == "no measurable change"
    )
    assert verdict(0.001, [1.0, 2.0]) == "none: 2 seeds"


def test_the_files_hold_the_same_figures(tmp_path, random):
    cells = ablation_cells(make_rows(random, [0]), ABLATIONS, CONFIG)
    write_ablation_table(cells, ABLATIONS, tmp_path)
    markdown, latex = ((tmp_path / f"ablations.{suffix}").read_text() for suffix in ("md", "tex"))
    for name in ("worse", "same"):
        shown = format_cell(primary(cells, name))
        assert shown in markdown and shown in latex
    assert "What does it do?" in markdown and "none: one seed" in latex and "\\midrule" in latex
    back = pd.read_csv(tmp_path / "ablations.csv")
    np.testing.assert_allclose(back.value, cells.value)
    forest(back, {"spectral_loss_minus_base": "minus base"}, tmp_path / "forest.png")
    assert (tmp_path / "forest.png").stat().st_size > 5000


def test_experiments_that_name_a_base_are_ablations(tmp_path):
    params = {"experiments": {"base": {"data": "x"}, "less": {"ablates": "base", "asks": "Why?"}}}
    assert Settings(tmp_path, params).ablations == [Ablation("less", "base", "Why?")]
