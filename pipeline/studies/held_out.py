"""The test split as studies use it: examples, their instruments and groups, and the tracked
originals.
"""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from pipeline.audio.clips import Clip, read_clips
from pipeline.common.manifest import example_group, read_manifest
from pipeline.common.params import Params
from pipeline.common.settings import Settings
from pipeline.common.units import FRAME_RATE
from pipeline.examples.assignment import read_assignment
from pipeline.examples.dataset import read_split
from pipeline.examples.schema import example_seconds, split_id


class StudyConfig(Params):
    """What every study's section in params.yaml has; each study adds its keys."""

    experiments: list[str]  # autoencoders; the study runs with every seed of each


class HeldOut(NamedTuple):
    """A data set's test examples, in the order of their ids."""

    data: str  # name of the data set
    examples: dict[str, dict]  # by id, as `pipeline.examples.dataset.read_split` returns them
    recordings: pd.DataFrame  # instrument and group, by example id

    def originals(self, yardsticks: Path) -> dict[str, Clip]:
        """Read the original sounds as the evaluation's tracker tracked them."""
        return read_clips(yardsticks / self.data / "original")


def read_held_out(
    settings: Settings, assignment: Path, manifests: Path, noise_seed: int
) -> HeldOut:
    """Read the test split assigned to an experiment, with the noise of its resynthesis."""
    data, folder = read_assignment(assignment)
    return read_test_split(settings, data, folder, manifests, noise_seed)


def read_test_split(
    settings: Settings, data: str, folder: Path, manifests: Path, noise_seed: int
) -> HeldOut:
    """Read the test split of data set `data`, whose examples are in `folder`."""
    test = read_split(folder, "test", example_seconds(settings), noise_seed)
    examples = {example["example_id"]: example for example in test}
    manifest = read_manifest(manifests / data / "manifest.csv").set_index("id", drop=False)
    rows = {}
    for name in examples:
        recording, start = split_id(name)
        rows[name] = {
            "instrument": manifest.instrument[recording],
            "group": example_group(manifest.loc[recording], start / FRAME_RATE),
        }
    return HeldOut(data, examples, pd.DataFrame.from_dict(rows, orient="index"))
