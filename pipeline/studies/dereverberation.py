"""Dereverberation and acoustic transfer: the violin without the room, and the room without the
violin. The sounds alone are made here, with the truth that only evaluation may know;
`pipeline.studies.dereverberation_rows` compares them.
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

SIGNALS = ("dry", "wet", "wpe", "model_dry", "model_wet")  # folders of sounds of the test examples
# of responses.npz; each is a folder of transferred sounds, beside `dry`
RESPONSES = ("true", "learned", "noise")
TRANSFER = "transfer"
LOWEST_HZ = 40.0  # of transferred sounds, below the bass of every instrument
HIGHEST_PEAK = 0.99  # of transferred sounds: a room adds, and files hold no more than 1


class TransferConfig(Params):
    """The block `transfer` of the `dereverberation` section: which dry sounds are put into the
    rooms.
    """

    data: str  # a data set whose recordings have no room
    clips: PositiveInt  # at most; of its test split, evenly over instruments and pitches


class DereverberationConfig(StudyConfig):
    """The `dereverberation` section of params.yaml."""

    wpe: WpeConfig
    transfer: TransferConfig
    seed: int  # of the decaying noise that the learned response is compared with


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

    out/SIGNAL/audio/ID.flac and out/plan.csv (example_id, group); out/responses.npz ([samples] each
    at 16 kHz, the direct sound first); out/transfer/dry and out/transfer/RESPONSE alike, all with
    one gain, with a plan.csv of their own.

    Args:
        split: the test split of the model's data set.
        others: the test split of the transfer's data set.
        data_set: the folder of the model's data set, with its truth.
    """
    true = read_room(data_set)
    if getattr(model, "reverb", None) is None:
        raise UserError(
            "dereverberation.experiments: a model without a reverb (model.reverb_seconds: 0) "
            "learned no room; remove it"
        )
    learned = model.reverb.impulse_response().numpy()
    responses = {"true": true, "learned": learned, "noise": decaying_noise(learned, config.seed)}
    with atomic_folder(out) as folder:
        np.savez(folder / RESPONSE_FILE, **responses)
        sounds = known_sounds(split, data_set, config.wpe) | model_sounds(model, split, batch_size)
        for signal in SIGNALS:
            _store(folder / signal, sounds[signal])
        write_text(folder / PLAN, split.recordings[["group"]].rename_axis("example_id").to_csv())
        transfer(pick(others, config.transfer.clips), responses, folder / TRANSFER)


def read_room(data_set: Path) -> np.ndarray:
    """The true response of a data set's room: [samples]."""
    path = data_set / TRUTH / "room.wav"
    if not path.exists():
        raise UserError(
            f"{path}: no such file; dereverberation needs a data set whose room is known, one of "
            "source violin: change dereverberation.experiments"
        )
    return wavfile.read(path)[1]


def known_sounds(
    split: HeldOut, data_set: Path, wpe: WpeConfig
) -> dict[str, dict[str, np.ndarray]]:
    """The true dry, the wet and the sound that WPE makes of the wet recording, cut to the
    examples: {signal: {id: [samples]}}.
    """
    recordings = sorted({split_id(name)[0] for name in split.examples})
    dry, wpe_dry = {}, {}
    for recording in progress(recordings, "dereverberation: wpe", unit="recording"):
        dry[recording] = _read(data_set / TRUTH / f"{recording}.dry.wav")
        wpe_dry[recording] = dereverberate(_read(data_set / AUDIO / f"{recording}.wav"), wpe)
    return {
        "dry": {name: window(dry, name, example) for name, example in split.examples.items()},
        "wet": {name: example["audio"] for name, example in split.examples.items()},
        "wpe": {name: window(wpe_dry, name, example) for name, example in split.examples.items()},
    }


def window(recordings: dict[str, np.ndarray], name: str, example: dict) -> np.ndarray:
    """What a recording holds where an example was cut: [samples]."""
    recording, start = split_id(name)
    return recordings[recording][start * HOP : start * HOP + len(example["audio"])]


def model_sounds(
    model: keras.Model, split: HeldOut, batch_size: int
) -> dict[str, dict[str, np.ndarray]]:
    """The model's sound without and with its reverb: {signal: {id: [samples]}}."""
    run = tf.function(
        lambda batch: [model(batch)[name] for name in ("dry", "audio")],
        autograph=False,
        reduce_retracing=True,
    )
    found: dict[str, dict[str, np.ndarray]] = {"model_dry": {}, "model_wet": {}}
    for part, batch in input_batches(list(split.examples.values()), batch_size):
        names = [example["example_id"] for example in part]
        for sounds, audio in zip(found.values(), run(batch)):
            sounds.update(zip(names, audio.numpy()))
    return found


def pick(split: HeldOut, clips: int) -> HeldOut:
    """At most so many examples, at even steps through their order by instrument and id."""
    order = sorted(split.examples, key=lambda name: (split.recordings.instrument[name], name))
    places = np.unique(np.rint(np.linspace(0, len(order) - 1, min(clips, len(order)))).astype(int))
    names = [order[place] for place in places]
    return HeldOut(
        split.data, {name: split.examples[name] for name in names}, split.recordings.loc[names]
    )


def transfer(split: HeldOut, responses: dict[str, np.ndarray], folder: Path) -> None:
    """Write dry sounds, high-passed at 40 Hz, and the same in every room, as long as they were and
    all with one gain: none is clipped.

    Image sources all add up at 0 Hz: a recording's inaudible offset would come out of the true room
    as the loudest part of it.
    """
    audible = butter(4, LOWEST_HZ, "highpass", fs=SAMPLE_RATE, output="sos")
    sounds = {
        "dry": {
            name: sosfilt(audible, example["audio"]) for name, example in split.examples.items()
        }
    }
    for room, response in responses.items():
        sounds[room] = {
            name: fftconvolve(audio, response)[: len(audio)]
            for name, audio in sounds["dry"].items()
        }
    peak = max(np.abs(audio).max() for clips in sounds.values() for audio in clips.values())
    gain = min(1.0, HIGHEST_PEAK / peak)
    for signal, clips in sounds.items():
        _store(folder / signal, {name: gain * audio for name, audio in clips.items()})
    write_text(
        folder / PLAN, split.recordings[["instrument", "group"]].rename_axis("example_id").to_csv()
    )


def _store(folder: Path, sounds: dict[str, np.ndarray]) -> None:
    folder.mkdir(parents=True)
    for name, audio in sounds.items():
        store_audio(folder, name, audio)


def _read(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32")[0]
