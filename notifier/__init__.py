"""Notification and correspondence engine: a billing event becomes the right mail or letter, once."""
