"""Strict parameters: what is wrong is named by file and key, and the command exits with a
status.
"""

import re

import pytest
import yaml

from commands import error_line, stage
from conftest import ROOT
from pipeline.common.cli import UserError
from pipeline.common.params import Params, validate
from pipeline.common.settings import Settings
from pipeline.data.sources import SOURCES, read_data_set
from pipeline.examples.schema import ExamplesConfig
from pipeline.features.extract import FeaturesConfig
from pipeline.models.autoencoder import ModelConfig
from pipeline.models.objective import LossConfig
from pipeline.models.recipe import read_recipe
from pipeline.overlay import keep_only, merge
from pipeline.reporting.cells import TabulateConfig
from pipeline.resynthesis.tracked_set import ResynthesizeConfig
from pipeline.training.experiment import TrainConfig

CONFIGS = {
    "features": FeaturesConfig,
    "examples": ExamplesConfig,
    "model": ModelConfig,
    "loss": LossConfig,
    "train": TrainConfig,
    "resynthesize": ResynthesizeConfig,
    "tabulate": TabulateConfig,
}
PARAMS = ROOT / "params.yaml"
EXPERIMENTS = list(yaml.safe_load(PARAMS.read_text())["experiments"])
DATA = list(yaml.safe_load(PARAMS.read_text())["data"])


def write(path, edit):
    values = yaml.safe_load(PARAMS.read_text())
    edit(values)
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.mark.parametrize("section", CONFIGS)
def test_the_committed_params_are_valid(section):
    Settings.read(PARAMS).section(section, CONFIGS[section])


@pytest.mark.parametrize("name", DATA)
def test_the_committed_data_sets_are_valid(name):
    assert read_data_set(Settings.read(PARAMS), name).source in SOURCES


@pytest.mark.parametrize("overlay", ["smoke", "paper", "long"])
def test_overlays_merge_to_valid_params(tmp_path, overlay):
    values = yaml.safe_load((ROOT / "params" / f"{overlay}.yaml").read_text())
    only = values.pop("only", EXPERIMENTS)
    only_data = values.pop("only_data", DATA)
    path = write(
        tmp_path / "params.yaml",
        lambda base: (
            merge(base, values, tmp_path),
            keep_only(base["experiments"], only, tmp_path),
            keep_only(base["data"], only_data, tmp_path),
        ),
    )
    settings = Settings.read(path)
    for name in only_data:
        read_data_set(settings, name)
    for section, config in CONFIGS.items():
        settings.section(section, config)
    for experiment in only:
        settings.section("train", TrainConfig, experiment)
        read_recipe(settings, experiment)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_an_override_changes_only_what_it_names(experiment):
    """To the sections, or for an ablation to its base."""
    override = yaml.safe_load(PARAMS.read_text())["experiments"][experiment]
    for section in ("model", "loss", "train"):
        base, own = (
            Settings.read(PARAMS).section(section, CONFIGS[section], name).model_dump(mode="json")
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
    ("section", "edit", "message"),
    [
        (
            "model",
            lambda v: v["model"].update(use_zz=True),
            "unknown key 'model.use_zz'; did you mean 'use_z'?",
        ),
        (
            "train",
            lambda v: v["train"].update(steps="many"),
            "train.steps: input should be a valid integer, not 'many'",
        ),
        (
            "train",
            lambda v: v["train"].update(steps=1.5),
            "train.steps: input should be a valid integer, not 1.5",
        ),
        ("train", lambda v: v["train"].pop("steps"), "'train.steps' is missing"),
        ("model", lambda v: v.update(modle={}), "unknown section 'modle'; did you mean 'model'?"),
        ("model", lambda v: v.pop("model"), "section 'model' is missing"),
        (
            "model",
            lambda v: v["experiments"].update({"no.z": {}}),
            "experiments.no.z: a name may hold only",
        ),
        ("train", lambda v: v.update(train=5), "train: must be a mapping, not 5"),
        ("train", lambda v: v.update(experiments=["supervised"]), "experiments: must be a mapping"),
        ("train", lambda v: v.update(seeds=[0.5]), "seeds: must be a list of whole numbers"),
        (
            "train",
            lambda v: v["train"].update(log_every=0),
            "train.log_every: input should be greater than 0, not 0",
        ),
        (
            "model",
            lambda v: v["experiments"].update(nearest_note={}),
            "experiments.nearest_note: is the name of a yardstick",
        ),
        (
            "features",
            lambda v: v["features"].update(crepe="huge"),
            "features.crepe: input should be 'tiny', ",
        ),
        ("model", lambda v: v["data"].update({"my.set": {}}), "data.my.set: a name may hold only"),
        ("model", lambda v: v.update(outside=["/x"]), "outside: must be a mapping such as"),
    ],
)
def test_a_mistake_is_named(tmp_path, section, edit, message):
    path = write(tmp_path / "params.yaml", edit)
    with pytest.raises(UserError) as caught:
        Settings.read(path).section(section, CONFIGS[section])
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda v: v["data"]["notes"]["instruments"]["violin"].update(prog=1),
            "unknown key 'data.notes.instruments.violin.prog'",
        ),
        (
            lambda v: v["data"]["notes"].update(source="notez"),
            "data.notes.source: must be one of notes, violin, nsynth, folder, not 'notez'",
        ),
        (lambda v: v["data"]["notes"].pop("source"), "data.notes.source: must be one of"),
        (
            lambda v: v["data"]["notes"].update(max_rejected=-1),
            "data.notes.max_rejected: input should be greater than or equal to 0",
        ),
        (lambda v: v["data"].update(note=v["data"].pop("notes")), "'data.notes' is missing"),
    ],
)
def test_a_mistake_in_a_data_set_is_named(tmp_path, edit, message):
    path = write(tmp_path / "params.yaml", edit)
    with pytest.raises(UserError) as caught:
        read_data_set(Settings.read(path), "notes")
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


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
    done = stage("check", params=write(tmp_path / "params.yaml", edit))
    assert done.returncode == 1 and message in error_line(done)


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


def test_an_overlay_may_not_invent_keys(tmp_path):
    with pytest.raises(UserError, match="'model.gru_size' is not in params.yaml"):
        merge(yaml.safe_load(PARAMS.read_text()), {"model": {"gru_size": 1}}, tmp_path)
    with pytest.raises(UserError, match="'train' must be a mapping"):
        merge(yaml.safe_load(PARAMS.read_text()), {"train": 3}, tmp_path)


def test_an_overlay_keeps_no_ablation_without_its_base(tmp_path):
    with pytest.raises(
        UserError, match="'no_z' is an ablation of 'supervised', which is not kept; name it too"
    ):
        keep_only(yaml.safe_load(PARAMS.read_text())["experiments"], ["tiny", "no_z"], tmp_path)


def test_not_yaml_and_no_file_are_named(tmp_path):
    (tmp_path / "broken.yaml").write_text("a: [1\n")
    for path, message in (
        (tmp_path / "broken.yaml", "not valid YAML"),
        (tmp_path / "none.yaml", "no such file"),
    ):
        with pytest.raises(UserError, match=message):
            Settings.read(path)


def test_a_stage_exits_with_one_line(tmp_path):
    path = write(tmp_path / "params.yaml", lambda v: v["data"]["notes"].update(sedd=1))
    done = stage("data", "notes", tmp_path / "notes", tmp_path / "m.csv", params=path)
    assert done.returncode == 1
    assert error_line(done) == f"error: {path}: unknown key 'data.notes.sedd'; did you mean 'seed'?"
    assert not (tmp_path / "notes").exists()


def test_the_documented_data_sets_are_valid():
    blocks = re.findall("```yaml\n(.*?)```", (ROOT / "docs" / "data.md").read_text(), re.DOTALL)
    sets = {
        name: values
        for block in blocks
        for name, values in (yaml.safe_load(block).get("data") or {}).items()
    }
    assert set(sets) == {"mine", "nsynth"}
    for name, values in sets.items():
        validate(values, SOURCES[values["source"]][0], PARAMS, f"data.{name}")


def test_configs_refuse_silent_conversion():
    class Example(Params):
        count: int

    with pytest.raises(ValueError):
        Example(count="3")
