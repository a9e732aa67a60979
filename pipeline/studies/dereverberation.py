"""Dereverberation and acoustic transfer: the violin without the room, and the room without the
violin. This module only makes the sounds, including the true ones, which no model may be given;
`pipeline.evaluation.dereverberation` compares them.
"""

from pathlib import Path

import keras
import numpy as np
import soundfile
import tensorflow as tf
from pydantic import PositiveInt
from scipy.io import wavfile
from scipy.signal import butter, fftconvolve, sosfilt

from pipeline.audio.clips import store_audio
from pipeline.common.cli import UserError, progress
from pipeline.common.files import atomic_folder, write_text
from pipeline.common.manifest import AUDIO, TRUTH
from pipeline.common.params import Params
from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.examples.schema import split_id
from pipeline.resynthesis.render import input_batches
from pipeline.studies.conditions import PLAN
from pipeline.studies.held_out import HeldOut, StudyConfig
from pipeline.studies.room_acoustics import RESPONSE_FILE, decaying_noise
from pipeline.studies.wpe import WpeConfig, dereverberate

SIGNALS = ("dry", "wet", "wpe", "model_dry", "model_wet")  # folders of the test examples' sounds
# Names in responses.npz; also folders of transferred sounds, next to `dry`.
RESPONSES = ("true", "learned", "noise")
TRANSFER = "transfer"
HIGHPASS_HZ = 40.0  # for transferred sounds; below the lowest note of every instrument
HIGHEST_PEAK = 0.99  # of transferred sounds: a room raises the level, and files clip at 1


class TransferConfig(Params):
    """The block `transfer` of the `dereverberation` section: dry sounds to put into the rooms."""

    data: str  # a data set recorded without a room
    clips: PositiveInt  # at most this many of its test split, evenly over instruments and pitches


class DereverberationConfig(StudyConfig):
    """The `dereverberation` section of params.yaml."""

    wpe: WpeConfig
    transfer: TransferConfig
    seed: int  # for the decaying noise, to which the learned response is compared


def make_dereverberation(
    model: keras.Model,
    config: DereverberationConfig,
    split: HeldOut,
    others: HeldOut,
    data_set: Path,
    batch_size: int,
    out: Path,
) -> None:
    """Write the sounds of the test examples, the responses and the transferred sounds.

    Args:
        model: must have a reverb.
        config: settings of WPE, of the transfer and of the decaying noise.
        split: the test split of the model's data set.
        others: the test split of the transfer's data set.
        data_set: the folder of the model's data set, with its truth.
        batch_size: examples per batch.
        out: folder to write: SIGNAL/audio/ID.flac and plan.csv (example_id, group); responses.npz
            ([samples] each at 16 kHz, starting with the direct sound); transfer/dry and
            transfer/RESPONSE, all with the same gain, with their own plan.csv.

    Raises:
        UserError: if the true room is unknown or the model has no reverb.
    """
    true = read_room(data_set)
    if getattr(model, "reverb", None) is None:
        raise UserError(
            "dereverberation.experiments: a model without a reverb (model.reverb_seconds: 0) "
            "learns no room; remove it"
        )
    learned = model.reverb.impulse_response().numpy()
    responses = {"true": true, "learned": learned, "noise": decaying_noise(learned, config.seed)}
    with atomic_folder(out) as folder:
        np.savez(folder / RESPONSE_FILE, **responses)
        sounds = known_sounds(split, data_set, config.wpe) | model_sounds(model, split, batch_size)
        for signal in SIGNALS:
            _store(folder / signal, sounds[signal])
        write_text(folder / PLAN, split.recordings[["group"]].rename_axis("example_id").to_csv())
        write_room_transfers(
            pick_evenly(others, config.transfer.clips), responses, folder / TRANSFER
        )


def read_room(data_set: Path) -> np.ndarray:
    """Read the true impulse response of a data set's room: [samples]."""
    path = data_set / TRUTH / "room.wav"
    if not path.exists():
        raise UserError(
            f"{path}: no such file; dereverberation needs a data set with a known room, as "
            "source violin makes it: change dereverberation.experiments"
        )
    return wavfile.read(path)[1]


def known_sounds(
    split: HeldOut, data_set: Path, wpe: WpeConfig
) -> dict[str, dict[str, np.ndarray]]:
    """Return the true dry sounds, the wet ones and those that WPE dereverberates.

    WPE processes whole recordings; all sounds are cut to the examples.

    Returns:
        {signal: {example id: [samples]}}.
    """
    recordings = sorted({split_id(name)[0] for name in split.examples})
    dry = {}
    wpe_dry = {}
    for recording in progress(recordings, "dereverberation: wpe", unit="recording"):
        dry[recording] = _read(data_set / TRUTH / f"{recording}.dry.wav")
        wpe_dry[recording] = dereverberate(_read(data_set / AUDIO / f"{recording}.wav"), wpe)
    return {
        "dry": {name: window(dry, name, example) for name, example in split.examples.items()},
        "wet": {name: example["audio"] for name, example in split.examples.items()},
        "wpe": {name: window(wpe_dry, name, example) for name, example in split.examples.items()},
    }


def window(recordings: dict[str, np.ndarray], name: str, example: dict) -> np.ndarray:
    """Cut example `name` out of its recording, given all recordings by id: [samples]."""
    recording, start = split_id(name)
    return recordings[recording][start * HOP : start * HOP + len(example["audio"])]


def model_sounds(
    model: keras.Model, split: HeldOut, batch_size: int
) -> dict[str, dict[str, np.ndarray]]:
    """Render the examples without and with the model's reverb: {signal: {id: [samples]}}."""
    run = tf.function(
        lambda batch: [model(batch)[name] for name in ("dry", "audio")],
        autograph=False,
        reduce_retracing=True,
    )
    signals: dict[str, dict[str, np.ndarray]] = {"model_dry": {}, "model_wet": {}}
    for members, batch in input_batches(list(split.examples.values()), batch_size):
        names = [example["example_id"] for example in members]
        for sounds, audio in zip(signals.values(), run(batch)):
            sounds.update(zip(names, audio.numpy()))
    return signals


def pick_evenly(split: HeldOut, clips: int) -> HeldOut:
    """Pick at most `clips` examples, evenly spaced in their order by instrument and id."""
    order = sorted(split.examples, key=lambda name: (split.recordings.instrument[name], name))
    count = min(clips, len(order))
    places = np.unique(np.rint(np.linspace(0, len(order) - 1, count)).astype(int))
    names = [order[place] for place in places]
    examples = {name: split.examples[name] for name in names}
    return HeldOut(split.data, examples, split.recordings.loc[names])


def write_room_transfers(split: HeldOut, responses: dict[str, np.ndarray], folder: Path) -> None:
    """Write dry sounds, and the same sounds in every room.

    The dry sounds are first high-passed at 40 Hz: at 0 Hz all image sources add up, so the true
    room would turn a recording's inaudible offset into its loudest component.

    Args:
        split: the examples with the dry sounds.
        responses: impulse responses by room, [samples] each.
        folder: folder to write: dry and one folder per room, and plan.csv. Reverberant sounds are
            cut to the length of the dry ones; all have the same gain, low enough not to clip.
    """
    highpass = butter(4, HIGHPASS_HZ, "highpass", fs=SAMPLE_RATE, output="sos")
    dry = {name: sosfilt(highpass, example["audio"]) for name, example in split.examples.items()}
    sounds = {"dry": dry}
    for room, response in responses.items():
        sounds[room] = {
            name: fftconvolve(audio, response)[: len(audio)] for name, audio in dry.items()
        }
    peak = max(np.abs(audio).max() for clips in sounds.values() for audio in clips.values())
    gain = min(1.0, HIGHEST_PEAK / peak)
    for signal, clips in sounds.items():
        _store(folder / signal, {name: gain * audio for name, audio in clips.items()})
    plan = split.recordings[["instrument", "group"]].rename_axis("example_id")
    write_text(folder / PLAN, plan.to_csv())


def _store(folder: Path, sounds: dict[str, np.ndarray]) -> None:
    folder.mkdir(parents=True)
    for name, audio in sounds.items():
        store_audio(folder, name, audio)


def _read(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32")[0]
