"""Member notices: a billing event becomes the right mail or letter, once."""
