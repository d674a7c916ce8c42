"""The web by itself, without an account: requests, pages, feeds, tools of MCP servers."""
