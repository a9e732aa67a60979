"""Parameter counts at the paper's sizes are within ten percent of the paper's. `unsupervised` is
not: the f0 encoder of the authors' code brings it to 13.3 million, where the paper says 12.
"""

import pytest
import yaml

from conftest import ROOT
from pipeline.common.settings import Settings
from pipeline.reporting.parameter_counts import parameter_counts


@pytest.fixture(scope="module")
def counts():
    return parameter_counts(Settings.read(ROOT / "params.yaml"), ROOT / "params" / "paper.yaml")


def total(counts, experiment):
    mine = counts[counts.experiment == experiment]
    return mine[mine.part != "reverb"].parameters.sum()


@pytest.mark.parametrize(
    ("experiment", "paper"),
    [
        ("supervised", 7e6),
        ("unsupervised_pretrained", 12e6),
        ("tiny", 0.24e6),
    ],
)
def test_the_papers_sizes_have_the_papers_counts(counts, experiment, paper):
    assert abs(total(counts, experiment) / paper - 1) < 0.1


def test_the_f0_encoder_has_the_size_of_the_authors(counts):
    """`make conformance` copies the weights of this size one by one into the authors' ResNet."""
    mine = counts[counts.experiment == "unsupervised"].set_index("part").parameters
    assert mine["f0_encoder"] == 6_305_024
    assert total(counts, "unsupervised") - total(counts, "supervised") == mine["f0_encoder"]


def test_every_experiment_is_counted(counts):
    experiments = yaml.safe_load((ROOT / "params.yaml").read_text())["experiments"]
    assert counts.experiment.unique().tolist() == list(experiments)
    assert counts[
        (counts.experiment == "solo_violin") & (counts.part == "reverb")
    ].parameters.tolist() == [63999]
