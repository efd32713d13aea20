"""Every version, suite and level of AT+SSLCFG against three TLS implementations that share no code with the twin's.

`python -m matrix`, in the directory above, prints the table of docs/tls.md; `cargo xtask tls-matrix` does that with
everything prepared.
"""
