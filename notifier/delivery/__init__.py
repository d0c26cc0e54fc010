"""Claim, transmit, record: how messages leave the house."""
