"""How close a sound is to the true one, after delay and gain are taken away
(`pipeline.studies.alignment`). Conventions:
* Spectral loss: the multi-scale spectral loss of training, aligned; and as it is, with neither
  delay nor gain taken away. Its logarithms reach down to 1e-5: what is left in the silences of the
  true sound, and hiss between partials, weighs as much as the partials.
* Log-spectral distance: root of the mean squared difference of log magnitudes over the bins (FFT
  1024) of all octave bands, or of one, dB, in the mean over the frames in which the true sound is
  above -70 dB ("sounding"). Magnitudes below 1e-4 of a full-scale sine count as that.
* Level of a band: its energy in these frames over the true one, dB: what differs in colour.
* Loudness L1: mean |difference| of loudness at 250 Hz, dB, over the sounding frames.
* Tail: mean power (of loudness, A-weighted) in the frames in which the dry sound is silent, and was
  not at some time in the half second before, over the mean power in the frames in which it sounds,
  dB. NaN where there are no such frames.
"""

from typing import NamedTuple

import librosa
import numpy as np
import tensorflow as tf

from pipeline.common.units import FRAME_RATE, HOP, SAMPLE_RATE, SOUNDING_DB
from pipeline.dsp.spectral_loss import multi_scale_spectral_loss
from pipeline.evaluation.alignment import FFT, STEP, best_gain, earlier, magnitudes
from pipeline.evaluation.metrics import mean
from pipeline.features.loudness import loudness_db
from pipeline.studies.room_acoustics import OCTAVES_HZ, band_edges

LOWEST = 1e-4  # magnitude, of a full-scale sine: the floor of loudness
AFTER = FRAME_RATE // 2  # frames after a sound in which its tail is looked for


class Truth(NamedTuple):
    """A true sound, measured once for all that is compared with it."""

    audio: np.ndarray  # [samples]
    spectrum: np.ndarray  # [bins, spectral frames] magnitudes
    loudness: np.ndarray  # [frames] dB
    dry_sounding: np.ndarray  # [frames] bool: where the sound without a room is heard
    tail: np.ndarray  # [frames] bool: where a tail is heard alone


def measure_truth(audio: np.ndarray, dry: np.ndarray) -> Truth:
    """The true sound of a clip, [samples], with the dry one, whose silences are where a tail is
    looked for; often the same.
    """
    loudness, silent = (loudness_db(each[None])[0].numpy() for each in (audio, dry))
    return Truth(audio, magnitudes(audio), loudness, silent > SOUNDING_DB, tail_frames(silent))


def compare(
    truth: Truth, audio: np.ndarray, delay: int
) -> tuple[dict[str, float], list[dict[str, float]]]:
    """A sound, [samples], that is `delay` control frames late: (measures of the whole, measures
    of each octave band).
    """
    moved = earlier(audio, delay)
    spectrum = magnitudes(moved)
    heard = inside_bands()
    gain = best_gain(truth.spectrum[heard], spectrum[heard])
    aligned = np.float32(gain) * moved
    loudness, sounding = loudness_db(aligned[None])[0].numpy(), truth.loudness > SOUNDING_DB
    loss, as_is = spectral_losses(truth.audio, aligned, audio)
    distance, bands = band_measures(truth, gain * spectrum, sounding)
    return {
        "spectral_loss": loss,
        "spectral_loss_as_is": as_is,
        "log_spectral_distance_db": distance,
        "loudness_l1_db": mean(np.abs(truth.loudness - loudness)[sounding]),
        "tail_db": tail_level(loudness, truth),
        "delay_ms": 1000.0 * delay / FRAME_RATE,
        "gain_db": float(20 * np.log10(gain)),
        "frames_sounding": int(sounding.sum()),
        "frames_tail": int(truth.tail.sum()),
    }, bands


def inside_bands() -> np.ndarray:
    """Which bins lie in an octave band: [bins]. An offset below them, which nobody hears, must
    not set a gain.
    """
    frequencies = librosa.fft_frequencies(sr=SAMPLE_RATE, n_fft=FFT)
    return (frequencies >= band_edges(OCTAVES_HZ[0])[0]) & (
        frequencies < band_edges(OCTAVES_HZ[-1])[1]
    )


def band_measures(
    truth: Truth, spectrum: np.ndarray, sounding: np.ndarray
) -> tuple[float, list[dict[str, float]]]:
    """Log-spectral distance over all octave bands, and distance and level of each; `sounding`
    [frames] says which frames count.
    """
    counted = np.resize(sounding[:: STEP // HOP], spectrum.shape[1])
    counted[len(sounding) // (STEP // HOP) :] = False  # what a centred transform adds at the end
    wanted, found = (np.maximum(each[:, counted], LOWEST) for each in (truth.spectrum, spectrum))
    difference, frequencies = (
        20 * np.log10(found / wanted),
        librosa.fft_frequencies(sr=SAMPLE_RATE, n_fft=FFT),
    )
    inside = {
        center: (frequencies >= low) & (frequencies < high)
        for center in OCTAVES_HZ
        for low, high in [band_edges(center)]
    }
    bands = [
        {
            "band_hz": str(center),
            "log_spectral_distance_db": _distance(difference[bins]),
            "level_db": float(
                10 * np.log10(np.square(found[bins]).sum() / np.square(wanted[bins]).sum())
            )
            if counted.any()
            else np.nan,
            "frames_compared": int(counted.sum()),
        }
        for center, bins in inside.items()
    ]
    return _distance(difference[inside_bands()]), bands


def tail_frames(dry_db: np.ndarray) -> np.ndarray:
    """Where a tail is heard alone, by the dry sound's loudness [frames]: it is silent, and was
    not within the half second before.
    """
    sounding = (dry_db > SOUNDING_DB).astype(int)
    return (sounding == 0) & (np.convolve(sounding, np.ones(AFTER, int))[: len(sounding)] > 0)


def tail_level(loudness: np.ndarray, truth: Truth) -> float:
    """Mean power of a loudness curve where a tail is heard alone over that where the dry sound
    is heard, dB.
    """
    if not (truth.tail.any() and truth.dry_sounding.any()):
        return np.nan
    powers = 10 ** (loudness / 10)
    return float(10 * np.log10(powers[truth.tail].mean() / powers[truth.dry_sounding].mean()))


def spectral_losses(true: np.ndarray, *sounds: np.ndarray) -> list[float]:
    """The training loss of each sound, [samples] each."""
    sounds = np.stack(sounds).astype(np.float32)
    return [
        float(loss)
        for loss in _losses(np.broadcast_to(true, sounds.shape).astype(np.float32), sounds)
    ]


def _distance(difference: np.ndarray) -> float:
    """Of dB differences [bins, frames]: root of the mean square over bins, in the mean over
    frames.
    """
    return mean(np.sqrt(np.square(difference).mean(axis=0)))


_losses = tf.function(multi_scale_spectral_loss, autograph=False, reduce_retracing=True)
