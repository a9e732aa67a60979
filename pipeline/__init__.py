"""The library, one module per idea. What is set here must be set before TensorFlow and Beam are imported."""

import logging
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# What a user must know reaches them as an error line; libraries' warnings on the root logger are noise to them. `force`, or
# Beam's import would install a handler of its own.
logging.basicConfig(level=logging.ERROR, format="%(levelname)s: %(message)s", force=True)
