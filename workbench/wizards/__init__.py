"""Widgets for notebooks. They hold looks and wording only, and know no noun: what they show and call is handed to them."""
