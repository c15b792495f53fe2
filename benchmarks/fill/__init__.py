"""What fills a database of the host as years of use would: stores, plugins, history, parked deliveries."""
