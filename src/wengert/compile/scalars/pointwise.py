"""Special functions that SciPy computes, by its C functions of doubles: called lane by lane, as exact as SciPy's.

Functions that warn from C, where whole numbers are wanted (bdtr, expn, kn, …), are not called from native code.
"""

from __future__ import annotations

from collections.abc import Callable

from wengert.compile.emit import Value
from wengert.compile.scalars import library
from wengert.compile.scalars.table import MISSING, in_double, lowering

__all__ = ["LANEWISE"]

NAMES = """
    agm bdtrik bdtrin bei beip ber berp besselpoly beta betainc betaincc betainccinv betaincinv betaln binom boxcox
    boxcox1p btdtria btdtrib chdtr chdtrc chdtri chdtriv chndtr chndtrinc chndtrix cosdg cosm1 cotdg dawsn ellipe
    ellipeinc ellipk ellipkinc ellipkm1 elliprc elliprd elliprf elliprg elliprj erfcinv erfi erfinv exp1 expi exprel
    fdtr fdtrc fdtri fdtridfd gamma gammainc gammaincc gammainccinv gammaincinv gammaln gammasgn gdtr gdtrc gdtria
    gdtrib gdtrix huber hyp0f1 hyp1f1 hyp2f1 hyperu i0 i0e i1 i1e inv_boxcox inv_boxcox1p it2struve0 itmodstruve0
    itstruve0 iv ive j0 j1 jv jve k0 k0e k1 k1e kei keip ker kerp kl_div kolmogi kolmogorov kv kve log_wright_bessel
    loggamma lpmv modstruve nbdtrik nbdtrin ndtri ndtri_exp nrdtrimn nrdtrisd owens_t pdtr pdtrc pdtrik poch powm1
    pseudo_huber psi radian rel_entr rgamma sindg spence stdtr stdtridf stdtrit struve tandg tklmbda voigt_profile
    wright_bessel wrightomega y0 y1 yv yve zetac
"""
LANEWISE = frozenset(NAMES.split())


def _lane_by_lane(name: str) -> Callable[..., Value]:
    return in_double(lambda *operands: library.scipy_special(name, *operands))


for _name in LANEWISE:
    lowering(_name)(_lane_by_lane(_name))
    MISSING[_name] = lambda name=_name: not library.has(name)
