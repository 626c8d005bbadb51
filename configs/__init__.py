"""Recipes: what differs from the defaults of `lqjax.config`."""
