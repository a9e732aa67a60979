"""What a model's training data are like: pitch, loudness and timbre, for a source to be moved to
and a result to be measured against. Timbre is the mean of a clip's MFCCs over its sounding frames,
without the coefficient of energy: 12 figures (13 coefficients of 40 mel bands, what is more than 80
dB below the clip's loudest raised to that). Each is told in standard deviations between the
training clips; the distance of two timbres is the root of the mean square of these 12 differences.
A training clip is thus about 1 from the training data's mean. Fewer bands than the z encoder's 128,
which resolve the harmonics of high notes and so tell pitch from pitch; and a floor, without which
the logarithm compares rounding errors. Of four settings these told flute, trumpet and oboe best
from the violin's validation clips. Still pitch and room are in it, and attacks are not.
"""

import librosa
import numpy as np

from pipeline.common.params import Params
from pipeline.common.units import CONFIDENCE_THRESHOLD, HOP, SAMPLE_RATE, SOUNDING_DB

COEFFICIENTS, MEL_BANDS = 13, 40
MFCC_HOP = 512  # samples


class Target(Params):
    """Of the training split; loudness and pitch over frames above -70 dB, pitch where CREPE's
    confidence is at least 0.85.
    """

    pitch: float  # median, MIDI
    loudness_mean: float  # dB
    loudness_std: float
    timbre_mean: list[float]  # of the clips' timbres
    timbre_std: list[float]


def describe_target(training: list[dict]) -> Target:
    """The target of a model from its training examples, as `pipeline.dataset.read_split` gives
    them.
    """
    loudness = np.concatenate([example["loudness_db"] for example in training])
    sounding = loudness > SOUNDING_DB
    pitched = sounding & (
        np.concatenate([example["f0_confidence"] for example in training]) >= CONFIDENCE_THRESHOLD
    )
    f0_hz = np.concatenate([example["f0_hz"] for example in training])
    timbres = np.stack([timbre(example["audio"], example["loudness_db"]) for example in training])
    return Target(
        pitch=median_pitch(f0_hz[pitched]),
        loudness_mean=float(loudness[sounding].mean()),
        loudness_std=float(loudness[sounding].std()),
        timbre_mean=np.nanmean(timbres, axis=0).tolist(),
        timbre_std=np.nanstd(timbres, axis=0).tolist(),
    )


def median_pitch(f0_hz: np.ndarray) -> float:
    """The median in MIDI, NaN of nothing."""
    return float(np.median(librosa.hz_to_midi(f0_hz))) if f0_hz.size else np.nan


def timbre(audio: np.ndarray, loudness_db: np.ndarray) -> np.ndarray:
    """A clip's mean MFCCs over sounding frames: [samples], [frames] -> [12], NaN where nothing
    sounds.
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
    """How far two timbres are apart, in standard deviations between training clips; NaN if
    either is undefined.
    """
    return float(np.sqrt(np.mean(((one - other) / np.array(target.timbre_std)) ** 2)))
