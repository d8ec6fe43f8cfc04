"""Tools for language models, over the Model Context Protocol: the same functions as our own interface's.

The part of the protocol that tools need is small (three methods in JSON-RPC, one answer to each request), so
it is written out here rather than brought in with a package of a dozen others; the tests ask it through the
protocol's own client.
"""
