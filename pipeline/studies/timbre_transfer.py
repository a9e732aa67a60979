"""Timbre transfer: other sources' f0 and loudness drive a model of one instrument (the paper's
figure 1 and its last experiment). As in the paper, f0 is moved by octaves to the instrument's
range, and the source is put into the room that the model learned before its loudness is taken,
because that is what loudness was taken from in training. The rest of the adjustment:
`pipeline.studies.adjustment`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.signal import oaconvolve

from pipeline.audio.clips import read_clips
from pipeline.common.cli import UserError, progress
from pipeline.common.files import write_json, write_text
from pipeline.common.units import CONFIDENCE_THRESHOLD, HOP
from pipeline.examples.dataset import noise
from pipeline.examples.schema import example_id, window_starts
from pipeline.features.extract import FeaturesConfig, compute_features
from pipeline.features.loudness import loudness_curve
from pipeline.models.autoencoder import Autoencoder
from pipeline.models.recipe import load_model
from pipeline.resynthesis.render import resynthesize
from pipeline.resynthesis.tracked_set import ResynthesizeConfig, write_tracked_set
from pipeline.studies.adjustment import Adjustment, adjust
from pipeline.studies.conditions import PLAN, Condition, write_conditions
from pipeline.studies.held_out import HeldOut, StudyConfig
from pipeline.studies.playing import play
from pipeline.studies.source_lines import Line, LinesConfig
from pipeline.studies.target import Target, timbre

BLOCK = 512  # samples; the z encoder's hop, of which recordings are made a multiple


class TimbreTransferConfig(StudyConfig):
    """The `timbre_transfer` section of params.yaml."""

    room: bool  # whether loudness is that of the source in the room that the model learned
    lines: LinesConfig


class Transfer(NamedTuple):
    """A line, what the model was given of it, and what it made of that."""

    line: Line
    adjustment: Adjustment
    f0_hz: np.ndarray  # [frames] at 250 Hz, moved
    loudness_db: np.ndarray  # [frames], moved and scaled
    audio: np.ndarray  # [samples]


def load_autoencoder(folder: Path) -> Autoencoder:
    """A model whose f0 can be given to it.

    Raises:
        UserError: no such model, or one that takes its f0 from elsewhere.
    """
    if not (folder / "config.json").exists():
        raise UserError(
            f"{folder}: no trained model; run `make repro`, or `dvc repro train@{folder.name}`"
        )
    model = load_model(folder)
    if not isinstance(model, Autoencoder) or model.f0_encoder is not None:
        raise UserError(
            f"{folder}: its f0 cannot be given to it; name a DDSP autoencoder with `f0: given`"
        )
    return model


def transfer(
    model: Autoencoder,
    line: Line,
    target: Target,
    features: FeaturesConfig,
    room: bool,
    noise_seed: int,
) -> Transfer:
    """Let a model play a line: f0 and loudness as for all recordings, adjusted to the target; as
    long as the line.
    """
    padded = np.pad(line.audio, (0, -len(line.audio) % BLOCK))
    frames = compute_features(features, padded)
    loudness_db = loudness_curve(in_learned_room(model, padded)) if room else frames["loudness_db"]
    adjustment, f0_hz, loudness_db = adjust(
        frames["f0_hz"], frames["f0_confidence"], loudness_db, target
    )
    inputs = {
        "audio": padded,
        "f0_hz": f0_hz,
        "loudness_db": loudness_db,
        "noise": noise(len(frames), noise_seed, 0).numpy(),
    }
    return Transfer(line, adjustment, f0_hz, loudness_db, play(model, inputs)[: len(line.audio)])


def in_learned_room(model: Autoencoder, audio: np.ndarray) -> np.ndarray:
    """[samples] with the reverb that a model learned; as they are if it has none."""
    if model.reverb is None:
        return audio
    return oaconvolve(audio, model.reverb.impulse_response().numpy())[: len(audio)].astype(
        np.float32
    )


def write_transfers(
    folder: Path,
    transfers: list[Transfer],
    target: Target,
    tracking: ResynthesizeConfig,
    length: int,
) -> None:
    """Cut lines and what was made of them into windows of `length` frames, and track both.

    Into FOLDER: source and output, tracked sets of the same windows, output with the conditions of
    each (f0 counts as pitched where CREPE is sure of the source's); plan.csv, a row per window;
    target.json, what the model was trained on; truth.npz, the f0 that was played (ids, f0_hz
    [windows, frames]), of the windows in which it is known.
    """
    windows = {
        example_id(each.line.id, start): (each, start)
        for each in transfers
        for start in window_starts(len(each.line.audio) // HOP, length, length)
    }
    ids = list(windows)
    write_tracked_set(
        folder / "source",
        tracking,
        ids,
        _cut([(each.line.audio, start) for each, start in windows.values()], length),
        "source",
    )
    write_tracked_set(
        folder / "output",
        tracking,
        ids,
        _cut([(each.audio, start) for each, start in windows.values()], length),
        "output",
    )
    conditions = {}
    for name, source in read_clips(folder / "source").items():
        each, start = windows[name]
        curves = (curve[start : start + length] for curve in (each.f0_hz, each.loudness_db))
        conditions[name] = Condition(*curves, source.confidence >= CONFIDENCE_THRESHOLD)
    write_conditions(folder / "output", conditions)
    plan = [
        {"example_id": name, "instrument": each.line.instrument, "group": each.line.group}
        | each.adjustment._asdict()
        for name, (each, _) in windows.items()
    ]
    write_text(folder / PLAN, pd.DataFrame(plan).to_csv(index=False))
    write_json(folder / "target.json", target.model_dump())
    known = {
        name: each.line.true_f0_hz[start : start + length]
        for name, (each, start) in windows.items()
        if each.line.true_f0_hz is not None
    }
    np.savez(folder / "truth.npz", ids=np.array(list(known)), f0_hz=np.array(list(known.values())))


def write_reference(folder: Path, model: Autoencoder, held_out: HeldOut, batch_size: int) -> None:
    """Write timbre and loudness of real test clips and of the model's resynthesis of them, for
    scale; without f0.

    FOLDER/reference.npz: the data set's name, ids, groups, timbres [clips, 2, 12], loudness_db
    [clips, 2, frames]; original first.
    """
    ids, examples = list(held_out.examples), list(held_out.examples.values())
    sounds = progress(
        zip(examples, resynthesize(model, examples, batch_size)),
        "test clips",
        len(examples),
        unit="clip",
    )
    pairs = [
        ((example["audio"], example["loudness_db"]), (audio, loudness_curve(audio)))
        for example, audio in sounds
    ]
    timbres, curves = (
        [[timbre(*clip) for clip in pair] for pair in pairs],
        [[curve for _, curve in pair] for pair in pairs],
    )
    groups = np.array([held_out.recordings.group[name] for name in ids], str)
    np.savez(
        folder / "reference.npz",
        data=held_out.data,
        ids=np.array(ids),
        groups=groups,
        timbres=np.array(timbres),
        loudness_db=np.array(curves),
    )


def _cut(sounds: list[tuple[np.ndarray, int]], length: int) -> Iterator[np.ndarray]:
    for audio, start in sounds:
        yield audio[start * HOP : (start + length) * HOP]
