"""Who may do what: people who log in, API keys, and the answers already given to them."""
