"""What a store has: installations, configuration, secrets, credits."""
