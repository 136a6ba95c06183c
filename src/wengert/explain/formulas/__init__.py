"""Formulas of steps and of their derivatives, made from the operations' own rules, as text, LaTeX and Python."""
