"""Rows of Table 1: one per example, experiment and seed, for resyntheses and yardsticks."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.audio.clips import Clip, read_clips, read_step_ms
from pipeline.common.cli import UserError, progress
from pipeline.common.manifest import example_group, read_manifest
from pipeline.common.units import FRAME_RATE
from pipeline.evaluation.metrics import LoudnessDeviations, coarse_grid, evaluate
from pipeline.examples.dataset import read_split
from pipeline.examples.schema import read_statistics, split_id

RECORDING_COLUMNS = ["instrument", "family", "pitch", "velocity"]


class Evaluator:
    """Score tracked sets against the originals of one data set's test split."""

    def __init__(
        self,
        data: str,
        examples: Path,
        yardsticks: Path,
        truth: Path,
        manifest: Path,
        seconds: float,
    ):
        """Read the originals.

        Args:
            data: name of the data set.
            examples: folder of its examples.
            yardsticks: folder of its yardsticks: the tracked originals of its test split, and the
                deviation of the loudness curve of 0.0.6.
            truth: folder of the f0 as played; may lack some recordings or not exist.
            manifest: manifest.csv of the data set.
            seconds: length of an example.
        """
        self.data = data
        self.truth = truth
        self.step_ms = read_step_ms(yardsticks / "original")
        self.deviations = LoudnessDeviations(
            read_statistics(examples).loudness_std,
            json.loads((yardsticks / "statistics.json").read_text())["loudness_std_0_0_6"],
        )
        self.examples = {
            example["example_id"]: example for example in read_split(examples, "test", seconds)
        }
        self.originals = read_clips(yardsticks / "original")
        self.manifest = read_manifest(manifest).set_index("id", drop=False)

    def rows(self, experiment: str, seed: int | None, clips: dict[str, Clip]) -> pd.DataFrame:
        """Score every test example.

        Args:
            experiment: name of the experiment or yardstick.
            seed: of the training; None for a yardstick.
            clips: tracked clips by example id.

        Returns:
            A row per test example.

        Raises:
            UserError: unless the clips are exactly the test split.
        """
        if set(clips) != set(self.examples):
            raise UserError(
                f"{experiment}: its {len(clips)} clips are not the test split's "
                f"{len(self.examples)}; run `dvc repro`"
            )
        scored = [
            self._row(experiment, seed, name, clips[name])
            for name in progress(sorted(clips), experiment, unit="clip")
        ]
        return pd.DataFrame(scored).astype({"seed": "Int64", "pitch": "Int64", "velocity": "Int64"})

    def _row(self, experiment: str, seed: int | None, name: str, clip: Clip) -> dict:
        recording, start = split_id(name)
        origin = self.manifest.loc[recording]
        labels = {
            "experiment": experiment,
            "seed": seed,
            "data": self.data,
            "example_id": name,
            "recording_id": recording,
        }
        group = {"group": example_group(origin, start / FRAME_RATE)}
        scores = evaluate(
            self.originals[name], clip, self._true_f0(name), self.step_ms, self.deviations
        )
        return labels | origin[RECORDING_COLUMNS].to_dict() | group | scores

    def _true_f0(self, name: str) -> np.ndarray | None:
        recording, start = split_id(name)
        path = self.truth / f"{recording}.f0.npy"
        if not path.exists():
            return None
        return np.load(path)[start + coarse_grid(self.originals[name], self.step_ms)]

    def retracked(self) -> dict[str, Clip]:
        """Return the originals with the f0 of stage `features`, which models are given.

        The disagreement of the two tracker runs is the floor of F0 L1: a perfect synthesizer, given
        the first run's f0 and tracked by the second, does better only by luck. Confidence is the
        evaluation tracker's.
        """
        clips = {}
        for name, clip in self.originals.items():
            clips[name] = clip._replace(
                f0_hz=self.examples[name]["f0_hz"][coarse_grid(clip, self.step_ms)]
            )
        return clips
