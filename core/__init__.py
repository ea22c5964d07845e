"""The domain kernel: areas, actors, activities, and everything mechanisms share. No GraphQL, no plugin."""
