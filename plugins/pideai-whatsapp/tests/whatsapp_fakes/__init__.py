"""Stand-ins for the three providers on real loopback sockets; each says what it was checked against."""
