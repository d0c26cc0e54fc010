"""The one door through which messages come to be: events and the clock, taken through the rules."""
