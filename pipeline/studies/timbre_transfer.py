"""Timbre transfer: f0 and loudness of other sources drive a model of one instrument (the paper's
figure 1 and its last experiment). As in the paper, f0 is shifted by octaves to the instrument's
range, and loudness is measured on the source in the room that the model learned, because loudness
was measured on reverberant sound in training. `pipeline.studies.adjustment` describes the rest of
the adjustment.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.signal import oaconvolve

from pipeline.audio.clips import read_clips
from pipeline.common.cli import UserError, progress
from pipeline.common.files import write_json, write_text
from pipeline.common.units import CONFIDENCE_THRESHOLD, FRAME_RATE, HOP
from pipeline.examples.dataset import evaluation_noise
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
from pipeline.studies.playing import play_in_pieces
from pipeline.studies.source_lines import LinesConfig, SourceLine
from pipeline.studies.target import Target, timbre

BLOCK = 512  # samples, the z encoder's hop; recordings are padded to a multiple of it


class TimbreTransferConfig(StudyConfig):
    """The `timbre_transfer` section of params.yaml."""

    room: bool  # whether to measure loudness on the source in the room that the model learned
    lines: LinesConfig


class Transfer(NamedTuple):
    """A source line, the adjusted controls and the sound that the model made of them."""

    line: SourceLine
    adjustment: Adjustment
    f0_hz: np.ndarray  # [frames] at 250 Hz, adjusted
    loudness_db: np.ndarray  # [frames], adjusted
    audio: np.ndarray  # [samples], the model's


class Window(NamedTuple):
    """A stretch of a transfer, as long as a training example."""

    transfer: Transfer
    start: int  # frames
    length: int  # frames

    def cut_curve(self, curve: np.ndarray) -> np.ndarray:
        """Cut the window out of a curve, [frames]."""
        return curve[self.start : self.start + self.length]

    def cut_audio(self, audio: np.ndarray) -> np.ndarray:
        """Cut the window out of a sound, [samples]."""
        return audio[self.start * HOP : (self.start + self.length) * HOP]


def load_autoencoder(folder: Path) -> Autoencoder:
    """Load a model that takes f0 as an input.

    Raises:
        UserError: if there is no such model, or if it does not take f0 as an input.
    """
    if not (folder / "config.json").exists():
        raise UserError(
            f"{folder}: no trained model; run `make repro`, or `dvc repro train@{folder.name}`"
        )
    model = load_model(folder)
    if not isinstance(model, Autoencoder) or model.f0_encoder is not None:
        raise UserError(
            f"{folder}: the model cannot be given an f0; name a DDSP autoencoder with `f0: given`"
        )
    return model


def transfer(
    model: Autoencoder,
    line: SourceLine,
    target: Target,
    features: FeaturesConfig,
    room: bool,
    noise_seed: int,
) -> Transfer:
    """Play a source line with a model.

    Args:
        model: plays the line.
        line: the source.
        target: f0 and loudness are adjusted to it.
        features: how f0 and loudness are measured.
        room: whether to measure loudness on the source in the room that the model learned.
        noise_seed: for the model's noise.

    Returns:
        The transfer; its audio is as long as the line's.
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
        "noise": evaluation_noise(len(frames), noise_seed, 0).numpy(),
    }
    audio = play_in_pieces(model, inputs)[: len(line.audio)]
    return Transfer(line, adjustment, f0_hz, loudness_db, audio)


def in_learned_room(model: Autoencoder, audio: np.ndarray) -> np.ndarray:
    """Add the reverb that a model learned, if it has one: [samples] -> [samples]."""
    if model.reverb is None:
        return audio
    response = model.reverb.impulse_response().numpy()
    return oaconvolve(audio, response)[: len(audio)].astype(np.float32)


def write_transfers(
    folder: Path,
    transfers: list[Transfer],
    target: Target,
    tracking: ResynthesizeConfig,
    length: int,
) -> None:
    """Cut source lines and model output into windows, track both and write them.

    Args:
        folder: folder to write: source and output, tracked sets of the same windows; output also
            with conditions.npz (f0 counts as pitched where CREPE is confident on the source);
            plan.csv, a row per window; target.json, the training data's target; truth.npz (ids,
            f0_hz [windows, frames]), the f0 as played, of the windows for which it is known.
        transfers: the source lines and what the model played.
        target: the training data's target.
        tracking: tracker settings.
        length: frames per window.
    """
    windows = cut_windows(transfers, length)
    if not windows:
        raise UserError(
            "timbre_transfer.lines.passage_seconds: no line is as long as a window of "
            f"{length / FRAME_RATE:g} s; ask for longer passages or shorten examples.seconds"
        )
    ids = list(windows)
    sources = (window.cut_audio(window.transfer.line.audio) for window in windows.values())
    write_tracked_set(folder / "source", tracking, ids, sources, "source")
    outputs = (window.cut_audio(window.transfer.audio) for window in windows.values())
    write_tracked_set(folder / "output", tracking, ids, outputs, "output")
    _write_conditions(folder, windows)
    _write_plan(folder, windows)
    write_json(folder / "target.json", target.model_dump())
    _write_truth(folder, windows)


def cut_windows(transfers: list[Transfer], length: int) -> dict[str, Window]:
    """Cut every transfer into windows of `length` frames, by example id."""
    return {
        example_id(transfer.line.id, start): Window(transfer, start, length)
        for transfer in transfers
        for start in window_starts(len(transfer.line.audio) // HOP, length, length)
    }


def _write_conditions(folder: Path, windows: dict[str, Window]) -> None:
    """Write the conditioning of each window of output, for which source must be written."""
    conditions = {}
    for name, source in read_clips(folder / "source").items():
        window = windows[name]
        conditions[name] = Condition(
            window.cut_curve(window.transfer.f0_hz),
            window.cut_curve(window.transfer.loudness_db),
            source.confidence >= CONFIDENCE_THRESHOLD,
        )
    write_conditions(folder / "output", conditions)


def _write_plan(folder: Path, windows: dict[str, Window]) -> None:
    """Write each window's instrument, group and adjustment."""
    rows = []
    for name, window in windows.items():
        line = window.transfer.line
        row = {"example_id": name, "instrument": line.instrument, "group": line.group}
        rows.append(row | window.transfer.adjustment._asdict())
    write_text(folder / PLAN, pd.DataFrame(rows).to_csv(index=False))


def _write_truth(folder: Path, windows: dict[str, Window]) -> None:
    """Write the f0 as played of each window for which it is known."""
    true_f0_hz = {
        name: window.cut_curve(window.transfer.line.true_f0_hz)
        for name, window in windows.items()
        if window.transfer.line.true_f0_hz is not None
    }
    ids = np.array(list(true_f0_hz))
    np.savez(folder / "truth.npz", ids=ids, f0_hz=np.array(list(true_f0_hz.values())))


def write_reference(folder: Path, model: Autoencoder, held_out: HeldOut, batch_size: int) -> None:
    """Measure real test clips and the model's resynthesis of them, as a reference for transfers.

    Args:
        folder: folder to write: reference.npz (data, the data set's name; ids; groups; timbres
            [clips, 2, 12] and loudness_db [clips, 2, frames], the original first). f0 is not
            measured.
        model: resynthesizes the clips.
        held_out: the test examples.
        batch_size: examples per batch.
    """
    ids = list(held_out.examples)
    examples = list(held_out.examples.values())
    sounds = zip(examples, resynthesize(model, examples, batch_size))
    timbres = []
    curves = []
    for example, audio in progress(sounds, "test clips", len(examples), unit="clip"):
        loudness = loudness_curve(audio)
        timbres.append([timbre(example["audio"], example["loudness_db"]), timbre(audio, loudness)])
        curves.append([example["loudness_db"], loudness])
    groups = np.array([held_out.recordings.group[name] for name in ids], str)
    np.savez(
        folder / "reference.npz",
        data=held_out.data,
        ids=np.array(ids),
        groups=groups,
        timbres=np.array(timbres),
        loudness_db=np.array(curves),
    )
