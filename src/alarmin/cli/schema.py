"""`alarmin schema`: what a data file may hold, for editors that complete and check it."""

from enum import StrEnum
from typing import Annotated

import typer

from alarmin.cli.face import refusals


class Kind(StrEnum):
    """Kinds of data files that a user may write."""

    trial = "trial"
    agent = "agent"
    tumor = "tumor"
    population = "population"
    design = "design"


def schema(kind: Annotated[Kind, typer.Argument(help="Kind of file.")]) -> None:
    """Print the JSON Schema of a kind of data file.

    Example:  alarmin schema trial > trial.schema.json
    """
    with refusals():
        typer.echo(written(kind))


def written(kind: Kind) -> str:
    """The JSON Schema of a kind of file, made from the classes that read it."""
    import json

    from alarmin.design import Design
    from alarmin.records import Agent, Population, Trial, Tumor

    model = {"trial": Trial, "agent": Agent, "tumor": Tumor, "population": Population, "design": Design}[kind]
    found = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | model.model_json_schema()
    return json.dumps(found, indent=2)
