"""Registry of the studies' configs: the classes that validate their sections of params.yaml."""

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
