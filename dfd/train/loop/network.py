"""The network of a candidate before its first step, and which of its layers are trained."""

import difflib
from dataclasses import dataclass

import keras

from dfd.errors import TrainError, WeightsError
from dfd.params.training import CandidateParams
from dfd.train.loop.batchnorm import batchnorm_layers
from dfd.train.networks.backbones import build_model


@dataclass(frozen=True)
class StartNetwork:
    """A network with its trainable layers set.

    Attributes:
        model: The network of ``build_model``.
        weights: Weights that the backbone started from: ``imagenet``, ``casia-webface``, ``none``
            (random) or the name of a file.
    """

    model: keras.Model
    weights: str

    @property
    def pretrained(self) -> bool:
        """Whether the backbone started from trained weights."""
        return self.weights != "none"


def build_network(candidate: str, params: CandidateParams) -> StartNetwork:
    """Build the network of a candidate, which checks every parameter that names a part of it.

    Building takes seconds, so call this before anything slow is done for the candidate. The global
    random generators are seeded as by ``build_model``.

    Args:
        candidate: The candidate's name in the section ``candidates``, for error messages.
        params: The parameters of the candidate.

    Raises:
        TrainError: The backbone is unknown, the input is too small for it, or it has no layer
            ``finetune_from``.
        WeightsError: The weights cannot be fetched or read, or are not those of the backbone.

    Example:
        >>> from pathlib import Path
        >>> from dfd.params.training import load_candidate
        >>> params = load_candidate("mesonet", Path("params.yaml"))
        >>> build_network("mesonet", params.model_copy(update={"backbone": "mesonett"}))
        Traceback (most recent call last):
        ...
        dfd.errors.TrainError: candidates.mesonet.backbone: there is no 'mesonett'; ...
    """
    try:
        model, weights = build_model(
            params.backbone, params.weights, params.input_size, params.dropout, params.seed
        )
        network = StartNetwork(model, weights)
        set_trainable_layers(model, params, network.pretrained)
    except (TrainError, WeightsError) as error:
        raise type(error)(f"candidates.{candidate}.{error}") from error
    return network


def set_trainable_layers(model: keras.Model, params: CandidateParams, pretrained: bool) -> None:
    """Freeze the layers of a network that fine-tuning does not change.

    The BatchNorm layers of a pretrained backbone stay frozen, in inference mode: the statistics of
    small batches would undo what the weights were trained with. A backbone with random weights is
    trained as a whole.

    Args:
        model: A network of ``build_model``, changed in place.
        params: The candidate's parameters; ``finetune_from`` names the first trainable layer.
        pretrained: Whether the backbone started from trained weights.

    Raises:
        TrainError: The backbone has no layer of that name.
    """
    finetune_from = params.finetune_from
    backbone = model.get_layer("backbone")
    names = [layer.name for layer in backbone.layers]
    if finetune_from is not None and finetune_from not in names:
        near = difflib.get_close_matches(finetune_from, names, n=3, cutoff=0.3) or names[-3:]
        raise TrainError(
            f"finetune_from: {params.backbone} has no layer {finetune_from!r}; similar names are "
            f"{', '.join(near)}"
        )
    if not pretrained:
        return
    for layer in backbone.layers[: names.index(finetune_from) if finetune_from else 0]:
        layer.trainable = False
    for layer in batchnorm_layers(backbone):
        layer.trainable = False
