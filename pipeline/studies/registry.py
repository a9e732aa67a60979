"""The config of every study: a registry of the classes that check the studies' sections."""

from pipeline.common.params import by_study
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
