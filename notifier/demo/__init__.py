"""The rehearsal: generated members, a post office on loopback, the incident's figures."""
