"""Derivatives, batching and staging of functions."""

from wengert.transforms import fast_operators, recompute
from wengert.transforms.batch import vmap
from wengert.transforms.check_grads import check_grads
from wengert.transforms.checkpoint import checkpoint
from wengert.transforms.custom_rules import custom_jvp, custom_vjp
from wengert.transforms.debugging import debug
from wengert.transforms.forward import jvp
from wengert.transforms.gradients import elementwise_grad, grad, stop_gradient, value_and_grad, vjp
from wengert.transforms.jacobians import hessian, hvp, jacfwd, jacobian, jacrev
from wengert.transforms.jit import jit
from wengert.transforms.kinks import Kink, Kinks, report_kinks
from wengert.transforms.loading import machine_code
from wengert.transforms.stage import linearize, make_program

__all__ = [
    "Kink",
    "Kinks",
    "check_grads",
    "checkpoint",
    "custom_jvp",
    "custom_vjp",
    "debug",
    "elementwise_grad",
    "fast_operators",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "linearize",
    "machine_code",
    "make_program",
    "recompute",
    "report_kinks",
    "stop_gradient",
    "value_and_grad",
    "vjp",
    "vmap",
]
