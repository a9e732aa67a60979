"""Tables of the studies: lines, columns, and captions that say how the columns are measured."""

from pipeline.common.params import by_study
from pipeline.reporting.columns import Metric, StudyTable
from pipeline.reporting.room_tables import ROOM_TABLES

FOLLOWING = (
    Metric("loudness_l1_db", "Loudness L1 (dB)", "loudness_l1_db"),
    Metric("f0_l1", "F0 L1 (semitones)", "f0_l1"),
    Metric(
        "outlier_frames", "F0 outliers (frames)", "frames_outlier", "frames_pitched", share=True
    ),
)
CENTROID = Metric("centroid_hz", "Spectral centroid (Hz)", "centroid_hz")
CONTROL = StudyTable(
    "control",
    "control",
    "Independent control",
    ("varied",),
    (
        *FOLLOWING,
        Metric("spearman", "Monotonicity (Spearman)", "spearman"),
        Metric("largest_step", "Largest step", "largest_step"),
    ),
    (
        "Pairs of test notes of different instruments. One feature moves from the first note's "
        "value to the second's in equal steps; the others stay those of the first note. Loudness "
        "L1, F0 L1 and F0 outliers compare the resynthesis with its conditioning over all steps, "
        "for varied and constant features alike; lower is better.\n"
        "\n"
        "The last two columns describe the clip means of the varied feature as measured: loudness, "
        "f0 in semitones, or, for z, the spectral centroid in semitones. Monotonicity is their "
        "rank correlation with the step, positive in the direction of the conditioning. For z "
        "that direction is not known beforehand, so it is taken from the first and the last step; "
        "5 steps in random order would then have 0.4 on average. Largest step is its share of the "
        "whole path, back and forth: 0.25 for equal steps, 1 for a single jump."
    ),
)
EXTRAPOLATION = StudyTable(
    "extrapolation",
    "extrapolation",
    "Extrapolation of f0",
    ("octaves",),
    (
        *FOLLOWING,
        CENTROID,
        Metric("centroid_harmonics", "Centroid / f0", "centroid_harmonics"),
        Metric(
            "beyond_frames",
            "Beyond the tracker's range (frames)",
            "frames_beyond",
            "frames_asked",
            share=True,
        ),
    ),
    (
        "Test examples with their f0 shifted by octaves and their loudness unchanged. F0 L1 and F0 "
        "outliers count only frames within CREPE's range (32.7 to 1975.5 Hz); lower is better. "
        "The last column is the share of frames outside that range. A sound that keeps its "
        "spectrum keeps its centroid in Hz; one that is merely played faster keeps its centroid "
        "as a multiple of f0."
    ),
    base=0,
)
TIMBRE_TRANSFER = StudyTable(
    "timbre_transfer",
    "timbre_transfer",
    "Timbre transfer",
    ("instrument",),
    (
        Metric("rpa", "RPA", "rpa"),
        Metric("rpa_asked", "RPA of the f0 asked for", "rpa_asked"),
        Metric("rca", "RCA", "rca"),
        Metric("f0_l1", "F0 L1 (semitones)", "f0_l1"),
        Metric(
            "outlier_frames", "F0 outliers (frames)", "frames_outlier", "frames_pitched", share=True
        ),
        Metric("source_rpa_true", "Source: RPA vs true f0", "source_rpa_true"),
        Metric("rca_true", "RCA vs true f0", "rca_true"),
        Metric("loudness_correlation", "Loudness correlation", "loudness_correlation"),
        Metric(
            "loudness_correlation_asked",
            "Loudness correlation of the loudness asked for",
            "loudness_correlation_asked",
        ),
        Metric("loudness_l1_db", "Loudness L1 (dB)", "loudness_l1_db"),
        Metric(
            "timbre_source_to_training", "Timbre: source to training", "timbre_source_to_training"
        ),
        Metric("timbre_to_training", "Timbre: output to training", "timbre_to_training"),
        Metric("timbre_to_source", "Timbre: output to source", "timbre_to_source"),
    ),
    (
        "Dry lines of other instruments, taken from scores in no training split, drive the model. "
        "They are violin parts, shifted by octaves where an instrument's range requires it. As in "
        "the authors' demo, f0 is shifted by octaves. Here the shift brings a line's median pitch "
        "closest to that of the training data; the demo uses the mean, and rounds up below 1.5. "
        "As in the paper, the source is placed in the model's learned room before its loudness is "
        "measured. Loudness is then matched to the training data's mean and standard deviation "
        "over frames above -70 dB; quieter frames are unchanged. The demo uses quantiles, and "
        "lowers the gaps between notes by 20 dB. Windows are 4 s long.\n"
        "\n"
        "RPA, RCA (within 50 cents; higher is better), F0 L1 and F0 outliers (lower is better) "
        "compare the output with CREPE's f0 of the source, shifted by the octaves, where CREPE's "
        "confidence on the source is at least 0.85. The f0 asked for is that of the smaller "
        "CREPE, on which all models are conditioned. Two columns compare with the true f0: that "
        "of CREPE on the source, and that of the output, which ignores octaves. Where the first "
        "is low, CREPE was misled, and the octaves were chosen from what it tracked.\n"
        "\n"
        "Loudness correlation (higher is better) is Pearson's, with the dry source's loudness "
        "over its frames above -70 dB. Loudness L1 (lower is better) is measured against the "
        "loudness asked for. Timbre is described by 12 MFCCs (13 without the first, 40 mel "
        "bands), averaged over sounding frames, in standard deviations between training clips. "
        "Timbre columns are distances, the root mean square over the 12; lower is closer. "
        "`Training` is the mean of the training clips. The last line gives the scale: its sources "
        "are real test clips and its outputs their resyntheses, which are not tracked."
    ),
)
PHASE = StudyTable(
    "phase",
    "phase",
    "Phase invariance",
    ("version",),
    (
        Metric("waveform_distance", "Waveform distance", "waveform_distance"),
        Metric("spectral_loss", "Spectral loss", "spectral_loss"),
        Metric(
            "spectral_loss_to_original",
            "Spectral loss to the original",
            "spectral_loss_to_original",
        ),
    ),
    (
        "Each test note resynthesized from the same controls: as usual (`first`), with random "
        "initial phases of its harmonics, and with other noise. Distances are to `first`. "
        "Waveform distance is the root of the energy of the difference relative to that of "
        "`first`: 0 is identical, and the root of 2 is as far as any other sound of the same "
        "energy. Spectral loss: lower is more similar."
    ),
)
STUDY_TABLES: dict[str, tuple[StudyTable, ...]] = by_study(
    "pipeline.reporting.studies.STUDY_TABLES",
    {
        "control": (CONTROL,),
        "extrapolation": (EXTRAPOLATION,),
        "dereverberation": ROOM_TABLES,
        "timbre_transfer": (TIMBRE_TRANSFER,),
        "phase": (PHASE,),
    },
)


TABLES = tuple(table for tables in STUDY_TABLES.values() for table in tables)
