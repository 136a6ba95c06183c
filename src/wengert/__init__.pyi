# The names of __init__.py for type checkers; tests/test_facade.py holds the two together.
from wengert import data as data
from wengert import errors as errors
from wengert import nn as nn
from wengert import numpy as numpy
from wengert import optim as optim
from wengert import pytree as pytree
from wengert import random as random
from wengert import training as training
from wengert.errors import ConcretizationError as ConcretizationError
from wengert.errors import DataError as DataError
from wengert.errors import DerivativeError as DerivativeError
from wengert.errors import EscapeError as EscapeError
from wengert.errors import FlatDerivativeWarning as FlatDerivativeWarning
from wengert.errors import GradientCheckError as GradientCheckError
from wengert.errors import LeakError as LeakError
from wengert.errors import ModelError as ModelError
from wengert.errors import ShapeError as ShapeError
from wengert.errors import UnsupportedError as UnsupportedError
from wengert.errors import WengertError as WengertError
from wengert.explain import explain as explain
from wengert.transforms import check_grads as check_grads
from wengert.transforms import elementwise_grad as elementwise_grad
from wengert.transforms import grad as grad
from wengert.transforms import hessian as hessian
from wengert.transforms import hvp as hvp
from wengert.transforms import jacfwd as jacfwd
from wengert.transforms import jacobian as jacobian
from wengert.transforms import jacrev as jacrev
from wengert.transforms import jvp as jvp
from wengert.transforms import linearize as linearize
from wengert.transforms import make_program as make_program
from wengert.transforms import stop_gradient as stop_gradient
from wengert.transforms import value_and_grad as value_and_grad
from wengert.transforms import vjp as vjp
from wengert.transforms import vmap as vmap

__version__: str
