"""The tables of models: parameter counts, budgets and validation losses."""

import json

import pandas as pd
import pytest

from conftest import ROOT
from pipeline.reporting.parameters import parameter_table, write_parameter_table
from pipeline.reporting.table_1 import read_paper
from pipeline.reporting.trainings import read_trainings, training_table, write_training_table

PAPER = read_paper(ROOT / "pipeline" / "reporting" / "paper.yaml")


@pytest.fixture
def counts():
    rows = [
        ("supervised", "paper", "conditioning/decoder", 6_900_000),
        ("supervised", "trained", "conditioning/decoder", 500_000),
        ("tiny", "paper", "conditioning/decoder", 300_000),
        ("tiny", "paper", "reverb", 63_999),
        ("tiny", "trained", "conditioning/decoder", 200_000),
        ("tiny", "trained", "reverb", 15_999),
        ("own", "paper", "conditioning/decoder", 1),
        ("own", "trained", "conditioning/decoder", 1),
    ]
    return pd.DataFrame(rows, columns=["experiment", "scale", "part", "parameters"])


def test_parameters_are_compared_with_the_papers(counts):
    table = parameter_table(counts, PAPER).set_index("Model")
    supervised, tiny = (
        table.loc["DDSP autoencoder, supervised"],
        table.loc["DDSP autoencoder, tiny (one 256-unit GRU)"],
    )
    assert (
        supervised["Paper"] == "7M"
        and supervised["Ours, paper's sizes"] == "6.9M"
        and supervised["Difference"] == "-1%"
    )
    assert supervised["Why"] == "" and supervised["Ours, as trained"] == "0.5M"
    assert (
        tiny["Ours, paper's sizes"] == "0.3M"
        and tiny["Reverb"] == "63,999"
        and tiny["Difference"] == "+25%"
        and tiny["Why"]
    )
    assert table.loc["WaveRNN (Hantrakul et al. 2019)", "Ours, paper's sizes"] == ""
    assert table.loc["not in the paper's list", "Ours"] == "own"


def test_the_files_hold_the_parts(tmp_path, counts):
    write_parameter_table(counts, PAPER, tmp_path)
    assert pd.read_csv(tmp_path / "parameters.csv").equals(counts)
    text = (tmp_path / "parameters.md").read_text()
    assert (
        "63,999" in text
        and "| tiny" in text
        and (tmp_path / "parameters.tex").read_text().startswith("\\begin{tabular}")
    )


def write_training(folder, name, valid):
    log = pd.DataFrame(
        {
            "step": [5 * (n + 1) for n in range(len(valid))],
            "loss": 1.0,
            "learning_rate": 0.1,
            "valid_loss": valid,
        }
    )
    log.to_csv(folder / f"{name}.csv", index=False)
    summary = {
        "objective": "spectral loss",
        "steps": 5 * len(valid),
        "epochs": 2.5,
        "parameters": {"a": 3, "b": 4},
        "seconds": {"pretraining": 0.0, "training": 12.3},
    }
    (folder / f"{name}.json").write_text(json.dumps(summary))


@pytest.mark.parametrize(
    ("valid", "said"),
    [
        ([4.0, 3.0, 2.9], "yes (-3.3%)"),
        ([4.0, 3.0, 2.99], "no (-0.3%)"),
        ([4.0, 3.0, 3.3], "no (+10.0%)"),
    ],
)
def test_a_falling_validation_loss_is_reported(tmp_path, valid, said):
    write_training(tmp_path, "supervised-0", valid)
    write_training_table(read_trainings(tmp_path, ["supervised"], [0]), tmp_path / "tables")
    line = (tmp_path / "tables" / "training.md").read_text().splitlines()[-1]
    assert (
        said in line
        and "| 7 " in line
        and "| 2.5 " in line
        and "| 12 " in line
        and f"{valid[0]:.3g} {valid[1]:.3g} {valid[2]:.3g}" in line
    )


def test_every_training_has_a_row(tmp_path):
    for name in ("a-0", "a-1", "b-0", "b-1"):
        write_training(tmp_path, name, [2.0, 1.0])
    found = read_trainings(tmp_path, ["a", "b"], [0, 1])
    assert list(zip(found.experiment, found.seed)) == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    assert (found.last_change == -0.5).all()


def test_the_terms_of_the_last_batch_are_reported(tmp_path):
    write_training(tmp_path, "one-0", [2.0, 1.0])
    write_training(tmp_path, "two-0", [2.0, 1.0])
    log = pd.read_csv(tmp_path / "two-0.csv")
    log["share_magnitudes"] = [0.5, 0.25]
    log["share_perceptual"] = [0.5, 0.75]
    log["gradient_magnitudes"] = [0.5, 0.9]
    log["gradient_perceptual"] = [0.5, 0.1]
    log.to_csv(tmp_path / "two-0.csv", index=False)
    table = training_table(read_trainings(tmp_path, ["one", "two"], [0]))
    assert table["Terms (gradient)"].to_list() == [
        "",
        "magnitudes 25.0% (90.0%), perceptual 75.0% (10.0%)",
    ]
