"""The words of the house: frozen values, enums and the transition table. No I/O."""
