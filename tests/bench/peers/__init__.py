"""Peers: other ways to send the same mails to the same sink."""
