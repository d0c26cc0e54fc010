"""What the post wants to know of an address and a letter: barcode, postcode, postage."""
