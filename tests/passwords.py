"""Passwords of tests are hashed as everywhere, but in one round: a hash that is slow to guess is slow to test."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class Quick(PBKDF2PasswordHasher):
    iterations = 1
