"""GraphQL: declaring nodes, composing the schema, planning reads to SQL, serving. Knows core, no plugin."""
