"""What other people's services are asked, and what their answers mean: one module for each of them.

For blocks that take credentials. Each function gets the guarded client and the secret as arguments and gives plain
values; it knows no block. Failures are those of `blocks/http/errors.py`: none repeats a secret or a provider's words.
"""
