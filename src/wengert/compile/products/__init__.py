"""Matrix products in machine code: kernels made for their shapes, and BLAS where products are large."""

from wengert.compile.products.long import is_long, long_product, long_workspace_bytes
from wengert.compile.products.matrix import Finish, Matrix, Start, plus
from wengert.compile.products.pack import copy, transpose
from wengert.compile.products.plan import Cost, cost, method, row_block, workspace_bytes
from wengert.compile.products.product import batched_product, product
from wengert.compile.products.symbols import blas_symbol, lapack_symbol

__all__ = [
    "Cost",
    "Finish",
    "Matrix",
    "Start",
    "batched_product",
    "blas_symbol",
    "copy",
    "cost",
    "is_long",
    "lapack_symbol",
    "long_product",
    "long_workspace_bytes",
    "method",
    "plus",
    "product",
    "row_block",
    "transpose",
    "workspace_bytes",
]
