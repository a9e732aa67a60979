"""The training objective of models that output audio: the multi-scale spectral loss and, if
configured, the perceptual loss of CREPE.
"""

import tensorflow as tf
from pydantic import NonNegativeFloat, PositiveInt

from pipeline.common.params import Params
from pipeline.dsp.spectral_loss import multi_scale_spectral_loss
from pipeline.models.perceptual import perceptual_loss


class LossConfig(Params):
    """The `loss` section of params.yaml, with an experiment's overrides merged in."""

    fft_sizes: tuple[PositiveInt, ...]
    alpha: NonNegativeFloat  # weight of the logarithmic term
    perceptual_weight: NonNegativeFloat  # weight of the L1 distance between CREPE activations
    perceptual_frames: PositiveInt  # CREPE frames per example


def resynthesis_losses(target: tf.Tensor, audio: tf.Tensor, config: LossConfig) -> tf.Tensor:
    """Compute the objective of each example: 2 x [batch, samples] -> [batch]."""
    losses = multi_scale_spectral_loss(target, audio, config.fft_sizes, config.alpha)
    if config.perceptual_weight:
        losses += config.perceptual_weight * perceptual_loss(
            target, audio, config.perceptual_frames
        )
    return losses
