"""Worker that computes with the authors' package: one case per line of input, a JSON list of the
case, the file with its inputs and the file for its results (`authors.Authors`).
"""

import json
import sys

import numpy as np

from conformance import authors_networks as networks
from conformance import authors_signals as signals
from conformance.authors_package import RELEASE

CASES = (
    signals.exp_sigmoid,
    signals.harmonics,
    signals.angular_harmonics,
    signals.audible,
    signals.distribution,
    signals.window_upsampling,
    signals.linear_upsampling,
    signals.filter_design,
    signals.filtered_noise,
    signals.convolution,
    signals.reverb,
    signals.spectral_loss,
    signals.magnitudes,
    signals.mfcc,
    signals.loudness,
    signals.f0_scaled,
    networks.mlp,
    networks.gru,
    networks.decoder,
    networks.z_encoder,
    networks.instance_normalization,
    networks.unit_midi,
    networks.resnet_f0,
    networks.parameters,
    networks.loudness_distance,
    networks.f0_distance,
)


def main() -> None:
    """Answer questions until the input ends."""
    cases = {case.__name__: case for case in CASES}
    print(RELEASE, flush=True)
    for line in sys.stdin:
        name, question, answer = json.loads(line)
        with np.load(question) as given:
            answers = cases[name](dict(given))
        np.savez(answer, **answers)
        print("done", flush=True)


if __name__ == "__main__":
    main()
