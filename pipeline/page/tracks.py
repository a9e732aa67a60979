"""Make tracks of test examples: originals, resyntheses with their measures, modules alone."""

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

# largest difference, of full scale, between two renderings of a sound by one model on one machine:
# files have limited precision, and sums may be ordered differently
DIFFERENCE = 1e-3
FAINT = 1e-3  # peak below which a module is labelled hardly audible: -60 dB


class PageInputs(NamedTuple):
    """Folders that the page's sounds come from, and settings that they depend on."""

    models: Path  # /EXPERIMENT-SEED
    examples: Path  # /DATA
    yardsticks: Path  # /DATA/original
    resyntheses: Path  # /EXPERIMENT-SEED
    rows: Path  # /EXPERIMENT-SEED.parquet
    data: dict[str, str]  # data set by experiment
    seed: int  # of the trainings that are played
    seconds: float  # of an example
    noise_seed: int

    def rows_of(self, experiment: str) -> pd.DataFrame:
        """Read an experiment's rows, one per test example."""
        return pd.read_parquet(self.rows / f"{experiment}-{self.seed}.parquet")


class Tracks:
    """Store sounds and describe them as tracks."""

    def __init__(self, inputs: PageInputs, sounds: SoundFolder):
        self.inputs = inputs
        self.sounds = sounds
        self.rows = {
            name: inputs.rows_of(name).set_index("example_id", drop=False).rename_axis(None)
            for name in inputs.data
        }

    def track(self, label: str, audio: np.ndarray) -> Track:
        """Store a sound, [samples]."""
        name, seconds = self.sounds.add(audio)
        return Track(label=label, name=name, seconds=seconds)

    def title(self, experiment: str, example_id: str) -> str:
        """Describe an example of an experiment to readers."""
        return title(self.rows[experiment].loc[example_id])

    def original(self, data: str, example_id: str) -> Track:
        """Store a test example's own sound."""
        return self.track(
            "original", load_audio(self.inputs.yardsticks / data / "original", example_id)
        )

    def resynthesis(
        self, experiment: str, example_id: str, shown: list[str], label: str = "resynthesis"
    ) -> Track:
        """Store a model's resynthesis, with its measures in the metrics `shown`."""
        run = f"{experiment}-{self.inputs.seed}"
        facts = [
            fact(self.rows[experiment].loc[example_id], metric) for metric in metrics_named(shown)
        ]
        track = self.track(label, load_audio(self.inputs.resyntheses / run, example_id))
        return track.model_copy(update={"facts": facts, "rows": run})

    def modules(
        self, experiment: str, ids: list[str], split: dict[str, dict]
    ) -> dict[str, list[Track]]:
        """Render each module alone.

        Args:
            experiment: whose model is played.
            ids: of test examples.
            split: the test split's examples by id.

        Returns:
            Tracks by example id; none for a model without such modules.

        Raises:
            UserError: if the model does not reproduce its stored resynthesis.
        """
        run = f"{experiment}-{self.inputs.seed}"
        model = load_model(self.inputs.models / run)
        tracks: dict[str, list[Track]] = {name: [] for name in ids}
        for name, sounds in zip(ids, module_sounds(model, [split[name] for name in ids])):
            tracks[name] = self._checked(run, name, sounds)
        return tracks

    def _checked(self, run: str, example_id: str, modules: dict[str, np.ndarray]) -> list[Track]:
        whole = np.clip(modules["audio"], -1, 1)
        if np.abs(whole - load_audio(self.inputs.resyntheses / run, example_id)).max() > DIFFERENCE:
            raise UserError(
                f"{self.inputs.models / run}: does not reproduce the sound in "
                f"{self.inputs.resyntheses / run}; run `dvc repro resynthesize`"
            )
        alone = {name: audio for name, audio in modules.items() if name != "audio"}
        return [
            self.track(name if np.abs(audio).max() > FAINT else f"{name}, hardly audible", audio)
            for name, audio in alone.items()
        ]

    def split(self, data: str) -> dict[str, dict]:
        """Read a data set's test examples by id, with the noise of their resynthesis."""
        examples = read_split(
            self.inputs.examples / data, "test", self.inputs.seconds, self.inputs.noise_seed
        )
        return {example["example_id"]: example for example in examples}


def title(row: pd.Series) -> str:
    """Name a single note's instrument, pitch and velocity, or else the recording and the start."""
    if pd.notna(row.pitch):
        return (
            f"{row.instrument.replace('_', ' ')}, "
            f"{librosa.midi_to_note(row.pitch, unicode=False)}, velocity {row.velocity}"
        )
    recording, start = split_id(row.example_id)
    return f"{recording}, from {start / FRAME_RATE:g} s"


def fact(row: pd.Series, metric: Metric) -> Fact:
    """Return a metric of one row; counts of frames become shares."""
    count = row[metric.denominator] if metric.denominator else 1
    value = row[metric.column] / count if count else None
    return Fact(
        metric=metric.name, label=metric.label, value=None if pd.isna(value) else float(value)
    )


def metrics_named(names: list[str]) -> tuple[Metric, ...]:
    """Return the models' metrics of these names, ignoring minus signs."""
    plain = [name.removeprefix("-") for name in names]
    return tuple(metric for name in plain for metric in METRICS if metric.name == name)
