"""What comes back: reports, complaints, answers; what they say, and what follows."""
