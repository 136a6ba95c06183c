"""The engine: abstract values, primitives, traces and Programs. It knows no array function by name."""
