"""Campaigns: one text to many customers of a store, slowly, each of them once, and only to who may be written to."""
