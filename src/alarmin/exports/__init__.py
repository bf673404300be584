"""Files that other tools read: SBML and PEtab of a patient, tables of a trial, cells of a lesion."""

from alarmin.exports.adam import adam, export_adam
from alarmin.exports.cells import ball, box, export_cells, sample
from alarmin.exports.network import ExportError, Network, network
from alarmin.exports.patient import well_mixed
from alarmin.exports.petab import petab_files
from alarmin.exports.sbml import SbmlError, sbml

__all__ = [
    "well_mixed", "sbml", "network", "petab_files", "adam", "export_adam", "sample", "ball", "box", "export_cells",
    "Network", "ExportError", "SbmlError",
]  # fmt: skip
