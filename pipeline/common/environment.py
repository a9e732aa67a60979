"""Keep the user's settings of libraries, and proxies, out of a run.

Libraries read environment variables and files in the home folder, which would change figures
without a word. Call `fix_environment` before Keras, TensorFlow, librosa, matplotlib and Beam load;
processes that are started later inherit it.
"""

import os
from pathlib import Path

FIXED = {
    "KERAS_BACKEND": "tensorflow",
    # Keras reads keras.json there instead of in ~/.keras: floatx, data format, epsilon
    "KERAS_HOME": str(Path(__file__).parent),
    "MPLBACKEND": "Agg",  # matplotlib's other settings: `reporting.drawing`
}
REMOVED = (
    "TF_ENABLE_ONEDNN_OPTS",  # other kernels, other last bits
    "TF_XLA_FLAGS",  # may compile whole graphs, which sums in another order
    "LIBROSA_CACHE_DIR",  # results of another version, perhaps
)
LOCAL = "localhost,127.0.0.1,::1"


def fix_environment() -> None:
    """Set the variables that decide a result; remove those that must not."""
    os.environ.update(FIXED)
    for name in REMOVED:
        os.environ.pop(name, None)
    _reach_local_workers()


def _reach_local_workers() -> None:
    """Let gRPC reach this machine without a proxy: Beam's workers listen on loopback.

    gRPC reads `no_grpc_proxy` first, and `no_proxy` only where the former is not set.
    """
    names = ("no_grpc_proxy", "no_proxy", "NO_PROXY")
    unproxied = next((os.environ[name] for name in names if os.environ.get(name)), "")
    if not f",{unproxied}".endswith(f",{LOCAL}"):
        os.environ.update(no_grpc_proxy=f"{unproxied},{LOCAL}".strip(","))
