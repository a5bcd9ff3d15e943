"""A TMDb for development and tests: a real HTTP server that answers as TMDb's OpenAPI says, and fails on demand."""
