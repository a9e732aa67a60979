"""The measuring stick: the metrics themselves, tracker included, on signals whose figures are
known beforehand.
"""

import numpy as np

from pipeline.audio.clips import Clip
from pipeline.audit.checks import Check, Project
from pipeline.evaluation.metrics import evaluate
from pipeline.features.f0 import track_f0
from pipeline.features.loudness import loudness_curve

RATE, SECONDS, F0 = 16000, 2.0, 440.0
SEMITONE = 2 ** (1 / 12)


def tone(f0_hz: float, gain: float = 1.0) -> np.ndarray:
    """Five harmonics falling by 6 dB an octave: [samples]."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    return (gain * 0.2 * sum(np.sin(2 * np.pi * k * f0_hz * time) / k for k in range(1, 6))).astype(
        np.float32
    )


def check_metrics(project: Project) -> Check:
    """Known answers: a semitone up, an octave down, 6 dB louder, noise, silence, the same once
    more, half a reference's scale.
    """
    settings = project.params["resynthesize"]

    def measure(audio: np.ndarray) -> Clip:
        """As originals and resyntheses are measured."""
        track = track_f0(audio, settings["crepe"], settings["f0_step_ms"])
        return Clip(audio, loudness_curve(audio), track.f0_hz, track.confidence)

    noise = (
        0.1
        * np.random.default_rng(project.params["tabulate"]["seed"]).standard_normal(
            round(SECONDS * RATE)
        )
    ).astype(np.float32)
    sounds = {
        "same": tone(F0),
        "a semitone up": tone(F0 * SEMITONE),
        "an octave down": tone(F0 / 2),
        "6 dB up": tone(F0, 10 ** (6 / 20)),
    }
    sounds["noise"] = noise
    reference, grid = measure(sounds["same"]), settings["f0_step_ms"]
    truth = np.full(len(reference.f0_hz), F0)
    rows = {
        name: evaluate(reference, measure(audio), truth, grid, 2.0)
        for name, audio in sounds.items()
    }
    known = [  # sound, metric, what it must be, how close
        ("same", "f0_l1", 0, 1e-6),
        ("same", "spectral_loss", 0, 1e-6),
        ("same", "loudness_l1_db", 0, 1e-6),
        ("same", "rpa_true", 1, 0),
        ("same", "outlier_clips_paper", 0, 0),
        ("a semitone up", "f0_l1", 1, 0.05),
        ("a semitone up", "rpa_true", 0, 0),
        ("an octave down", "f0_l1", 12, 0.1),
        ("an octave down", "rca_true", 1, 0),
        ("an octave down", "rpa_true", 0, 0),
        ("6 dB up", "loudness_l1_db", 6, 0.01),
        ("6 dB up", "loudness_bias_db_sounding", 6, 0.01),
        ("6 dB up", "loudness_l1_std", 3, 0.01),
        ("6 dB up", "f0_l1", 0, 0.01),
        ("noise", "outlier_clips_paper", 1, 0),
    ]
    findings = [
        f"{metric} of {sound!r} is {rows[sound][metric]:.4g}, must be {value}"
        for sound, metric, value, close in known
        if not abs(rows[sound][metric] - value) <= close
    ]
    return Check(
        "metrics give known answers",
        "tones, a shifted one, a louder one, noise",
        len(known),
        findings,
    )
