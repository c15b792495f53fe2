"""How PostgreSQL carries out each hot statement, on empty tables and on those of a host that is years old."""
