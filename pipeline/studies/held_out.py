"""The test split as studies use it: examples, what the manifest says of them, the tracks of the
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
    """The experiments of a study's section in params.yaml; each study adds keys of its own."""

    experiments: list[str]  # autoencoders, each with all seeds


class HeldOut(NamedTuple):
    """A data set's test examples, in the order of their ids."""

    data: str
    examples: dict[str, dict]  # by id, as `dataset.read_split` gives them
    recordings: pd.DataFrame  # by example id: instrument and group

    def originals(self, yardsticks: Path) -> dict[str, Clip]:
        """The examples as the evaluation's tracker tracked them."""
        return read_clips(yardsticks / self.data / "original")


def read_held_out(
    settings: Settings, assignment: Path, manifests: Path, noise_seed: int
) -> HeldOut:
    """The test split that an experiment was assigned; the noise is that of its resynthesis."""
    data, folder = read_assignment(assignment)
    return read_test_split(settings, data, folder, manifests, noise_seed)


def read_test_split(
    settings: Settings, data: str, folder: Path, manifests: Path, noise_seed: int
) -> HeldOut:
    """The test split of a data set whose examples are in `folder`."""
    test = read_split(folder, "test", example_seconds(settings), noise_seed)
    examples = {example["example_id"]: example for example in test}
    manifest = read_manifest(manifests / data / "manifest.csv").set_index("id", drop=False)
    lines = {}
    for name in examples:
        recording, start = split_id(name)
        lines[name] = {
            "instrument": manifest.instrument[recording],
            "group": example_group(manifest.loc[recording], start / FRAME_RATE),
        }
    return HeldOut(data, examples, pd.DataFrame.from_dict(lines, orient="index"))
