"""A model's training data as a target: its pitch, loudness and timbre, which sources are shifted to
and results are measured against.

Timbre is the mean of a clip's MFCCs over its sounding frames, without the coefficient of energy: 12
values (of 13 coefficients of 40 mel bands, floored at 80 dB below the clip's loudest). Each value
is expressed in standard deviations between training clips; the distance of two timbres is the root
mean square of their 12 differences, so a training clip is about 1 from the training data's mean.
The z encoder's 128 mel bands would resolve the harmonics of high notes, and so tell one pitch from
another; without the floor, the logarithm would compare rounding errors. Of four settings tried,
this one best told flute, trumpet and oboe from the violin's validation clips. Pitch, room and
attacks still affect it.
"""

import librosa
import numpy as np
from pydantic import ConfigDict

from pipeline.common.params import Params
from pipeline.common.units import CONFIDENCE_THRESHOLD, HOP, SAMPLE_RATE, SOUNDING_DB

COEFFICIENTS, MEL_BANDS = 13, 40
MFCC_HOP = 512  # samples


class Target(Params):
    """Pitch, loudness and timbre of a training split.

    Loudness and pitch are measured over frames above -70 dB, and pitch only where CREPE's
    confidence is at least 0.85. NaN where there is no such frame.
    """

    model_config = ConfigDict(allow_inf_nan=True)

    pitch: float  # median, MIDI
    loudness_mean: float  # dB
    loudness_std: float
    timbre_mean: list[float]  # [12] over the clips
    timbre_std: list[float]  # [12] over the clips


def describe_target(training: list[dict]) -> Target:
    """Measure the target on training examples, as `pipeline.examples.dataset.read_split` returns
    them.
    """
    loudness = np.concatenate([example["loudness_db"] for example in training])
    sounding = loudness > SOUNDING_DB
    confidence = np.concatenate([example["f0_confidence"] for example in training])
    pitched = sounding & (confidence >= CONFIDENCE_THRESHOLD)
    f0_hz = np.concatenate([example["f0_hz"] for example in training])
    timbres = np.stack([timbre(example["audio"], example["loudness_db"]) for example in training])
    if not sounding.any():
        undefined = [np.nan] * (COEFFICIENTS - 1)
        return Target(
            pitch=np.nan,
            loudness_mean=np.nan,
            loudness_std=np.nan,
            timbre_mean=undefined,
            timbre_std=undefined,
        )
    return Target(
        pitch=median_pitch(f0_hz[pitched]),
        loudness_mean=float(loudness[sounding].mean()),
        loudness_std=float(loudness[sounding].std()),
        timbre_mean=np.nanmean(timbres, axis=0).tolist(),
        timbre_std=np.nanstd(timbres, axis=0).tolist(),
    )


def median_pitch(f0_hz: np.ndarray) -> float:
    """Return the median of f0 as a MIDI pitch; NaN if there are no frames."""
    return float(np.median(librosa.hz_to_midi(f0_hz))) if f0_hz.size else np.nan


def timbre(audio: np.ndarray, loudness_db: np.ndarray) -> np.ndarray:
    """Average a clip's MFCCs over its sounding frames: [samples], [frames] dB -> [12].

    NaN if no frame sounds.
    """
    sounding = (loudness_db > SOUNDING_DB)[:: MFCC_HOP // HOP]
    if not sounding.any():
        return np.full(COEFFICIENTS - 1, np.nan)
    mfcc = librosa.feature.mfcc(
        y=np.asarray(audio, np.float32),
        sr=SAMPLE_RATE,
        n_mfcc=COEFFICIENTS,
        n_mels=MEL_BANDS,
        hop_length=MFCC_HOP,
    )
    return mfcc[1:, : len(sounding)][:, sounding].mean(axis=1)


def timbre_distance(one: np.ndarray, other: np.ndarray, target: Target) -> float:
    """Return the distance of two timbres, [12] each, in standard deviations between training
    clips; NaN if either is undefined.
    """
    return float(np.sqrt(np.mean(((one - other) / np.array(target.timbre_std)) ** 2)))
