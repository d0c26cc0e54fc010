"""The wording of the house: drafts, checks, publications, and which versions are in force."""
