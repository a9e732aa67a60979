"""Parameter counts at the paper's sizes: the paper's own figures, within ten percent."""

import pytest
import yaml

from conftest import ROOT
from pipeline.parameters import parameter_counts


@pytest.fixture(scope="module")
def counts():
    return parameter_counts(ROOT / "params.yaml", ROOT / "params" / "paper.yaml")


def total(counts, experiment, scale):
    mine = counts[(counts.experiment == experiment) & (counts.scale == scale)]
    return mine[mine.part != "reverb"].parameters.sum()


@pytest.mark.parametrize(("experiment", "paper"), [("supervised", 7e6), ("unsupervised", 12e6), ("unsupervised_pretrained", 12e6), ("tiny", 0.24e6)])
def test_the_papers_sizes_have_the_papers_counts(counts, experiment, paper):
    assert abs(total(counts, experiment, "paper") / paper - 1) < 0.1


def test_every_experiment_is_counted_at_both_scales(counts):
    experiments = yaml.safe_load((ROOT / "params.yaml").read_text())["experiments"]
    assert set(zip(counts.experiment, counts.scale)) == {(name, scale) for name in experiments for scale in ("trained", "paper")}
    assert counts[(counts.experiment == "solo_violin") & (counts.part == "reverb")].parameters.tolist() == [15999, 63999]


def test_only_the_tiny_model_is_as_large_here_as_in_the_paper(counts):
    for experiment in counts.experiment.unique():
        assert (total(counts, experiment, "paper") > total(counts, experiment, "trained")) == (experiment != "tiny")
