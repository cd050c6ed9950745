"""The operator's tool of omadm: accounts, messages, pushes and flash images."""
