"""From a selection to one SQL statement that builds its JSON in the database."""
