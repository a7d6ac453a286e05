"""The reference interpreter: docs/language.md section 8, made executable."""
