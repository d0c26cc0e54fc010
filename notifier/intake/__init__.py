"""What comes in: events, members, schemes and cohorts, read strictly and kept as given."""
