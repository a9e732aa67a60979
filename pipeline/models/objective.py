"""The training objective of models that output audio: the multi-scale spectral loss and, if
configured, the perceptual loss of CREPE.
"""

from typing import NamedTuple

import tensorflow as tf
from pydantic import NonNegativeFloat, PositiveInt

from pipeline.common.params import Params
from pipeline.dsp.spectral_loss import multi_scale_spectral_loss
from pipeline.models.perceptual import perceptual_loss

TERMS = ("magnitudes", "log_magnitudes", "perceptual")


class LossConfig(Params):
    """The `loss` section of params.yaml, with an experiment's overrides merged in."""

    fft_sizes: tuple[PositiveInt, ...]
    alpha: NonNegativeFloat  # weight of the logarithmic term
    perceptual_weight: (
        NonNegativeFloat  # weight of the perceptual loss, which is 1 for random pairs
    )
    perceptual_frames: PositiveInt  # CREPE frames per example


class Objective(NamedTuple):
    """The objective; `perceptual_scale` is the unit of the perceptual loss
    (`perceptual.random_pair_distance` of the training split).
    """

    config: LossConfig
    perceptual_scale: float = 1.0

    def __call__(self, target: tf.Tensor, audio: tf.Tensor) -> tf.Tensor:
        """Compute the objective of each example: 2 x [batch, samples] -> [batch]."""
        losses = multi_scale_spectral_loss(target, audio, self.config.fft_sizes, self.config.alpha)
        if self.config.perceptual_weight:
            losses += self._perceptual(target, audio)
        return losses

    def terms(self, target: tf.Tensor, audio: tf.Tensor) -> dict[str, tf.Tensor]:
        """Compute the weighted terms whose sum is the objective: {term: [batch]}, without those
        that are switched off.
        """
        sizes = self.config.fft_sizes
        magnitudes = multi_scale_spectral_loss(target, audio, sizes, 0.0)
        terms = {"magnitudes": magnitudes}
        if self.config.alpha:
            both = multi_scale_spectral_loss(target, audio, sizes, self.config.alpha)
            terms["log_magnitudes"] = both - magnitudes
        if self.config.perceptual_weight:
            terms["perceptual"] = self._perceptual(target, audio)
        return terms

    def _perceptual(self, target: tf.Tensor, audio: tf.Tensor) -> tf.Tensor:
        distance = perceptual_loss(target, audio, self.config.perceptual_frames)
        return self.config.perceptual_weight / self.perceptual_scale * distance


def term_shares(objective: Objective, target: tf.Tensor, audio: tf.Tensor) -> dict[str, float]:
    """Measure what each term contributes to the objective and to its gradient at the audio.

    Args:
        objective: whose terms to measure.
        target: [batch, samples].
        audio: [batch, samples], the model's output.

    Returns:
        `share_TERM` of the loss and `gradient_TERM` of the sum of the terms' gradient norms; each
        kind adds up to 1.
    """
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(audio)
        terms = {
            name: tf.reduce_mean(losses) for name, losses in objective.terms(target, audio).items()
        }
    norms = {name: tf.norm(tape.gradient(loss, audio)) for name, loss in terms.items()}
    loss_sum = tf.add_n(list(terms.values()))
    norm_sum = tf.add_n(list(norms.values()))
    shares = {
        f"share_{name}": tf.math.divide_no_nan(loss, loss_sum) for name, loss in terms.items()
    }
    shares |= {
        f"gradient_{name}": tf.math.divide_no_nan(norm, norm_sum) for name, norm in norms.items()
    }
    return {name: float(share) for name, share in shares.items()}
