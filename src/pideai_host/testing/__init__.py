"""What a plugin author tests with: fakes in `kit`, fixtures in `pytest_plugin`, access tokens in `tokens`."""
