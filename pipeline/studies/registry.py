"""Registries of the studies: the classes that validate their sections of params.yaml, and what they
need of their models.
"""

from collections.abc import Callable
from typing import NamedTuple

from pipeline.common.params import by_study
from pipeline.models.autoencoder import ModelConfig
from pipeline.studies.control import ControlConfig
from pipeline.studies.dereverberation import DereverberationConfig
from pipeline.studies.extrapolation import ExtrapolationConfig
from pipeline.studies.held_out import StudyConfig
from pipeline.studies.phase import PhaseConfig
from pipeline.studies.timbre_transfer import TimbreTransferConfig

STUDY_CONFIGS: dict[str, type[StudyConfig]] = by_study(
    "pipeline.studies.registry.STUDY_CONFIGS",
    {
        "control": ControlConfig,
        "extrapolation": ExtrapolationConfig,
        "dereverberation": DereverberationConfig,
        "timbre_transfer": TimbreTransferConfig,
        "phase": PhaseConfig,
    },
)


class Need(NamedTuple):
    """What a study needs of a model."""

    holds: Callable[[ModelConfig], bool]
    text: str


GIVEN_F0 = Need(lambda model: model.f0 == "given", "model.f0: given")
HARMONICS = Need(lambda model: model.harmonics > 0, "model.harmonics above 0")
REVERB = Need(lambda model: model.reverb_seconds > 0, "model.reverb_seconds above 0")
STUDY_NEEDS: dict[str, tuple[Need, ...]] = by_study(
    "pipeline.studies.registry.STUDY_NEEDS",
    {
        "control": (GIVEN_F0,),
        "extrapolation": (GIVEN_F0,),
        "dereverberation": (REVERB,),
        "timbre_transfer": (GIVEN_F0,),
        "phase": (GIVEN_F0, HARMONICS),
    },
)
