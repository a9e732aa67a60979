"""Encode sounds for browsers: an MP3 and a spectrogram each, named by a hash of the samples.

MP3 (here MPEG-2 layer III at 16 kHz) plays in every browser, including Safari on older phones,
which Ogg's codecs do not. No sound is normalized: all keep the level at which they were measured,
so that a quiet resynthesis sounds quiet.
"""

import io
from pathlib import Path

import librosa
import matplotlib
import numpy as np
import soundfile
from PIL import Image

from pipeline.common.files import digest
from pipeline.common.units import SAMPLE_RATE

FFT, HOP_SAMPLES, BINS_PER_LINE = 1024, 200, 4  # 320 x 128 pixels for 4 s
DECIBELS = (-90.0, -10.0)  # black to white; 0 dB: a full-scale sine
PICTURE_QUALITY = 60


class SoundFolder:
    """A folder of sounds; equal samples are stored once."""

    def __init__(self, folder: Path, quality: float):
        self.folder, self.quality = folder, quality

    def add(self, audio: np.ndarray) -> tuple[str, float]:
        """Store [samples] at 16 kHz, clipped to full scale as by `audio.files.write_audio`.

        Return the name and the duration in seconds.
        """
        samples = np.round(np.clip(audio, -1, 1) * 32767).astype("<i2")
        name = digest(samples.tobytes())[:12]
        if not (self.folder / f"{name}.mp3").exists():
            (self.folder / f"{name}.mp3").write_bytes(encode(samples, self.quality))
            (self.folder / f"{name}.webp").write_bytes(picture(samples / np.float32(32767)))
        return name, len(samples) / SAMPLE_RATE


def encode(samples: np.ndarray, quality: float) -> bytes:
    """Encode 16-bit [samples] as MP3 of variable bitrate; `quality` is 0 (smallest) to 1."""
    encoded = io.BytesIO()
    soundfile.write(
        encoded,
        samples,
        SAMPLE_RATE,
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=1 - quality,
        bitrate_mode="VARIABLE",
    )
    return encoded.getvalue()


def picture(audio: np.ndarray) -> bytes:
    """Draw the spectrogram of [samples] as WebP, from 0 Hz at the bottom to 8 kHz at the top.

    Each line of pixels shows the strongest of four bins.
    """
    magnitude = np.abs(librosa.stft(audio, n_fft=FFT, hop_length=HOP_SAMPLES))[:-1, :-1]
    strongest = magnitude.reshape(-1, BINS_PER_LINE, magnitude.shape[1]).max(axis=1)[::-1]
    decibels = 20 * np.log10(np.maximum(strongest / (FFT / 4), 1e-6))
    shades = np.clip((decibels - DECIBELS[0]) / (DECIBELS[1] - DECIBELS[0]), 0, 1)
    colours = matplotlib.colormaps["magma"](shades, bytes=True)[..., :3]
    encoded = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(colours)).save(
        encoded, "WEBP", quality=PICTURE_QUALITY, method=6
    )
    return encoded.getvalue()
