"""Kernels compiled by numba, and the choice between them and numpy."""
