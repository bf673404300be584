"""Who made this and what it is not for: said in every place where a person meets a result or cites one."""

VERSION = "0.1.0"
NOTICE = "For research, not for decisions about a patient."
TITLE = "Alarmin: immunogenic cell death in spatially resolved tumors, virtual patients and virtual trials"
AUTHORS = "Alarmin contributors"
LICENSE = "MIT"
