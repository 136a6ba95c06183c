"""Derivatives, batching and staging of functions."""

from wengert.transforms import fast_operators
from wengert.transforms.batch import vmap
from wengert.transforms.check_grads import check_grads
from wengert.transforms.checkpoint import checkpoint
from wengert.transforms.forward import jvp
from wengert.transforms.gradients import elementwise_grad, grad, stop_gradient, value_and_grad, vjp
from wengert.transforms.jacobians import hessian, hvp, jacfwd, jacobian, jacrev
from wengert.transforms.stage import linearize, make_program

__all__ = [
    "check_grads",
    "checkpoint",
    "elementwise_grad",
    "fast_operators",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linearize",
    "make_program",
    "stop_gradient",
    "value_and_grad",
    "vjp",
    "vmap",
]
