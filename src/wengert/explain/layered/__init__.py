"""The four steps of a layered drawing: layers, order within them, places, and routes.

K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system structures", IEEE
Transactions on Systems, Man, and Cybernetics 11 (1981). :func:`wengert.explain.layout.layout` puts them together.
"""
