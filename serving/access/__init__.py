"""Who is asking, and what they may do: keys, tokens of an issuer, roles, limits and the record of it all."""
