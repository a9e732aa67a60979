"""What models that emit sound are trained on: the multi-scale spectral loss, and CREPE's
perceptual loss where it is asked for.
"""

import tensorflow as tf
from pydantic import NonNegativeFloat, PositiveInt

from pipeline.common.params import Params
from pipeline.dsp.spectral_loss import multi_scale_spectral_loss
from pipeline.models.perceptual import perceptual_loss


class LossConfig(Params):
    """The `loss` section of params.yaml, an experiment's override merged over it."""

    fft_sizes: tuple[PositiveInt, ...]
    alpha: NonNegativeFloat  # weight of the logarithmic term
    perceptual_weight: NonNegativeFloat  # of the L1 distance between activations of CREPE
    perceptual_frames: PositiveInt  # frames per example that CREPE looks at


def resynthesis_losses(target: tf.Tensor, audio: tf.Tensor, config: LossConfig) -> tf.Tensor:
    """The objective of each example: 2 x [batch, samples] -> [batch]."""
    losses = multi_scale_spectral_loss(target, audio, config.fft_sizes, config.alpha)
    if config.perceptual_weight:
        losses += config.perceptual_weight * perceptual_loss(
            target, audio, config.perceptual_frames
        )
    return losses
