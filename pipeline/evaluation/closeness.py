"""Compare a sound with the true one, aligned in delay and gain (`pipeline.evaluation.alignment`).

Conventions:
* Spectral loss: the multi-scale spectral loss of training, aligned; and "as is", without alignment.
  Its logarithms have a floor of 1e-5: residues in the silences of the true sound, and hiss between
  partials, weigh as much as the partials.
* Log-spectral distance: root mean square difference of log magnitudes over the bins (FFT 1024) of
  all octave bands, or of one, dB, averaged over the frames in which the true sound is above -70 dB
  ("sounding"). Magnitudes are floored at 1e-4 of a full-scale sine.
* Level of a band: its energy in these frames over the true sound's, dB. It shows a difference in
  colour.
* Loudness L1: mean |difference| of loudness at 250 Hz, dB, over the sounding frames.
* Tail: mean A-weighted power (from the loudness) over the frames in which the dry sound is silent
  but sounded within the preceding half second, relative to the mean power over the frames in which
  it sounds, dB. NaN if there are no such frames.
"""

from typing import NamedTuple

import librosa
import numpy as np
import tensorflow as tf

from pipeline.common.units import FRAME_RATE, HOP, SAMPLE_RATE, SOUNDING_DB
from pipeline.dsp.spectral_loss import multi_scale_spectral_loss
from pipeline.evaluation.alignment import FFT, STEP, advance, best_gain, magnitudes
from pipeline.evaluation.metrics import mean
from pipeline.features.loudness import loudness_db
from pipeline.studies.room_acoustics import OCTAVES_HZ, band_edges

MAGNITUDE_FLOOR = 1e-4  # of a full-scale sine; equal to the floor of loudness
TAIL = FRAME_RATE // 2  # frames: how long after a sound its tail is measured


class Truth(NamedTuple):
    """A true sound and its measurements, shared by all comparisons with it."""

    audio: np.ndarray  # [samples]
    spectrum: np.ndarray  # [bins, spectral frames] magnitudes
    loudness: np.ndarray  # [frames] dB
    dry_sounding: np.ndarray  # [frames] bool: where the dry sound is audible
    tail: np.ndarray  # [frames] bool: where only a tail is audible


def measure_truth(audio: np.ndarray, dry: np.ndarray) -> Truth:
    """Measure a clip's true sound.

    Args:
        audio: [samples] the true sound.
        dry: [samples] the dry sound, in whose rests tails are measured; may be the true sound.
    """
    loudness, dry_db = (loudness_db(sound[None])[0].numpy() for sound in (audio, dry))
    return Truth(audio, magnitudes(audio), loudness, dry_db > SOUNDING_DB, tail_frames(dry_db))


def compare(
    truth: Truth, audio: np.ndarray, delay: int
) -> tuple[dict[str, float], list[dict[str, float]]]:
    """Compare a sound with the true one.

    Args:
        truth: the true sound.
        audio: [samples] the sound.
        delay: by how many control frames the sound is late.

    Returns:
        The measures of the whole sound, and those of each octave band.
    """
    advanced = advance(audio, delay)
    spectrum = magnitudes(advanced)
    in_bands = octave_band_bins()
    gain = best_gain(truth.spectrum[in_bands], spectrum[in_bands])
    aligned = np.float32(gain) * advanced
    loudness = loudness_db(aligned[None])[0].numpy()
    sounding = truth.loudness > SOUNDING_DB
    loss, loss_as_is = spectral_losses(truth.audio, aligned, audio)
    distance, bands = band_measures(truth, gain * spectrum, sounding)
    whole = {
        "spectral_loss": loss,
        "spectral_loss_as_is": loss_as_is,
        "log_spectral_distance_db": distance,
        "loudness_l1_db": mean(np.abs(truth.loudness - loudness)[sounding]),
        "tail_db": tail_level(loudness, truth),
        "delay_ms": 1000.0 * delay / FRAME_RATE,
        "gain_db": float(20 * np.log10(gain)),
        "frames_sounding": int(sounding.sum()),
        "frames_tail": int(truth.tail.sum()),
    }
    return whole, bands


def octave_band_bins(centers: tuple[int, ...] = OCTAVES_HZ) -> np.ndarray:
    """Find the bins of the octave bands from the first to the last of `centers`: [bins] bool.

    Below the bands, an inaudible offset would distort the gain.
    """
    frequencies = librosa.fft_frequencies(sr=SAMPLE_RATE, n_fft=FFT)
    low, _ = band_edges(centers[0])
    _, high = band_edges(centers[-1])
    return (frequencies >= low) & (frequencies < high)


def band_measures(
    truth: Truth, spectrum: np.ndarray, sounding: np.ndarray
) -> tuple[float, list[dict[str, float]]]:
    """Measure log-spectral distances and levels.

    Args:
        truth: the true sound.
        spectrum: [bins, spectral frames] magnitudes of the sound, aligned.
        sounding: [frames] bool: control frames to count.

    Returns:
        The distance over all octave bands, and the distance and level of each band.
    """
    step = STEP // HOP
    counted = np.resize(sounding[::step], spectrum.shape[1])
    counted[len(sounding) // step :] = False  # frames that centring adds at the end
    true = np.maximum(truth.spectrum[:, counted], MAGNITUDE_FLOOR)
    estimate = np.maximum(spectrum[:, counted], MAGNITUDE_FLOOR)
    difference_db = 20 * np.log10(estimate / true)
    bands = []
    for center in OCTAVES_HZ:
        bins = octave_band_bins((center,))
        bands.append(
            {
                "band_hz": str(center),
                "log_spectral_distance_db": _log_spectral_distance(difference_db[bins]),
                "level_db": _level_db(estimate[bins], true[bins]),
                "frames_compared": int(counted.sum()),
            }
        )
    return _log_spectral_distance(difference_db[octave_band_bins()]), bands


def tail_frames(dry_db: np.ndarray) -> np.ndarray:
    """Find where only a tail is audible, from the dry sound's loudness: [frames] -> [frames] bool.

    These are silent frames that follow a sounding one within half a second.
    """
    sounding = (dry_db > SOUNDING_DB).astype(int)
    recent = np.convolve(sounding, np.ones(TAIL, int))[: len(sounding)] > 0
    return (sounding == 0) & recent


def tail_level(loudness: np.ndarray, truth: Truth) -> float:
    """Return the mean power of a loudness curve, [frames] dB, where only a tail is audible, over
    that where the dry sound is audible, dB.
    """
    if not (truth.tail.any() and truth.dry_sounding.any()):
        return np.nan
    powers = 10 ** (loudness / 10)
    return float(10 * np.log10(powers[truth.tail].mean() / powers[truth.dry_sounding].mean()))


def spectral_losses(true: np.ndarray, *sounds: np.ndarray) -> list[float]:
    """Return the spectral loss of each sound to the true one, [samples] each."""
    batch = np.stack(sounds).astype(np.float32)
    references = np.broadcast_to(true, batch.shape).astype(np.float32)
    return [float(loss) for loss in _losses(references, batch)]


def _log_spectral_distance(difference_db: np.ndarray) -> float:
    """Average over frames the root mean square over bins: [bins, frames] -> dB."""
    return mean(np.sqrt(np.square(difference_db).mean(axis=0)))


def _level_db(estimate: np.ndarray, true: np.ndarray) -> float:
    """Return the energy of magnitudes [bins, frames] over the true one, dB; NaN without frames."""
    if not true.size:
        return np.nan
    return float(10 * np.log10(np.square(estimate).sum() / np.square(true).sum()))


_losses = tf.function(multi_scale_spectral_loss, autograph=False, reduce_retracing=True)
