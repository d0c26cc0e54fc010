"""Pure rules: event + member + calendar + policy → send, hold or skip, each with its reason."""
