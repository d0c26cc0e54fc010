"""Code tables of payment gateways, one file each; a new gateway is a new file."""
