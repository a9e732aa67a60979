"""What the tables show: the metrics of Table 1 with their labels, and the shape of a table."""

from typing import NamedTuple

# the metrics that the paper's figures are compared with: as the code of its time has them
PAPER_METRICS = ("loudness_l1_std_0_0_6", "f0_l1", "outlier_clips_0_0_6")
TABLE_1 = ("loudness_l1_std_0_0_6", "loudness_l1_std", "f0_l1", "outlier_clips_0_0_6")


class Metric(NamedTuple):
    """A column of the tables: the mean of a column of the rows, or a share of two columns."""

    name: str
    label: str
    column: str  # of the rows; the numerator where there is a denominator
    denominator: str | None = None  # column of the frames that a share of frames counts
    share: bool = False  # gets Wilson's interval instead of a bootstrap


class StudyTable(NamedTuple):
    """A study's table.

    It has one line per experiment and distinct values of the columns `lines`, and one column per
    metric.
    """

    name: str
    stage: str  # the stage whose output is scored
    title: str
    lines: tuple[str, ...]
    metrics: tuple[Metric, ...]
    about: str  # how its columns are measured; blank lines separate paragraphs
    # value of the first of `lines` that names the line which paired differences subtract
    base: str | int | None = None


METRICS = (
    Metric("loudness_l1_std_0_0_6", "Loudness L1 (std, curve of 0.0.6)", "loudness_l1_std_0_0_6"),
    Metric("loudness_l1_std", "Loudness L1 (std, our curve)", "loudness_l1_std"),
    Metric("f0_l1", "F0 L1 (semitones)", "f0_l1"),
    Metric("outlier_clips_0_0_6", "F0 outliers (0.0.6, clips)", "outlier_clips_0_0_6", share=True),
    Metric("outlier_clips_3_7", "F0 outliers (3.7, clips)", "outlier_clips_3_7", share=True),
    Metric(
        "outlier_frames_paper",
        "F0 outliers (paper's text, frames)",
        "frames_outlier_paper",
        "frames_pitched",
        share=True,
    ),
    Metric(
        "f0_l1_without_outliers_0_0_6",
        "F0 L1 without outliers (0.0.6)",
        "f0_l1_without_outliers_0_0_6",
    ),
    Metric(
        "f0_l1_without_outliers_3_7", "F0 L1 without outliers (3.7)", "f0_l1_without_outliers_3_7"
    ),
    Metric("loudness_l1_db", "Loudness L1 (dB)", "loudness_l1_db"),
    Metric("loudness_l1_db_sounding", "Loudness L1 (dB, sounding)", "loudness_l1_db_sounding"),
    Metric(
        "loudness_bias_db_sounding", "Loudness bias (dB, sounding)", "loudness_bias_db_sounding"
    ),
    Metric("rpa_crepe", "RPA vs CREPE", "rpa_crepe"),
    Metric("rca_crepe", "RCA vs CREPE", "rca_crepe"),
    Metric("rpa_true", "RPA vs true f0", "rpa_true"),
    Metric("rca_true", "RCA vs true f0", "rca_true"),
    Metric("spectral_loss", "Spectral loss", "spectral_loss"),
)


def difference_name(name: str) -> str:
    """Return the name of a metric's paired difference."""
    return f"{name}_minus_base"
