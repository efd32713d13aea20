"""What the end-to-end tests share: the twin, a serial client, servers and certificates."""
