"""A sample of the studies' clips made again from the checkpoints and measured again.
Of each training that a study is made with a few rows are drawn with a seed, and the one with the
largest error is taken. What models are given is put together anew; how lines are played and
adjusted for timbre transfer, and how initial phases are drawn, is the studies' own code.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import soundfile

from pipeline.audit.checks import Check, Columns, Project
from pipeline.audit.measures import (
    CONFIDENT,
    CREPE_HZ,
    SOUNDING,
    STATED_CLOSE,
    close,
    early_to_late_db,
    f0_distance,
    loudness,
    spectral_loss,
)
from pipeline.audit.models import NO_CHECKPOINTS
from pipeline.audit.resynthesis import has_checkpoint, held_out_examples, track
from pipeline.audit.studies import runs_of
from pipeline.common.settings import Settings
from pipeline.examples.dataset import read_split
from pipeline.examples.schema import split_id
from pipeline.features.extract import FeaturesConfig
from pipeline.models.recipe import load_model
from pipeline.resynthesis.render import resynthesize
from pipeline.studies import phase
from pipeline.studies.source_lines import play_lines
from pipeline.studies.target import describe_target
from pipeline.studies.timbre_transfer import TimbreTransferConfig, transfer

SAMPLE = 2  # rows of each training and table, beside the worst
Figures = dict[str, float]


class Player(NamedTuple):
    """A checkpoint, and what it may be given."""

    model: keras.Model
    examples: dict[str, dict]  # of the test split
    params: dict
    settings: Settings
    folder: Path  # of its data set's examples
    truth: Path  # of its data set, where the dry sounds are

    def play(self, inputs: list[dict]) -> Iterator[np.ndarray]:
        """The model's audio, [samples], for each."""
        return resynthesize(self.model, inputs, self.params["resynthesize"]["batch_size"])

    def follow(
        self,
        asked: dict,
        sources: list[np.ndarray],
        audio: np.ndarray,
        wanted_hz: np.ndarray | None = None,
    ) -> Figures:
        """Loudness and f0 of what was played against what was asked for, or against `wanted_hz`,
        where all `sources` have a pitch.
        """
        settings = self.params["resynthesize"]
        pitched = np.all(
            [track(source, settings).confidence >= CONFIDENT for source in sources], axis=0
        )
        grid = np.arange(len(pitched)) * settings["f0_step_ms"] * 250 // 1000
        wanted = asked["f0_hz"][grid] if wanted_hz is None else wanted_hz
        counted, sounding = (
            pitched & (wanted >= CREPE_HZ[0]) & (wanted <= CREPE_HZ[1]),
            asked["loudness_db"] > SOUNDING,
        )
        return {
            "loudness_l1_db": float(np.abs(loudness(audio) - asked["loudness_db"])[sounding].mean())
            if sounding.any()
            else np.nan,
            "f0_l1": f0_distance(wanted, track(audio, settings).f0_hz, counted),
        }


def control(player: Player, rows: Columns) -> Iterator[Figures]:
    """Steps between two notes: the first, one of its features moved by the step's share of the
    way to the second's.
    """
    names, encoder = (
        {f"{one} to {other}": (one, other) for one in player.examples for other in player.examples},
        player.model.conditioning.z_encoder,
    )
    ends, inputs = (
        [[player.examples[name] for name in names[pair]] for pair in rows["example_id"]],
        [],
    )
    for pair, varied, step in zip(ends, rows["varied"], rows["step"]):
        share, key = (
            step / (player.params["control"]["steps"] - 1),
            {"f0": "f0_hz", "loudness": "loudness_db", "z": "z"}[varied],
        )
        one, other = (
            end | ({"z": encoder(end["audio"][None])[0].numpy()} if encoder is not None else {})
            for end in pair
        )
        mixed = (
            one[key] ** (1 - share) * other[key] ** share
            if varied == "f0"
            else one[key] + share * (other[key] - one[key])
        )
        inputs.append(one | {key: mixed.astype(np.float32)})
    for asked, pair, audio in zip(inputs, ends, player.play(inputs)):
        yield player.follow(asked, [end["audio"] for end in pair], audio)


def extrapolation(player: Player, rows: Columns) -> Iterator[Figures]:
    """Test examples with their f0 moved."""
    originals = [player.examples[name] for name in rows["example_id"]]
    inputs = [
        each | {"f0_hz": each["f0_hz"] * np.float32(2.0**octaves)}
        for each, octaves in zip(originals, rows["octaves"])
    ]
    for asked, original, audio in zip(inputs, originals, player.play(inputs)):
        yield player.follow(asked, [original["audio"]], audio)


def phases(player: Player, rows: Columns) -> Iterator[Figures]:
    """Versions of test examples against the first version, and against the original."""
    examples = [player.examples[name] for name in rows["example_id"]]
    played = phase.play_versions(
        player.model,
        examples,
        player.params["phase"]["seed"],
        player.params["resynthesize"]["batch_size"],
    )
    for (_, sounds), version in zip(played, rows["version"]):
        first, other = (sounds[name].astype(np.float64) for name in ("first", version))
        yield {
            "waveform_distance": float(np.sqrt(((first - other) ** 2).sum() / (first**2).sum())),
            "spectral_loss": spectral_loss(first, other),
            "spectral_loss_to_original": spectral_loss(sounds["original"], other),
        }


def dereverberation(player: Player, rows: Columns) -> Iterator[Figures]:
    """The model's sound without and with its reverb against the true dry and the recorded sound,
    as they are.
    """
    examples = [player.examples[name] for name in rows["example_id"]]
    made = player.model(
        {
            name: np.stack([each[name] for each in examples])
            for name in ("audio", "f0_hz", "loudness_db", "noise")
        }
    )
    for number, (example, signal) in enumerate(zip(examples, rows["signal"])):
        recording, start = split_id(example["example_id"])
        true = example["audio"]
        if signal == "model_dry":
            true, _ = soundfile.read(
                player.truth / f"{recording}.dry.wav", frames=len(true), start=64 * start
            )
        yield {
            "spectral_loss_as_is": spectral_loss(
                true, made["dry" if signal == "model_dry" else "audio"][number].numpy()
            )
        }


def learned_room(player: Player, rows: Columns) -> Iterator[Figures]:
    """The learned impulse response's energy ratios."""
    response = player.model.reverb.impulse_response().numpy().astype(np.float64)
    for band in rows["band_hz"]:
        low, high = (125, 4000) if band == "all" else (int(band), int(band))
        direct, early = (
            early_to_late_db(response, seconds, low / 2**0.5, high * 2**0.5)
            for seconds in (0.0025, 0.05)
        )
        yield {"direct_to_reverberant_db": direct, "c50_db": early}


def timbre_transfer(player: Player, rows: Columns) -> Iterator[Figures]:
    """Windows of other instruments' lines; f0 against the source's, moved by the octaves that
    the row names.
    """
    settings, seconds = player.params["resynthesize"], player.params["examples"]["seconds"]
    config = player.settings.section("timbre_transfer", TimbreTransferConfig)
    features = player.settings.section("features", FeaturesConfig)
    lines, target = (
        {line.id: line for line in play_lines(config.lines)},
        describe_target(read_split(player.folder, "train", seconds)),
    )
    samples = round(16000 * seconds)
    for name, octaves in zip(rows["example_id"], rows["octaves"]):
        line, start = split_id(name)
        moved = transfer(
            player.model, lines[line], target, features, config.room, settings["noise_seed"]
        )
        source, audio = (
            sound[64 * start : 64 * start + samples] for sound in (lines[line].audio, moved.audio)
        )
        asked = {
            "f0_hz": moved.f0_hz[start:],
            "loudness_db": moved.loudness_db[start : start + samples // 64],
        }
        yield player.follow(asked, [source], audio, track(source, settings).f0_hz * 2**octaves)


class Again(NamedTuple):
    """How a table's rows are made again."""

    make: Callable[[Player, Columns], Iterator[Figures]]
    error: str  # of which the largest is looked at too
    column: str = ""  # rows of these lines alone come from the checkpoint
    lines: tuple[str, ...] = ()


TABLES = {
    "control": Again(control, "loudness_l1_db"),
    "extrapolation": Again(extrapolation, "loudness_l1_db"),
    "phase": Again(phases, "spectral_loss_to_original"),
    "dereverberation": Again(
        dereverberation, "spectral_loss_as_is", "signal", ("model_dry", "model_wet")
    ),
    "learned_room": Again(learned_room, "direct_to_reverberant_db", "response", ("learned",)),
    "timbre_transfer": Again(timbre_transfer, "loudness_l1_db"),
}


def pick(rows: Columns, again: Again, random: np.random.Generator) -> Columns:
    """Some of the rows that can be made again, drawn, and the one with the largest error."""
    able = np.ones(len(rows["example_id"]), bool)
    if again.column:
        able = np.isin(rows[again.column], again.lines)
    if "octaves" in rows:
        able &= np.isfinite(rows["octaves"])  # the transfers' test clips, for scale, were not moved
    places = np.flatnonzero(able)
    worst = places[np.argmax(np.nan_to_num(rows[again.error][places]))]
    chosen = sorted(
        {int(worst), *map(int, random.choice(places, min(SAMPLE, len(places)), replace=False))}
    )
    return {name: values[chosen] for name, values in rows.items()}


def check_played(project: Project) -> Check:
    """The sample's rows against what its checkpoints give now."""
    random, findings, count, largest = (
        np.random.default_rng(project.params["tabulate"]["seed"]),
        [],
        0,
        0.0,
    )
    for run in project.runs():
        tables = {
            table: name
            for table in TABLES
            for name, mine in runs_of(project, table).items()
            if mine == project.runs()[run] and name in project.studies
        }
        if not tables or not has_checkpoint(project, run):
            continue
        player = _player(project, run)
        for table, name in tables.items():
            rows = pick(project.studies[name], TABLES[table], random)
            for place, figures in enumerate(TABLES[table].make(player, rows)):
                count += 1
                for metric, value in figures.items():
                    stated = float(rows[metric][place])
                    largest = max(
                        largest, abs(stated - value) if np.isfinite(stated - value) else 0.0
                    )
                    if not close(stated, value):
                        findings.append(
                            f"{name}.parquet, {rows['example_id'][place]}: {metric} is "
                            f"{stated:.6g}, its checkpoint gives {value:.6g}"
                        )
    looked = (
        f"{count} rows of reports/studies, the largest error of each training and table among "
        f"them; {STATED_CLOSE}; largest difference {largest:.2g}"
    )
    why = (
        NO_CHECKPOINTS
        if any(runs_of(project, table) for table in TABLES)
        else "params.yaml has no studies"
    )
    return Check(
        "checkpoints give the studies' rows", looked, count, findings, "" if count else why
    )


def _player(project: Project, run: str) -> Player:
    experiment, data = project.runs()[run][0], project.root / "data"
    name = project.data_of(experiment)
    return Player(
        load_model(project.root / "models" / run),
        held_out_examples(project, experiment),
        project.params,
        Settings.read(project.root / "params.yaml"),
        data / "examples" / name,
        data / "sets" / name / "truth",
    )
