"""The rates every module shares (paper, section 3 and appendix B): sizes are derived here once."""

SAMPLE_RATE = 16000  # Hz; CREPE's rate too
FRAME_RATE = 250  # control frames per second
HOP = SAMPLE_RATE // FRAME_RATE  # samples per control frame
CONFIDENCE_THRESHOLD = 0.85  # CREPE confidence from which a frame counts as pitched (paper, appendix B)
SOUNDING_DB = -70.0  # loudness above which a frame counts as sounding (our choice)
