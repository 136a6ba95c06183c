"""Which columns a network needs, and how its output changes with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert import nn, random
from wengert.errors import DataError
from wengert.explain.report.contents import Importance, Saliency
from wengert.transforms import grad

__all__ = ["class_gradients", "class_saliency", "output_gradients", "permutation_importance"]

Array = NDArray[np.float64]
Measure = Callable[[Any], float]


def permutation_importance(
    predict: Callable[[Array], Any],
    measures: Mapping[str, Measure],
    inputs: Array,
    columns: Mapping[str, Sequence[int]],
    *,
    repeats: int = 5,
    key: random.Key | None = None,
) -> list[Importance]:
    """How measures change when the values of one column are shuffled among the rows, for each column.

    Shuffling cuts what ties a column to the target and keeps its distribution. All features that encode a column move
    together, which is the same as to shuffle the column of the table before it is encoded. The same ``repeats``
    permutations serve all columns. Columns that tell the same share their importance: shuffling one leaves the other.

    L. Breiman, "Random forests", Machine Learning 45 (2001), section 10; A. Fisher, C. Rudin, F. Dominici, "All models
    are wrong, but many are useful", JMLR 20 (2019), for any model.

    Args:
        predict: from (n, features) to outputs.
        measures: by name, from outputs to a number.
        inputs: (n, features) held-out rows.
        columns: by name, the numbers of the features that encode a column.
        repeats: permutations of each column.

    Returns:
        an :class:`Importance` for each measure.

    Raises:
        DataError: if there are no rows or no repeats, or a column is encoded by features that the inputs lack.

    Example:
        >>> import numpy as np
        >>> from wengert.explain.report import permutation_importance
        >>> x = np.arange(40.0).reshape(20, 2)
        >>> y = 3 * x[:, 0]
        >>> found, = permutation_importance(
        ...     lambda x: 3 * x[:, 0], {"mae": lambda z: np.abs(z - y).mean()}, x, {"first": [0], "second": [1]}
        ... )
        >>> found.changes[0] > 10, found.changes[1] == 0
        (np.True_, np.True_)
    """
    inputs = _checked(inputs, columns, repeats)
    key = random.key(0) if key is None else key
    orders = np.concatenate([random.permutation(own, len(inputs)) for own in random.split(key, repeats)])
    many = np.tile(inputs, (repeats, 1))  # all repeats in one call: calls cost more than rows
    whole = predict(inputs)
    bases = {name: float(measure(whole)) for name, measure in measures.items()}
    found = {name: np.empty((len(columns), repeats)) for name in measures}
    for row, features in enumerate(columns.values()):
        chosen, rows = list(features), len(inputs)
        many[:, chosen] = inputs[orders][:, chosen]
        outputs = predict(many)
        many[:, chosen] = np.tile(inputs[:, chosen], (repeats, 1))
        for name, measure in measures.items():
            found[name][row] = [measure(outputs[k * rows : (k + 1) * rows]) for k in range(repeats)]
    return [Importance(list(columns), name, bases[name], found[name], len(inputs)) for name in measures]


def _checked(inputs: Any, columns: Mapping[str, Sequence[int]], repeats: int) -> Array:
    inputs = np.asarray(inputs)
    if inputs.ndim != 2 or not len(inputs) or repeats < 1:
        raise DataError(
            f"inputs have shape {inputs.shape} and are shuffled {repeats} times: importance takes rows of features, "
            "shuffled at least once"
        )
    for name, features in columns.items():
        if any(not 0 <= k < inputs.shape[1] for k in features):
            raise DataError(f'the column "{name}" is features {list(features)}, and inputs have {inputs.shape[1]}')
    return inputs


def output_gradients(model: Callable[[Any], Any], inputs: Array) -> Array:
    """(n, features): the derivative of each row's only output by its features.

    Example:
        >>> import numpy as np
        >>> from wengert.explain.report.importance import output_gradients
        >>> output_gradients(lambda x: x[:, :1] ** 2, np.array([[1.0, 5.0], [3.0, 5.0]]))
        array([[2., 0.],
               [6., 0.]])
    """
    return np.asarray(grad(lambda x: np.sum(model(x)))(inputs))


def class_gradients(model: Callable[[Any], Any], inputs: Array) -> Array:
    """(n, features): the derivative of the predicted class's probability by each row's features."""
    chosen = np.argmax(model(inputs), axis=1)
    rows = np.arange(len(inputs))
    return np.asarray(grad(lambda x: np.sum(nn.softmax(model(x))[rows, chosen]))(inputs))


def class_saliency(
    model: Callable[[Any], Any], inputs: Array, actual: NDArray[np.int64], labels: Sequence[str],
    pictures: Array,
) -> list[Saliency]:  # fmt: skip
    """For each class the mean gradient of its score at its pictures: which pixels speak for it, which against it.

    The score is the class's logit less the mean of all logits, since adding a number to all logits changes nothing.

    K. Simonyan, A. Vedaldi, A. Zisserman, "Deep inside convolutional networks: visualising image classification models
    and saliency maps", 2014 (there for single pictures).

    Args:
        inputs: (n, features), as the model takes them.
        actual: (n,) class numbers; a class without rows is left out.
        pictures: (n, height, width) or (n, height, width, channels); gradients are added up over channels.
    """
    rows = np.arange(len(inputs))

    def scores(x: Any) -> Any:
        logits = model(x)
        return np.sum(logits[rows, actual] - np.mean(logits, axis=1))

    gradients = np.asarray(grad(scores)(inputs)).reshape(pictures.shape)
    if pictures.ndim == 4:
        gradients = gradients.sum(axis=-1)
    held = [k for k in range(len(labels)) if np.any(actual == k)]
    return [Saliency(labels[k], pictures[actual == k].mean(axis=0), gradients[actual == k].mean(axis=0)) for k in held]
