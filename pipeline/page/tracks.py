"""Tracks of test examples: originals, resyntheses with their figures, modules alone."""

from pathlib import Path
from typing import NamedTuple

import librosa
import numpy as np
import pandas as pd

from pipeline.audio.clips import load_audio
from pipeline.common.cli import UserError
from pipeline.common.units import FRAME_RATE
from pipeline.examples.dataset import read_split
from pipeline.examples.schema import split_id
from pipeline.models.recipe import load_model
from pipeline.page.listing import Fact, Track
from pipeline.page.modules import module_sounds
from pipeline.page.sound import SoundFolder
from pipeline.reporting.columns import METRICS, Metric

# of full scale, to which a model gives the same sound again on the same machine; 24 bit and sums in
# another order
DIFFERENCE = 1e-3

FAINT = 1e-3  # a peak of -60 dB, below which a module is said to be hardly audible


class Made(NamedTuple):
    """Where the stages before left what can be heard, and what params.yaml says of it."""

    models: Path  # /EXPERIMENT-SEED
    examples: Path  # /DATA
    yardsticks: Path  # /DATA/original
    resyntheses: Path  # /EXPERIMENT-SEED
    rows: Path  # /EXPERIMENT-SEED.parquet
    data: dict[str, str]  # of every experiment
    seed: int  # of the trainings that are heard
    seconds: float
    noise_seed: int

    def rows_of(self, experiment: str) -> pd.DataFrame:
        """A row per test example."""
        return pd.read_parquet(self.rows / f"{experiment}-{self.seed}.parquet")


class Tracks:
    """Stores sounds and says what they are."""

    def __init__(self, made: Made, sounds: SoundFolder):
        self.made, self.sounds = made, sounds
        self.rows = {
            name: made.rows_of(name).set_index("example_id", drop=False).rename_axis(None)
            for name in made.data
        }

    def track(self, label: str, audio: np.ndarray) -> Track:
        """Any sound, [samples]."""
        name, seconds = self.sounds.add(audio)
        return Track(label=label, name=name, seconds=seconds)

    def title(self, experiment: str, example_id: str) -> str:
        """What an example is, for people."""
        return title(self.rows[experiment].loc[example_id])

    def original(self, data: str, example_id: str) -> Track:
        """The test example itself."""
        return self.track(
            "original", load_audio(self.made.yardsticks / data / "original", example_id)
        )

    def resynthesis(
        self, experiment: str, example_id: str, shown: list[str], label: str = "resynthesis"
    ) -> Track:
        """What was measured of a model, with its figures in the metrics to be shown."""
        run = f"{experiment}-{self.made.seed}"
        facts = [
            fact(self.rows[experiment].loc[example_id], metric) for metric in metrics_named(shown)
        ]
        track = self.track(label, load_audio(self.made.resyntheses / run, example_id))
        return track.model_copy(update={"facts": facts, "rows": run})

    def modules(
        self, experiment: str, ids: list[str], split: dict[str, dict]
    ) -> dict[str, list[Track]]:
        """Each module alone, by example; none of a model that has no such modules.

        Args:
            split: the test split's examples by id.
        """
        run = f"{experiment}-{self.made.seed}"
        sounds = zip(
            ids, module_sounds(load_model(self.made.models / run), [split[name] for name in ids])
        )
        return dict.fromkeys(ids, []) | {
            name: self._checked(run, name, modules) for name, modules in sounds
        }

    def _checked(self, run: str, example_id: str, modules: dict[str, np.ndarray]) -> list[Track]:
        whole = np.clip(modules["audio"], -1, 1)
        if np.abs(whole - load_audio(self.made.resyntheses / run, example_id)).max() > DIFFERENCE:
            raise UserError(
                f"{self.made.models / run}: does not give the sound in "
                f"{self.made.resyntheses / run}; run `dvc repro resynthesize`"
            )
        alone = {name: audio for name, audio in modules.items() if name != "audio"}
        return [
            self.track(name if np.abs(audio).max() > FAINT else f"{name}, hardly audible", audio)
            for name, audio in alone.items()
        ]

    def split(self, data: str) -> dict[str, dict]:
        """A data set's test examples by id, with the noise of their resynthesis."""
        examples = read_split(
            self.made.examples / data, "test", self.made.seconds, self.made.noise_seed
        )
        return {example["example_id"]: example for example in examples}


def title(row: pd.Series) -> str:
    """An example's instrument and pitch where it is a single note, else the recording and where
    in it.
    """
    if pd.notna(row.pitch):
        return (
            f"{row.instrument.replace('_', ' ')}, "
            f"{librosa.midi_to_note(row.pitch, unicode=False)}, velocity {row.velocity}"
        )
    recording, start = split_id(row.example_id)
    return f"{recording}, from {start / FRAME_RATE:g} s"


def fact(row: pd.Series, metric: Metric) -> Fact:
    """A metric of one row; of frames their share."""
    count = row[metric.denominator] if metric.denominator else 1
    value = row[metric.column] / count if count else None
    return Fact(
        metric=metric.name, label=metric.label, value=None if pd.isna(value) else float(value)
    )


def metrics_named(names: list[str]) -> tuple[Metric, ...]:
    """Metrics of the models' tables by name, a minus sign passed over."""
    wanted = [name.removeprefix("-") for name in names]
    return tuple(metric for name in wanted for metric in METRICS if metric.name == name)
