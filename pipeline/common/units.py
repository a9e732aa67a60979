"""Sample rate, frame rate and the control frame (paper, section 3 and appendix B)."""

import numpy as np

SAMPLE_RATE = 16000  # Hz; also CREPE's rate
FRAME_RATE = 250  # control frames per second
HOP = SAMPLE_RATE // FRAME_RATE  # samples per control frame
# CREPE confidence from which a frame counts as pitched (paper, appendix B)
CONFIDENCE_THRESHOLD = 0.85
SOUNDING_DB = -70.0  # loudness above which a frame counts as sounding (our choice)
CURVES = ("f0_hz", "f0_confidence", "loudness_db")  # sampled at 250 Hz
# one control frame of a feature file
FRAME = np.dtype([("audio", "<f4", (HOP,)), *((name, "<f4") for name in CURVES)])
