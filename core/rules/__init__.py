"""The rules of the kernel. A rule never sees GraphQL; it gets a Work and plain values."""
