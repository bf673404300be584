"""Tables of a trial in the manner of ADaM, that R's survival package and statisticians' programs read.

ADSL has a row a patient, ADTTE one a patient and time to event, ADRS one a scan and one for the best response, ADAE one
an adverse event. Names and labels are those of CDISC; columns are text, whole numbers or floats, and nothing else. Days
are study days: treatment starts on day 1, and there is no day 0.
"""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alarmin.exports.network import ExportError
from alarmin.results import read, write_files

if TYPE_CHECKING:
    import pandas as pd

LABELS = {
    "STUDYID": "Study Identifier",
    "USUBJID": "Unique Subject Identifier",
    "SUBJID": "Subject Identifier for the Study",
    "ARM": "Description of Planned Arm",
    "ARMCD": "Planned Arm Code",
    "TRT01P": "Planned Treatment for Period 01",
    "TRTP": "Planned Treatment",
    "TRTA": "Actual Treatment",
    "AGE": "Age",
    "AGEU": "Age Units",
    "ECOGBL": "Baseline ECOG Performance Status",
    "ALBBL": "Baseline Albumin (g/L)",
    "NLRBL": "Baseline Neutrophil-to-Lymphocyte Ratio",
    "NTLBL": "Baseline Number of Target Lesions",
    "SUMDIABL": "Baseline Sum of Diameters (mm)",
    "RANDDY": "Day of Randomization from First Patient In",
    "ITTFL": "Intent-To-Treat Population Flag",
    "PARAMCD": "Parameter Code",
    "PARAM": "Parameter",
    "AVAL": "Analysis Value",
    "AVALU": "Analysis Value Unit",
    "AVALC": "Analysis Value (C)",
    "CNSR": "Censor",
    "ADY": "Analysis Relative Day",
    "AVISIT": "Analysis Visit",
    "AVISITN": "Analysis Visit (N)",
    "SUMDIAM": "Sum of Diameters (mm)",
    "AEDECOD": "Dictionary-Derived Term",
    "AETOXGR": "Standard Toxicity Grade",
    "ASTDY": "Analysis Start Relative Day",
    "AEACN": "Action Taken with Study Treatment",
    "AEAGENT": "Agent to which the Event is Attributed",
    "AREL": "Analysis Causality",
}
"""Every variable with its label."""

PARAMETERS = {
    "PFS": "Progression-Free Survival (days)",
    "OS": "Overall Survival (days)",
    "DOR": "Duration of Response (days)",
    "OVRLRESP": "Overall Response by Investigator",
    "BOR": "Best Overall Response",
}
RESPONSES = {"CR": 1.0, "PR": 2.0, "SD": 3.0, "PD": 4.0, "NE": 5.0}
"""AVAL of a response, as is usual: the lower the better."""


def adam(tables: "Mapping[str, pd.DataFrame]", study: str) -> "dict[str, pd.DataFrame]":
    """ADSL, ADTTE, ADRS and, where adverse events were looked for, ADAE.

    Args:
        tables: `adsl`, `adtte`, `adrs` and perhaps `adae` of a trial (`TrialResult.tables`, in any case of letters).
        study: name of the trial.

    Raises `ExportError` where a table is missing.
    """
    given = {name.lower(): table for name, table in tables.items()}
    missing = {"adsl", "adtte", "adrs"} - given.keys()
    if missing:
        raise ExportError(
            f"no table {sorted(missing)[0]!r}", remedy="give the result or folder of a trial that was run"
        )
    found = {
        "ADSL": _adsl(given["adsl"], study),
        "ADTTE": _adtte(given["adtte"], study),
        "ADRS": _adrs(given["adrs"], study),
    }
    if "adae" in given:
        found["ADAE"] = _adae(given["adae"], study)
    return {name: _plain(table) for name, table in found.items()}


def export_adam(run: str | Path, folder: str | Path) -> Path:
    """Writes the tables of the trial run in the folder `run` (`alarmin trial … --out`) into a new folder.

    Each as `.parquet`, with labels in the metadata of its columns, and as `.csv`; `variables.csv` lists all variables
    with their labels.
    """
    stored = read(run)
    study = stored.provenance.subject.get("trial")
    if study is None:
        raise ExportError(f"{str(run)!r} is no run of a trial", remedy="give the folder of alarmin trial … --out")
    return write_files(folder, files(adam(stored.tables, study)) | {"provenance.json": stored.provenance.to_json()})


def files(tables: "Mapping[str, pd.DataFrame]") -> dict[str, bytes | str]:
    """The content of every file, by name."""
    found: dict[str, bytes | str] = {}
    rows = ["dataset,variable,label,type"]
    for name, table in tables.items():
        found[f"{name.lower()}.parquet"] = _parquet(table)
        found[f"{name.lower()}.csv"] = table.to_csv(index=False)
        kinds = {"i": "integer", "f": "float"}
        rows += [f'{name},{c},"{LABELS[c]}",{kinds.get(table[c].dtype.kind, "text")}' for c in table]
    return found | {"variables.csv": "\n".join(rows) + "\n"}


def _adsl(table: "pd.DataFrame", study: str) -> "pd.DataFrame":
    arms = {arm: number for number, arm in enumerate(dict.fromkeys(table["ARM"]), start=1)}
    named = {"ECOG": "ECOGBL", "ALB": "ALBBL", "NLR": "NLRBL", "LESIONS": "NTLBL", "SUMDIAM": "SUMDIABL"}
    found = _study(table.rename(columns=named), study).assign(
        SUBJID=table["USUBJID"].str.rpartition("-")[2],
        ARMCD=[f"A{arms[arm]}" for arm in table["ARM"]],
        TRT01P=table["ARM"],
        AGEU="YEARS",
        ITTFL="Y",
        RANDDY=np.floor(table["RANDDY"]).astype(int) + 1,
    )
    return found.loc[:, [name for name in LABELS if name in found and name not in ("TRTP", "TRTA")]]


def _adtte(table: "pd.DataFrame", study: str) -> "pd.DataFrame":
    found = _study(table, study).assign(PARAM=table["PARAMCD"].map(PARAMETERS.get), TRTP=table["ARM"], AVALU="DAYS")
    return found.loc[:, ["STUDYID", "USUBJID", "TRTP", "PARAMCD", "PARAM", "AVAL", "AVALU", "CNSR"]]


def _adrs(table: "pd.DataFrame", study: str) -> "pd.DataFrame":
    import pandas as pd

    code = table["PARAMCD"].replace({"BESTRESP": "BOR"})
    scan = code == "OVRLRESP"
    number = table[scan].groupby("USUBJID").cumcount() + 1
    visit = pd.Series(0, table.index).mask(scan, number.reindex(table.index, fill_value=0))
    found = _study(table, study).assign(
        PARAMCD=code,
        PARAM=code.map(PARAMETERS.get),
        TRTP=table["ARM"],
        AVAL=table["AVALC"].map(RESPONSES.get),
        AVISITN=visit,
        AVISIT=["Best response" if n == 0 else f"Scan {n}" for n in visit],
        ADY=np.floor(table["ADY"]) + 1.0,
    )
    columns = "STUDYID USUBJID TRTP PARAMCD PARAM AVISIT AVISITN ADY AVALC AVAL SUMDIAM"
    return found.loc[:, columns.split()]


def _adae(table: "pd.DataFrame", study: str) -> "pd.DataFrame":
    found = _study(table.rename(columns={"AGENT": "AEAGENT"}), study).assign(TRTA=table["ARM"], AREL="RELATED")
    return found.loc[:, ["STUDYID", "USUBJID", "TRTA", "AEDECOD", "AETOXGR", "ASTDY", "AEAGENT", "AEACN", "AREL"]]


def _study(table: "pd.DataFrame", study: str) -> "pd.DataFrame":
    return table.assign(STUDYID=study)


def _plain(table: "pd.DataFrame") -> "pd.DataFrame":
    """Whole numbers in 32 bits, which R takes as integers; floats; text."""
    kinds = {"i": "int32", "u": "int32", "b": "int32", "f": "float64"}
    types = {name: kinds.get(table[name].dtype.kind, "object") for name in table}
    return table.astype(types).reset_index(drop=True)


def _parquet(table: "pd.DataFrame") -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = pa.Table.from_pandas(table, preserve_index=False)
    fields = [
        (pa.field(item.name, pa.string()) if item.type in (pa.null(), pa.large_string()) else item).with_metadata(
            {"label": LABELS[item.name]}
        )
        for item in found.schema
    ]
    found = found.cast(pa.schema(fields, {"labels": json.dumps({name: LABELS[name] for name in table})}))
    target = io.BytesIO()
    pq.write_table(found, target)
    return target.getvalue()
