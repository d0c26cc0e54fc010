"""Every notice, channel and sample as a picture: `make gallery`."""
