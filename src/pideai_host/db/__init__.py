"""The database: pool, embedded server, migrations, development base."""
