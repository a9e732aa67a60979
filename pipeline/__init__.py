"""The library: a room per step of the way of the data, and what a person runs by hand.

What this module sets must be set before TensorFlow and Beam are imported.
"""

import logging
import os

from pipeline.common.tensorflow_notices import hide_notices

hide_notices()

# Beam's local runner talks to its workers over gRPC on loopback, which must not go through a proxy.
_unproxied = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
os.environ.setdefault("no_grpc_proxy", f"{_unproxied},localhost,127.0.0.1".strip(","))

# Users are told what they must know in an error line; libraries' warnings on the root logger would
# bury it. `force`, or Beam's import would install a handler.
logging.basicConfig(level=logging.ERROR, format="%(levelname)s: %(message)s", force=True)
