"""Play a study's rows again from a checkpoint and measure the result.

The inputs of the models are put together here. How source lines are played and adjusted for timbre
transfer, and how initial phases are drawn, is the studies' own code.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import soundfile

from pipeline.audit.checks import Columns, Project
from pipeline.audit.measures import (
    CONFIDENT,
    CREPE_HZ,
    SOUNDING,
    early_to_late_db,
    f0_distance,
    loudness,
    spectral_loss,
)
from pipeline.audit.resynthesis import held_out_examples, track
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

RATE = 16000
HOP = 64  # samples between two frames
FRAMES_PER_SECOND = 250
DIRECT_SECONDS = 0.0025  # the direct sound of a room's response
EARLY_SECONDS = 0.05  # its early part, for C50
FEATURE_OF = {"f0": "f0_hz", "loudness": "loudness_db", "z": "z"}  # by what `control` varies
Figures = dict[str, float]


class Player(NamedTuple):
    """A checkpoint and what it can be given."""

    model: keras.Model
    examples: dict[str, dict]  # of the test split, by example_id
    params: dict
    settings: Settings
    folder: Path  # examples of its data set
    truth: Path  # true dry sounds of its data set

    def play(self, inputs: list[dict]) -> Iterator[np.ndarray]:
        """Yield the model's audio, [samples], for each input."""
        return resynthesize(self.model, inputs, self.params["resynthesize"]["batch_size"])

    def follow(
        self,
        asked: dict,
        sources: list[np.ndarray],
        audio: np.ndarray,
        wanted_hz: np.ndarray | None = None,
    ) -> Figures:
        """Measure how closely the audio follows the loudness and f0 that were asked for.

        Args:
            asked: f0_hz and loudness_db, [frames] each.
            sources: Sounds, [samples] each; a frame counts where all of them have a pitch.
            audio: What the model played: [samples].
            wanted_hz: The f0 to follow instead of the one asked for: [coarse frames].

        Returns:
            loudness_l1_db over the frames that should sound, and f0_l1 in semitones over the
            frames that count; NaN where there are none.
        """
        settings = self.params["resynthesize"]
        has_pitch = [track(source, settings).confidence >= CONFIDENT for source in sources]
        pitched = np.all(has_pitch, axis=0)
        if wanted_hz is None:
            step = settings["f0_step_ms"]
            wanted_hz = asked["f0_hz"][np.arange(len(pitched)) * step * FRAMES_PER_SECOND // 1000]
        counted = pitched & (wanted_hz >= CREPE_HZ[0]) & (wanted_hz <= CREPE_HZ[1])
        sounding = asked["loudness_db"] > SOUNDING
        loudness_l1_db = np.nan
        if sounding.any():
            difference = np.abs(loudness(audio) - asked["loudness_db"])
            loudness_l1_db = float(difference[sounding].mean())
        return {
            "loudness_l1_db": loudness_l1_db,
            "f0_l1": f0_distance(wanted_hz, track(audio, settings).f0_hz, counted),
        }


def load_player(project: Project, run: str) -> Player:
    """Load a training's checkpoint and the examples of its data set."""
    experiment = project.runs()[run][0]
    data = project.data_of(experiment)
    return Player(
        load_model(project.root / "models" / run),
        held_out_examples(project, experiment),
        project.params,
        Settings.read(project.root / "params.yaml"),
        project.root / "data" / "examples" / data,
        project.root / "data" / "sets" / data / "truth",
    )


def control(player: Player, rows: Columns) -> Iterator[Figures]:
    """Replay steps between two notes.

    A step plays the first note, one feature moved towards the second note's by the step's share.
    """
    notes_of_pair = {
        f"{first} to {second}": (first, second)
        for first in player.examples
        for second in player.examples
    }
    last_step = player.params["control"]["steps"] - 1
    pairs = [
        [_with_z(player, player.examples[name]) for name in notes_of_pair[pair]]
        for pair in rows["example_id"]
    ]
    inputs = [
        _interpolate(first, second, varied, step / last_step)
        for (first, second), varied, step in zip(pairs, rows["varied"], rows["step"])
    ]
    for asked, pair, audio in zip(inputs, pairs, player.play(inputs)):
        yield player.follow(asked, [note["audio"] for note in pair], audio)


def _with_z(player: Player, example: dict) -> dict:
    """Add z, [frames, dims], where the model has a z encoder."""
    encoder = player.model.conditioning.z_encoder
    if encoder is None:
        return example
    return example | {"z": encoder(example["audio"][None])[0].numpy()}


def _interpolate(first: dict, second: dict, varied: str, share: float) -> dict:
    """Move one feature of the first note: f0 on a logarithmic scale, the others linearly."""
    key = FEATURE_OF[varied]
    if varied == "f0":
        mixed = first[key] ** (1 - share) * second[key] ** share
    else:
        mixed = first[key] + share * (second[key] - first[key])
    return first | {key: mixed.astype(np.float32)}


def extrapolation(player: Player, rows: Columns) -> Iterator[Figures]:
    """Replay test examples with their f0 shifted by octaves."""
    originals = [player.examples[name] for name in rows["example_id"]]
    inputs = [
        original | {"f0_hz": original["f0_hz"] * np.float32(2.0**octaves)}
        for original, octaves in zip(originals, rows["octaves"])
    ]
    for asked, original, audio in zip(inputs, originals, player.play(inputs)):
        yield player.follow(asked, [original["audio"]], audio)


def phases(player: Player, rows: Columns) -> Iterator[Figures]:
    """Compare versions of test examples with the first version and with the original."""
    examples = [player.examples[name] for name in rows["example_id"]]
    seed = player.params["phase"]["seed"]
    batch_size = player.params["resynthesize"]["batch_size"]
    versions = phase.play_versions(player.model, examples, seed, batch_size)
    for (_, sounds), name in zip(versions, rows["version"]):
        first = sounds["first"].astype(np.float64)
        version = sounds[name].astype(np.float64)
        yield {
            "waveform_distance": float(np.sqrt(((first - version) ** 2).sum() / (first**2).sum())),
            "spectral_loss": spectral_loss(first, version),
            "spectral_loss_to_original": spectral_loss(sounds["original"], version),
        }


def dereverberation(player: Player, rows: Columns) -> Iterator[Figures]:
    """Compare the model's sound, neither aligned nor scaled, with the true one.

    Without its reverb, the model is compared with the true dry sound; with it, with the recording.
    """
    examples = [player.examples[name] for name in rows["example_id"]]
    names = ("audio", "f0_hz", "loudness_db", "noise")
    outputs = player.model(
        {name: np.stack([example[name] for example in examples]) for name in names}
    )
    for number, (example, signal) in enumerate(zip(examples, rows["signal"])):
        if signal == "model_dry":
            true, output = _true_dry(player, example), outputs["dry"]
        else:
            true, output = example["audio"], outputs["audio"]
        yield {"spectral_loss_as_is": spectral_loss(true, output[number].numpy())}


def _true_dry(player: Player, example: dict) -> np.ndarray:
    """Read the part of the true dry sound that an example was cut from: [samples]."""
    recording, start = split_id(example["example_id"])
    path = player.truth / f"{recording}.dry.wav"
    audio, _ = soundfile.read(path, frames=len(example["audio"]), start=HOP * start)
    return audio


def learned_room(player: Player, rows: Columns) -> Iterator[Figures]:
    """Measure the energy ratios of the learned impulse response, by octave band."""
    response = player.model.reverb.impulse_response().numpy().astype(np.float64)
    for band in rows["band_hz"]:
        lowest, highest = (125, 4000) if band == "all" else (int(band), int(band))
        edges = (lowest / 2**0.5, highest * 2**0.5)
        yield {
            "direct_to_reverberant_db": early_to_late_db(response, DIRECT_SECONDS, *edges),
            "c50_db": early_to_late_db(response, EARLY_SECONDS, *edges),
        }


def timbre_transfer(player: Player, rows: Columns) -> Iterator[Figures]:
    """Replay windows of other instruments' lines.

    f0 is compared with the source's, shifted by the octaves that the row names.
    """
    settings = player.params["resynthesize"]
    seconds = player.params["examples"]["seconds"]
    config = player.settings.section("timbre_transfer", TimbreTransferConfig)
    features = player.settings.section("features", FeaturesConfig)
    lines = {line.id: line for line in play_lines(config.lines)}
    target = describe_target(read_split(player.folder, "train", seconds))
    samples = round(RATE * seconds)
    for name, octaves in zip(rows["example_id"], rows["octaves"]):
        line_id, start = split_id(name)
        line = lines[line_id]
        transferred = transfer(
            player.model, line, target, features, config.room, settings["noise_seed"]
        )
        window = slice(HOP * start, HOP * start + samples)
        source = line.audio[window]
        asked = {
            "f0_hz": transferred.f0_hz[start:],
            "loudness_db": transferred.loudness_db[start : start + samples // HOP],
        }
        wanted_hz = track(source, settings).f0_hz * 2**octaves
        yield player.follow(asked, [source], transferred.audio[window], wanted_hz)
