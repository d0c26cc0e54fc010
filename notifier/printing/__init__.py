"""Batches for the press: collected, bound into files, handed over, acknowledged."""
