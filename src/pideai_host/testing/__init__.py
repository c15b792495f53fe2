"""What a plugin author tests with."""
