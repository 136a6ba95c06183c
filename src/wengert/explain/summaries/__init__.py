"""Models in numbers: layers with their shapes, parameters, multiply-adds and memory."""
