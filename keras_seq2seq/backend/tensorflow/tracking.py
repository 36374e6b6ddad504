"""Layers that `tf.train.Checkpoint` and SavedModels would miss.

Keras tells TensorFlow about layers that are attributes of a layer, but not about those in lists,
tuples or dictionaries, whose weights are then missing from checkpoints without a warning. There is
no public interface to add them; a test fails if the private details used here change.
"""


class TracksLayers:
    """Mixin of layers and models: TensorFlow tracks all their layers, however they are stored."""

    def _trackable_children(self, save_type="checkpoint", **kwargs):
        children = super()._trackable_children(save_type, **kwargs)
        return {**_layers_in_collections(self, children.values()), **children}

    def _lookup_dependency(self, name, cached_dependencies=None):
        found = super()._lookup_dependency(name, cached_dependencies)
        return self._trackable_children().get(name) if found is None else found


def _layers_in_collections(owner, children):
    """Returns the layers of a layer that are not among its children, by names for TensorFlow.

    Layers at all depths are included, since the layer that contains them may not be of this class.
    Their names are numbers, since Keras's own names may differ from one process to the next.
    """
    known = set(map(id, children))
    layers = enumerate(owner._flatten_layers(include_self=False))
    return {f"layer-{index}": layer for index, layer in layers if id(layer) not in known}
