"""The optimisers people name, composed of parts: parameters θ, gradients g, learning rate η."""

from __future__ import annotations

from dataclasses import replace

from wengert.optim._optimizer import Optimizer, chain
from wengert.optim._parts import (
    Rate,
    add_decayed_weights,
    scale_by_adam,
    scale_by_learning_rate,
    scale_by_rms,
    scale_by_sum_of_squares,
    trace,
)

__all__ = ["adagrad", "adam", "adamw", "momentum", "nesterov", "rmsprop", "sgd"]


def sgd(learning_rate: Rate) -> Optimizer:
    """Stochastic gradient descent: θ ← θ − η g.

    H. Robbins, S. Monro, "A stochastic approximation method", Annals of Mathematical Statistics 22 (1951).

    Example:
        >>> import numpy as np
        >>> from wengert import optim
        >>> optimizer, theta = optim.sgd(0.1), np.array([1.0])
        >>> optimizer.update(np.array([2.0]), optimizer.init(theta), theta)[0]
        array([-0.2])
    """
    return replace(scale_by_learning_rate(learning_rate), name="sgd")


def momentum(learning_rate: Rate, decay: float = 0.9) -> Optimizer:
    """Heavy ball: v ← μ v + g, θ ← θ − η v.

    B. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR Computational
    Mathematics and Mathematical Physics 4 (1964).

    Example:
        >>> import numpy as np
        >>> from wengert import optim
        >>> optimizer, theta, g = optim.momentum(0.1, 0.5), np.array([1.0]), np.array([2.0])
        >>> first, state = optimizer.update(g, optimizer.init(theta), theta)
        >>> first, optimizer.update(g, state, theta)[0]
        (array([-0.2]), array([-0.3]))
    """
    return chain(trace(decay), scale_by_learning_rate(learning_rate), name="momentum")


def nesterov(learning_rate: Rate, decay: float = 0.9) -> Optimizer:
    """Nesterov's momentum: v ← μ v + g, θ ← θ − η (g + μ v).

    Y. Nesterov, "A method of solving a convex programming problem with convergence rate O(1/k²)", 1983,
    in the form of I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and
    momentum in deep learning", ICML 2013.

    Example:
        >>> import numpy as np
        >>> from wengert import optim
        >>> optimizer, theta, g = optim.nesterov(0.1, 0.5), np.array([1.0]), np.array([2.0])
        >>> first, state = optimizer.update(g, optimizer.init(theta), theta)
        >>> first, optimizer.update(g, state, theta)[0]
        (array([-0.3]), array([-0.35]))
    """
    return chain(trace(decay, nesterov=True), scale_by_learning_rate(learning_rate), name="nesterov")


def adagrad(learning_rate: Rate, eps: float = 1e-10) -> Optimizer:
    """Steps that shrink with what was seen: G ← G + g², θ ← θ − η g/(√G + ε).

    J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", JMLR 12 (2011).

    Example:
        >>> import numpy as np
        >>> from wengert import optim
        >>> optimizer, theta, g = optim.adagrad(0.5), np.array([1.0]), np.array([3.0])
        >>> first, state = optimizer.update(g, optimizer.init(theta), theta)
        >>> first.round(4), optimizer.update(g, state, theta)[0].round(4)
        (array([-0.5]), array([-0.3536]))
    """
    return chain(scale_by_sum_of_squares(eps), scale_by_learning_rate(learning_rate), name="adagrad")


def rmsprop(learning_rate: Rate, decay: float = 0.9, eps: float = 1e-8) -> Optimizer:
    """Steps divided by a running mean square: v ← ρ v + (1 − ρ) g², θ ← θ − η g/(√v + ε).

    T. Tieleman, G. Hinton, "Lecture 6.5: rmsprop", Neural Networks for Machine Learning, 2012.

    Example:
        >>> import numpy as np
        >>> from wengert import optim
        >>> optimizer, theta = optim.rmsprop(0.1, decay=0.75), np.array([1.0])
        >>> optimizer.update(np.array([3.0]), optimizer.init(theta), theta)[0].round(4)
        array([-0.2])
    """
    return chain(scale_by_rms(decay, eps), scale_by_learning_rate(learning_rate), name="rmsprop")


def adam(learning_rate: Rate, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Optimizer:
    """Adam: m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², θ ← θ − η m̂/(√v̂ + ε).

    m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ) undo the start from zero.

    D. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    Example:
        >>> import numpy as np
        >>> from wengert import optim
        >>> optimizer, theta = optim.adam(0.1), np.array([1.0, 1.0])
        >>> optimizer.update(np.array([3.0, -0.01]), optimizer.init(theta), theta)[0].round(4)
        array([-0.1,  0.1])
    """
    return chain(scale_by_adam(b1, b2, eps), scale_by_learning_rate(learning_rate), name="adam")


def adamw(
    learning_rate: Rate,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> Optimizer:
    """Adam with decoupled weight decay: θ ← θ − η (m̂/(√v̂ + ε) + λ θ).

    I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Example:
        >>> import numpy as np
        >>> from wengert import optim
        >>> optimizer, theta = optim.adamw(0.1, weight_decay=0.5), np.array([2.0])
        >>> optimizer.update(np.array([3.0]), optimizer.init(theta), theta)[0].round(4)
        array([-0.2])
    """
    return chain(
        scale_by_adam(b1, b2, eps),
        add_decayed_weights(weight_decay),
        scale_by_learning_rate(learning_rate),
        name="adamw",
    )
