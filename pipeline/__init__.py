"""The library: a room per step of the way of the data, and what a person runs by hand.

What this module sets must be set before TensorFlow and Beam are imported.
"""

import logging

from pipeline.common.environment import fix_environment
from pipeline.common.tensorflow_notices import hide_notices

fix_environment()
hide_notices()

# Users are told what they must know in an error line; libraries' warnings on the root logger would
# bury it. `force`, or Beam's import would install a handler.
logging.basicConfig(level=logging.ERROR, format="%(levelname)s: %(message)s", force=True)
