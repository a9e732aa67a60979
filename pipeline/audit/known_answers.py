"""Run the metrics, tracker included, on signals whose answers are known."""

import numpy as np

from pipeline.audio.clips import Clip
from pipeline.audit.checks import Check, Project
from pipeline.evaluation.metrics import LoudnessDeviations, evaluate
from pipeline.features.f0 import track_f0
from pipeline.features.loudness import loudness_curve

RATE = 16000
SECONDS = 2.0
F0 = 440.0
SEMITONE = 2 ** (1 / 12)
DEVIATIONS = LoudnessDeviations(ours=2.0, of_0_0_6=4.0)  # dB
ANSWERS = [  # sound, metric, its answer, tolerance
    ("same", "f0_l1", 0, 1e-6),
    ("same", "spectral_loss", 0, 1e-6),
    ("same", "loudness_l1_db", 0, 1e-6),
    ("same", "rpa_true", 1, 0),
    ("same", "loudness_l1_std_0_0_6", 0, 1e-6),
    ("same", "outlier_clips_0_0_6", 0, 0),
    ("same", "outlier_clips_3_7", 0, 0),
    ("same", "frames_outlier_paper", 0, 0),
    ("a semitone up", "f0_l1", 1, 0.05),
    ("a semitone up", "rpa_true", 0, 0),
    ("an octave down", "f0_l1", 12, 0.1),
    ("an octave down", "rca_true", 1, 0),
    ("an octave down", "rpa_true", 0, 0),
    ("two octaves down", "f0_l1", 24, 0.2),
    ("two octaves down", "outlier_clips_0_0_6", 1, 0),
    ("two octaves down", "outlier_clips_3_7", 1, 0),
    ("6 dB up", "loudness_l1_db", 6, 0.01),
    ("6 dB up", "loudness_bias_db_sounding", 6, 0.01),
    ("6 dB up", "loudness_l1_std", 3, 0.01),
    ("6 dB up", "f0_l1", 0, 0.01),
    ("noise", "outlier_clips_0_0_6", 1, 0),
]


def tone(f0_hz: float, gain: float = 1.0) -> np.ndarray:
    """Synthesize five harmonics that fall by 6 dB per octave: [samples]."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    return (gain * 0.2 * sum(np.sin(2 * np.pi * k * f0_hz * time) / k for k in range(1, 6))).astype(
        np.float32
    )


def white_noise(seed: int) -> np.ndarray:
    """Draw Gaussian noise with a standard deviation of 0.1: [samples]."""
    random = np.random.default_rng(seed)
    return (0.1 * random.standard_normal(round(SECONDS * RATE))).astype(np.float32)


def check_metrics(project: Project) -> Check:
    """Evaluate a tone against itself, a semitone up, one and two octaves down, 6 dB up, and
    against noise.
    """
    settings = project.params["resynthesize"]
    sounds = {
        "same": tone(F0),
        "a semitone up": tone(F0 * SEMITONE),
        "an octave down": tone(F0 / 2),
        "two octaves down": tone(F0 / 4),
        "6 dB up": tone(F0, 10 ** (6 / 20)),
        "noise": white_noise(project.params["tabulate"]["seed"]),
    }
    reference = _analyze(sounds["same"], settings)
    truth = np.full(len(reference.f0_hz), F0)
    rows = {
        name: evaluate(
            reference, _analyze(audio, settings), truth, settings["f0_step_ms"], DEVIATIONS
        )
        for name, audio in sounds.items()
    }
    findings = [
        f"{metric} of {sound!r} is {rows[sound][metric]:.4g}, must be {answer}"
        for sound, metric, answer, tolerance in ANSWERS
        if not abs(rows[sound][metric] - answer) <= tolerance
    ]
    return Check(
        "metrics give known answers",
        "a tone, the same tone shifted and louder, noise",
        len(ANSWERS),
        findings,
    )


def _analyze(audio: np.ndarray, settings: dict) -> Clip:
    """Extract features from [samples] as the pipeline does for originals and resyntheses."""
    track = track_f0(audio, settings["crepe"], settings["f0_step_ms"])
    return Clip(audio, loudness_curve(audio), track.f0_hz, track.confidence)
