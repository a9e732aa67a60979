"""Experiments of params.yaml: overrides, ablations and baselines, and errors that name the key."""

import re

import pytest
import yaml

from conftest import ROOT
from pipeline.common.cli import UserError
from pipeline.common.settings import Settings
from pipeline.models.autoencoder import ModelConfig
from pipeline.models.objective import LossConfig
from pipeline.models.recipe import read_recipe
from pipeline.overlay import keep_only
from pipeline.training.config import TrainConfig
from stages.check import check

OVERRIDABLE_CONFIGS = {"model": ModelConfig, "loss": LossConfig, "train": TrainConfig}
PARAMS = ROOT / "params.yaml"
EXPERIMENTS = list(yaml.safe_load(PARAMS.read_text())["experiments"])


def write(path, edit):
    values = yaml.safe_load(PARAMS.read_text())
    edit(values)
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_an_override_changes_only_what_it_names(experiment):
    """To the sections, or for an ablation to its base."""
    override = yaml.safe_load(PARAMS.read_text())["experiments"][experiment]
    for section in OVERRIDABLE_CONFIGS:
        base, own = (
            Settings.read(PARAMS)
            .section(section, OVERRIDABLE_CONFIGS[section], name)
            .model_dump(mode="json")
            for name in (override.get("ablates"), experiment)
        )
        changed = {key for key in base if base[key] != own[key]}
        assert changed <= set(override.get(section, {}))
        assert {key: own[key] for key in override.get(section, {})} == override.get(section, {})


def test_an_ablation_is_its_base_but_for_its_difference(tmp_path):
    changes = {
        "ablates": "solo_violin",
        "asks": "Why?",
        "model": {"harmonics": 7},
        "train": {"steps": 3},
    }
    path = write(tmp_path / "params.yaml", lambda v: v["experiments"].update(mine=changes))
    settings = Settings.read(path)
    assert (
        settings.experiment("mine").base.name == "solo_violin"
        and settings.experiment("tiny").base is None
    )
    assert settings.experiment("mine").data == "violin"
    base, own = (read_recipe(settings, name).model for name in ("solo_violin", "mine"))
    assert own == base.model_copy(update={"harmonics": 7}) and base.reverb_seconds == 1.0
    base, own = (settings.section("train", TrainConfig, name) for name in ("solo_violin", "mine"))
    assert own == base.model_copy(update={"steps": 3})


def test_an_ablation_of_a_baseline_keeps_its_network(tmp_path):
    changes = {"ablates": "wavernn", "asks": "Why?", "wavernn": {"temperature": 1.0}}
    path = write(tmp_path / "params.yaml", lambda v: v["experiments"].update(warm=changes))
    base, own = (read_recipe(Settings.read(path), name) for name in ("wavernn", "warm"))
    assert (
        own.baseline == "wavernn"
        and own.own == base.own.model_copy(update={"temperature": 1.0})
        and own.model == base.model
    )


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda v: v["experiments"]["tiny"].pop("data"),
            "experiments.tiny.data: must name a data set (notes, violin), not None",
        ),
        (
            lambda v: v["experiments"]["tiny"].update(data="note"),
            "experiments.tiny.data: must name a data set (notes, violin), not 'note'",
        ),
        (
            lambda v: v["experiments"]["no_z"].update(features={}),
            "experiments.no_z.features: only data, ablates, asks and mappings",
        ),
        (
            lambda v: v["experiments"].update(tiny=None),
            "experiments.tiny: must be a mapping such as",
        ),
        (
            lambda v: v["experiments"]["no_z"].update(ablates="supervized"),
            "experiments.no_z.ablates: must name an experiment that is not itself an ablation",
        ),
        (
            lambda v: v["experiments"].update(more=v["experiments"]["no_z"] | {"ablates": "no_z"}),
            "experiments.more.ablates: must name an exp",
        ),
        (lambda v: v["experiments"]["no_z"].pop("asks"), "experiments.no_z.asks: is missing"),
        (
            lambda v: v["experiments"]["no_z"].update(data="notes"),
            "experiments.no_z.data: an ablation uses the data of its base",
        ),
        (
            lambda v: v["experiments"]["wavernn"].update(stft={}),
            "experiments.wavernn: names more than one of wavernn, strided_conv, stft",
        ),
        (
            lambda v: v["outside"].update(mine="/tmp"),
            "outside.mine: no data set has this name; known: notes, violin",
        ),
        (
            lambda v: v["outside"].update(notes="/no/such.sf2"),
            "outside.notes: '/no/such.sf2' does not exist",
        ),
    ],
)
def test_check_names_what_experiments_and_outside_get_wrong(tmp_path, edit, message):
    settings = Settings.read(write(tmp_path / "params.yaml", edit))
    with pytest.raises(UserError, match=re.escape(message)):
        check(settings, ROOT / "params" / "paper.yaml")


def test_a_mistake_in_an_override_is_named_where_it_stands(tmp_path):
    path = write(
        tmp_path / "params.yaml", lambda v: v["experiments"]["no_z"].update(model={"use_zz": False})
    )
    with pytest.raises(
        UserError, match=r"unknown key 'experiments.no_z.model.use_zz'; did you mean 'use_z'"
    ):
        Settings.read(path).section("model", ModelConfig, "no_z")


def test_a_mistake_in_a_baseline_is_named_where_it_stands(tmp_path):
    path = write(
        tmp_path / "params.yaml", lambda v: v["experiments"]["wavernn"]["wavernn"].update(unit=3)
    )
    with pytest.raises(
        UserError, match=r"unknown key 'experiments.wavernn.wavernn.unit'; did you mean 'units'"
    ):
        read_recipe(Settings.read(path), "wavernn")


def test_an_unknown_experiment_is_named():
    with pytest.raises(UserError, match="no experiment 'superviced'; did you mean 'supervised'"):
        Settings.read(PARAMS).section("model", ModelConfig, "superviced")


def test_an_overlay_keeps_no_ablation_without_its_base(tmp_path):
    with pytest.raises(
        UserError, match="'no_z' is an ablation of 'supervised', which is not kept; name it too"
    ):
        keep_only(yaml.safe_load(PARAMS.read_text())["experiments"], ["tiny", "no_z"], tmp_path)
