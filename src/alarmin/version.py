"""The version, and what Alarmin is not for: said in every place where a person meets a result."""

VERSION = "0.1.0"
NOTICE = "For research, not for decisions about a patient."
