"""Stage check finds in params.yaml what any later stage would refuse."""

import math
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import get_args

import pytest

import commands
from conftest import ROOT
from pipeline.common.cli import UserError
from pipeline.common.params import BASELINES, Params
from pipeline.common.settings import Settings
from pipeline.common.yaml_files import read_yaml
from pipeline.data.sources import SOURCES
from pipeline.models.recipe import NETWORKS
from stages.check import SECTION_CONFIGS, check

PAPER = ROOT / "params" / "paper.yaml"
OTHER_FILES = {  # config classes of files that are not params.yaml
    "AllowList",
    "Example",
    "Expression",
    "Fact",
    "Listing",
    "Movement",
    "Picker",
    "Piece",
    "Statistics",
    "StudyConfig",
    "ConditioningConfig",
    "Target",
    "Track",
    "TrackRow",
    "PerformanceConfig",
}


def all_values() -> dict:
    """The committed values, with a data set of every source."""
    values = read_yaml(ROOT / "params.yaml")
    text = (ROOT / "docs" / "data.md").read_text()
    folder = ROOT / "tests"  # any path that exists
    for block in re.findall("```yaml\n(.*?)```", text, re.DOTALL):
        for name, data_set in (commands.read_block(block).get("data") or {}).items():
            values["data"][name] = data_set
            values["outside"][name] = str(folder)
    return values


VALUES = all_values()


def places() -> list[tuple[tuple[str, ...], type[Params]]]:
    """Where params.yaml holds values of a config class: keys and class, nested ones included."""
    found = [((section,), config) for section, config in SECTION_CONFIGS.items()]
    for name, block in VALUES["data"].items():
        found.append((("data", name), SOURCES[block["source"]][0]))
    for name in BASELINES:
        found.append((("experiments", name, name), NETWORKS[name][1]))
    return [place for keys, config in found for place in nested(keys, config)]


def nested(keys, config) -> Iterator[tuple[tuple[str, ...], type[Params]]]:
    yield keys, config
    for name, field in config.model_fields.items():
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, Params):
                value = at(VALUES, (*keys, name))
                entry = () if part is field.annotation else (next(iter(value)),)
                yield from nested((*keys, name, *entry), part)


def at(values, keys):
    for key in keys:
        values = values[key]
    return values


def refusal(edit) -> str:
    """What check says of the values after an edit in place."""
    values = deepcopy(VALUES)
    edit(values)
    with pytest.raises(UserError) as caught:
        check(Settings(ROOT / "params.yaml", values), PAPER)
    message = str(caught.value)
    assert "\n" not in message
    return message


PLACES = places()


def test_what_is_committed_passes_with_every_source():
    check(Settings(ROOT / "params.yaml", VALUES), PAPER)


def test_every_config_class_is_walked():
    waiting, known = [Params], set()
    while waiting:
        classes = [
            cls for cls in waiting.pop().__subclasses__() if cls.__module__.startswith("pipeline.")
        ]
        known |= {cls.__name__ for cls in classes}
        waiting += classes
    walked = {config.__name__ for _, config in PLACES}
    assert known - OTHER_FILES == walked - OTHER_FILES
    assert {NETWORKS[name][1].__name__ for name in BASELINES} <= walked


@pytest.mark.parametrize(
    ("keys", "config"),
    PLACES,
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
def test_every_config_class_is_checked_key_by_key(keys, config):
    where = ".".join(keys)

    def add(values):
        at(values, keys)["use_zz"] = 1

    assert f"unknown key '{where}.use_zz'" in refusal(add)
    for name in config.model_fields:
        if name == "source" or name not in at(VALUES, keys):  # its faults have tests of their own
            continue

        def spoil(values, name=name):
            block = at(values, keys)
            block[name] = 3 if isinstance(block[name], dict) else {"wrong": []}

        assert f"{where}.{name}" in refusal(spoil), name


FAULTS = {  # a change of params.yaml, as keys and value, and what is said of it
    "experiments.no_z.model.gru_unit": 1,
    "experiments.no_z.loss.alpha": "x",
    "experiments.no_z.train.steps": "many",
    "experiments.stft.stft.zz": 1,
    "experiments.unsupervised_pretrained.model.f0_frames": {
        "lowest_midi": 41.0,
        "semitones": 64,
        "channels": 1,
        "stages": 1,
        "blocks": 1,
    },
    "data.notes.instruments.oboe.high": 100,
    "data.notes.instruments.bassoon.low": 20,
    "train.crop_seconds": 9.0,
    "train.warmup_seconds": 0.512,
    "train.devices": 3,
    "train.pretrain_steps": 5,
    "train.learning_rate": math.inf,
    "loss.alpha": math.nan,
    "tabulate.bases.notes": "tiny",
    "page.worst_by.models": ["f0_l2"],
    "page.worst_by.contrl": ["f0_l1"],
    "control.experiments": ["unsupervised"],
    "extrapolation.experiments": ["wavernn"],
    "phase.experiments": ["no_harmonic"],
    "dereverberation.experiments": ["no_reverb"],
    "dereverberation.transfer.data": "note",
    "data.mine.shortest_seconds": 3.9,
    "timbre_transfer.lines.pieces": ["bach"],
    "timbre_transfer.experiments": ["nobody"],
}
NAMED = {  # what else the message names
    "train.crop_seconds": "experiments.supervised: train.crop_seconds: 9.0 is longer than",
    "train.pretrain_steps": "model.f0 is 'given'",
    "experiments.unsupervised_pretrained.model.f0_frames": (
        "experiments.unsupervised_pretrained: model.f0_frames: covers MIDI 41 to 104.5, but the "
        "data set has pitches from 40 to 84"
    ),
    "data.notes.instruments.oboe.high": "model.f0_frames: covers MIDI 36 to 99.5",
    "data.notes.instruments.bassoon.low": "has pitches from 20 to 84",
    "page.worst_by.models": "page.worst_by: no metric 'f0_l2'",
    "control.experiments": "'unsupervised' does not have model.f0: given",
    "phase.experiments": "'no_harmonic' does not have model.harmonics above 0",
    "dereverberation.experiments": "'no_reverb'",
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_a_later_stage_would_refuse_is_named(name):
    *keys, last = name.split(".")

    def edit(values):
        for key in keys:
            values = values.setdefault(key, {})
        values[last] = FAULTS[name]

    assert NAMED.get(name, name) in refusal(edit)


@pytest.mark.parametrize("section", ["seeds", "outside", "page"])
def test_a_missing_section_is_named(section):
    assert f"section '{section}' is missing" in refusal(lambda values: values.pop(section))


def test_an_unknown_key_in_the_papers_overlay_is_named(tmp_path):
    overlay = tmp_path / "paper.yaml"
    overlay.write_text(PAPER.read_text().replace("  gru_units: 512", "  gru_size: 512"))
    with pytest.raises(UserError, match=f"{overlay}: 'model.gru_size' is not in params.yaml"):
        check(Settings(ROOT / "params.yaml", VALUES), overlay)


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ([0, 0], "seeds: holds 0 twice; remove one of them"),
        ([1, 2, 1], "seeds: holds 1 twice"),
        ([2**19], "seeds: must be a list of whole numbers from 0 to 524287"),
        ([-1], "seeds: must be"),
        ([True], "seeds: must be"),
        ([], "seeds: must be"),
        ("0", "seeds: must be"),
    ],
)
def test_seeds_are_whole_numbers_once_each(tmp_path, seeds, message):
    path = commands.edited_params(tmp_path / "params.yaml", lambda v: v.update(seeds=seeds))
    with pytest.raises(UserError, match=re.escape(message)):
        Settings.read(path)


NAMES = {
    "123": "this key is not text but 123",
    "~": "this key is not text but None",
    "1.5": "this key is not text but 1.5",
    "true": "this key is not text but True",
    "2026-11-28": "this key is not text but",
    "'123'": "a name must begin with a letter",
    "'null'": "tables would read this name as a value",
    "NaN": "tables would read this name as a value",
    "no.z": "rename it to 'no_z'",
    "nearest_note": "is the name of a yardstick",
}


@pytest.mark.parametrize("section", ["experiments", "data"])
@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_no_text_are_refused_by_name(tmp_path, section, name):
    path = tmp_path / "params.yaml"
    text = (ROOT / "params.yaml").read_text()
    path.write_text(
        re.sub(rf"(?m)^{section}:(.*)$", rf"{section}:\n  {name}: {{data: notes}}", text, count=1)
    )
    with pytest.raises(UserError) as caught:
        Settings.read(path)
    assert f"{path}: {section}." in str(caught.value) and NAMES[name] in str(caught.value)


def test_no_is_a_name(tmp_path):
    """In YAML 1.1 it would be the value False."""
    path = tmp_path / "params.yaml"
    text = (ROOT / "params.yaml").read_text()
    path.write_text(re.sub("(?m)^experiments:(.*)$", "experiments:\n  no: {data: notes}", text))
    assert "no" in [experiment.name for experiment in Settings.read(path).experiments]


@pytest.mark.parametrize("name", ["123", "no.z"])
def test_make_repro_refuses_a_name_before_dvc_does(tmp_path, name):
    """DVC leaves the stages of such an experiment out, or fails without naming it."""
    (tmp_path / "dvc.yaml").write_text(
        "stages: {train: {matrix: {e: '${experiments}'}, cmd: 'true'}}"
    )
    (tmp_path / "params.yaml").write_text(f"experiments: {{{name}: {{data: notes}}}}\n")
    commands.run(tmp_path, "git", "init", "--quiet")
    commands.run(tmp_path, "dvc", "init", "--quiet")
    done = commands.run(tmp_path, "python", "-m", "pipeline.side_by_side", check=False)
    assert f"params.yaml: experiments.{name}: " in commands.error_line(done)


def test_the_stage_exits_with_one_line(tmp_path):
    edit = lambda values: values["outside"].update(notes="/no/such.sf2")  # noqa: E731
    path = commands.edited_params(tmp_path / "params.yaml", edit)
    done = commands.stage("check", PAPER, params=path)
    assert "outside.notes: '/no/such.sf2' does not exist" in commands.error_line(done)
