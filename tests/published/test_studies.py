"""Trust: what was published is stored whole: read strictly, said once, and consistent."""

import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from alarmin.published import audit, discrepancies, studies, study
from alarmin.published.loader import PublishedError
from alarmin.published.schema import Study
from alarmin.records import trials
from alarmin.units import UnitError

STUDIES = {
    "IMPOWER150": "impower150", "HALO202": "halo202", "HALO301": "halo301", "PEGPH20_AVELUMAB": "pegph20_avelumab",
    "CABIRALIZUMAB_NIVO": "cabiralizumab_nivolumab", "ARRY382_PEMBRO": "arry382_pembrolizumab",
    "MASTERKEY265": "masterkey265", "SARC021": "sarc021", "PEMBRORT": "pembro_rt", "EVO_SORAFENIB": "n1135",
    "OLECLUMAB": "oleclumab_durvalumab", "ISATUXIMAB_CEMI": "isatuximab_cemiplimab",
    "MOGA_NIVO_PREOP": "mogamulizumab_nivolumab", "CRLX101_OLAPARIB": "crlx101_olaparib",
    "PEMBRO_FOLFOX": "pembrolizumab_mfolfox6", "PD1_AG_PDAC": "antipd1_ag", "RADVAX": "radvax", "LTX315": "ltx315",
    "IDO_PDL1_VACCINE": "ido_vaccine", "TH302_DOX_P2": "th302_doxorubicin",
    "APX005M_CABIRA": "apx005m_cabiralizumab",
}  # fmt: skip
"""Studies of the review by their ids in the collected evidence."""

BENCHMARKS = {
    "KN006": "keynote006", "KN001_MEL": "keynote001_melanoma", "KN001_NSCLC": "keynote001", "KN024": "keynote024",
    "KN021G": "keynote021g", "E4599": "e4599", "MPACT": "mpact", "S1313": "s1313", "DURVA_PDAC": "durvalumab_pdac",
    "OPTIM": "optim", "GEDDIS": "geddis", "CM067": "checkmate067",
}  # fmt: skip

ARMS = {
    "COMBO": "CN", "P1B": "AP_P1B", "P2": "AP", "TVEC_PEMBRO": "TP", "PBO_PEMBRO": "PP", "PHASE1B": "TP_P1B",
    "DOX_EVO": "ED", "DOX": "D", "SBRT_PEMBRO": "RP", "PEMBRO": "P", "CRPC": "IC_CRPC", "AB": "L", "C": "LI",
    ("OLECLUMAB", "CRC"): "OD_CRC", ("OLECLUMAB", "PDAC"): "OD_PDAC", ("OLECLUMAB", "NSCLC"): "OD_NSCLC",
    ("ISATUXIMAB_CEMI", "NSCLC"): "IC_NSCLC", ("LTX315", "D"): "LP",
}  # fmt: skip
"""Arms whose name in the evidence differs; those not listed have the same, or are the only one."""

EVIDENCE = Path(__file__).parents[2].parent / "shared" / "reference" / "evidence.json"


@pytest.fixture(scope="module")
def evidence():
    if not EVIDENCE.is_file():
        pytest.skip("the collected evidence is not here")
    return json.loads(EVIDENCE.read_text())


MINIMAL = {
    "name": "x",
    "title": "x",
    "role": "training",
    "tumor": "nsclc",
    "line": "first",
    "arms": [
        {
            "name": "a",
            "patients": 10,
            "endpoints": [
                {"endpoint": "orr", "value": 20, "unit": "percent", "source": "s", "where": "w", "status": "read"}
            ],
        }
    ],
    "sources": {"s": {"title": "s"}},
}


@pytest.mark.parametrize("name", studies())
def test_medians_lie_where_the_curve_passes_one_half(name):
    for arm in study(name).arms:
        known = {item.endpoint: item for item in arm.reported()}
        for kind in ("pfs", "os"):
            if f"median_{kind}" not in known:
                continue
            median = known[f"median_{kind}"].to("month")
            for month in (3, 6, 12, 18, 24):
                point = known.get(f"{kind}_at_{month}")
                if point is None:
                    continue
                share = point.to("dimensionless")
                if month <= median - 1:
                    assert share > 0.47, (arm.name, kind, month)
                if month >= median + 1:
                    assert share < 0.53, (arm.name, kind, month)


@pytest.mark.parametrize("name", studies())
def test_intervals_hold_their_values(name):
    for arm in study(name).arms:
        for item in arm.reported():
            assert item.low is None or item.low <= item.value
            assert item.high is None or item.value <= item.high
    for contrast in study(name).contrasts:
        assert contrast.low is None or contrast.low <= contrast.hr
        assert contrast.high is None or contrast.hr <= contrast.high


@pytest.mark.parametrize("name", sorted(studies().keys() & trials().keys()))
def test_arms_are_those_of_the_trial_file(name):
    found, plan = study(name), trials()[name]
    for arm in plan.arms:
        reported = found.arm(arm.name)
        assert reported is not None, arm.name
        assert reported.patients in (None, arm.patients), arm.name
    assert found.line == plan.line


def test_every_trial_file_has_a_publication():
    assert trials().keys() <= studies().keys()


def test_what_is_scored_is_not_for_training():
    assert set(STUDIES.values()) - {"s1313"} <= {name for name, found in studies().items() if found.role == "scoring"}
    assert not {"oak", "poplar", "beyond", "e4599", "keynote006", "mpact"} & set(STUDIES.values())


def test_no_training_study_shares_patients_with_a_scored_one():
    for name, found in studies().items():
        for other in found.shares_patients_with:
            assert name in study(other).shares_patients_with
            assert "training" not in (found.role, study(other).role)


def test_the_errors_of_the_review_are_kept_apart_from_the_sources():
    found = study("impower150")
    assert {item.audit for item in found.discrepancies} == {"A01", "A02", "A03", "A04"}
    rates = [item for arm in found.arms for item in arm.endpoints if item.endpoint == "pfs_at_6"]
    assert rates
    assert not any(item.compare for item in rates)
    assert "pfs_at_6" not in {item.endpoint for arm in found.arms for item in arm.reported()}
    agents = {arm.name: set(arm.title.split(", ")) for arm in found.arms}
    assert agents["ABCP"] - agents["BCP"] == {"atezolizumab"}
    assert agents["ABCP"] - agents["ACP"] == {"bevacizumab"}


def test_an_unknown_study_is_refused_by_name():
    with pytest.raises(PublishedError, match="impower150"):
        study("impower15")


def changed(**changes):
    entry = dict(MINIMAL["arms"][0]["endpoints"][0], **changes)
    return MINIMAL | {"arms": [MINIMAL["arms"][0] | {"endpoints": [entry]}]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (changed(value="many"), "valid number"),
        (changed(unit="furlong"), "cannot be converted"),
        (changed(unit="percents of all"), "not understood"),
        (changed(endpoint="overall"), "Input should be"),
        (changed(source="nobody"), "nobody"),
        (changed(quality=1), "Extra inputs"),
        (
            MINIMAL | {"arms": [MINIMAL["arms"][0] | {"endpoints": MINIMAL["arms"][0]["endpoints"] * 2}]},
            "several values",
        ),
    ],
)
def test_a_broken_file_is_refused(content, said):
    Study.model_validate(MINIMAL)
    with pytest.raises((ValidationError, UnitError), match=said):
        Study.model_validate(content)


def parts(name):
    """The study, and those that hold another part of the same patients."""
    found = study(name)
    return [found, *(study(other) for other in found.shares_patients_with)]


def arm_of(id, name, found):
    wanted = ARMS.get((id, name), ARMS.get(name, name))
    return found.arm(wanted) or (found.arms[0] if len(found.arms) == 1 else None)


def numbers(arm):
    """Every number that is stored of an arm with its interval, words included."""
    stored = [(item.value, item.low, item.high) for item in arm.endpoints]
    stored += [(item.value, None, None) for item in arm.events]
    return stored, " ".join(item.text for item in arm.findings)


def missing(entry, name):
    """Values of one study of the evidence that its file does not hold."""
    lost = []
    for arm in entry["arms"]:
        held = [numbers(found) for part in parts(name) if (found := arm_of(entry["id"], arm["id"], part))]
        for key, item in (arm["endpoints"] | arm["adverse_events"]).items():
            value, (low, high) = item["value"], item.get("ci95") or (None, None)
            if isinstance(value, str):
                there = any(value in text for _, text in held)
            else:
                exact = [value_ for values, _ in held for value_ in values if value_[0] == value]
                there = any((low, high) in ((None, None), stored[1:]) for stored in exact)
                there = there or any(re.search(rf"\b{value}\b", text) for _, text in held)
            if not there:
                lost.append((arm["id"], key, value))
    return lost


@pytest.mark.parametrize("id", STUDIES)
def test_every_value_of_the_evidence_is_stored(evidence, id):
    entry = next(item for item in evidence["studies"] if item["id"] == id)
    assert missing(entry, STUDIES[id]) == []


def test_a_value_that_differs_is_missed(evidence):
    entry = json.loads(json.dumps(next(item for item in evidence["studies"] if item["id"] == "HALO301")))
    entry["arms"][0]["endpoints"]["OS_median"]["value"] += 0.1
    assert missing(entry, "halo301") == [("PAG", "OS_median", entry["arms"][0]["endpoints"]["OS_median"]["value"])]


def test_every_study_of_the_evidence_is_accounted_for(evidence):
    assert {item["id"] for item in evidence["studies"]} == set(STUDIES)
    assert {item["id"] for item in evidence["benchmarks"]} == set(BENCHMARKS)
    for item in evidence["studies"]:
        registered = study(STUDIES[item["id"]]).nct
        assert registered == (None if "unverified" in item["nct"] else item["nct"])


def test_every_hazard_ratio_of_the_evidence_is_stored(evidence):
    for item in evidence["calibration_hr"]:
        held = [
            (contrast.endpoint, contrast.hr, contrast.low, contrast.high)
            for part in parts(STUDIES[item["study"]])
            for contrast in part.contrasts
        ]
        assert (item["endpoint"].lower(), item["hr"], *item["ci95"]) in held, item


def test_every_number_of_a_benchmark_is_stored(evidence):
    for item in evidence["benchmarks"]:
        text = study(BENCHMARKS[item["id"]]).model_dump_json()
        held = {float(number) for number in re.findall(r"\d*\.?\d+", text)}
        for key, value in item["values"].items():
            said = f"{value['value']} {value.get('ci95') or ''}"
            for number in re.findall(r"(?<![\w.])\d*\.?\d+(?![\w])", said):
                assert float(number) in held, (item["id"], key, number)


def test_every_claim_of_the_review_stands_with_its_study(evidence):
    wanted = {item["id"] for item in evidence["quantitative_claims"] if item["study"] in STUDIES}
    assert {claim.id for found in studies().values() for claim in found.claims} == wanted


def test_every_finding_of_the_audit_is_stored(evidence):
    found = {item.audit: item for item in audit()}
    assert list(found) == [item["id"] for item in evidence["audit"]]
    for item in evidence["audit"]:
        stored = found[item["id"]]
        assert stored.severity == item["severity"]
        assert stored.established == item["status"].startswith("established")
        for place, where in zip(stored.places, item["where"], strict=True):
            assert f"line {where['line']}" in place


def test_each_contradiction_names_both_places():
    for item in audit():
        assert all(place.strip() for place in (*item.places, *item.against))
        assert item.claim != item.finding
    assert {item.audit for item in discrepancies("masterkey265")} >= {"A17", "A18", "A36"}


def test_every_scored_value_has_a_source_and_a_place():
    for found in studies().values():
        for arm in found.arms:
            for item in arm.reported():
                assert item.where.strip()
                assert found.sources[item.source].title
        for contrast in found.contrasts:
            assert contrast.where.strip()


@pytest.mark.parametrize("name", sorted(STUDIES.values()))
def test_what_was_not_read_is_not_compared(name):
    for arm in study(name).arms:
        assert all(item.status == "read" for item in arm.reported())
