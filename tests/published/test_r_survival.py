"""Published: survival statistics agree with R's package survival to 1e-6, one trial at a time and many at once.

Needs `Rscript` with that package (Debian: r-cran-survival), and is skipped without it.
"""

import json
import shutil
import subprocess

import numpy as np
import pytest

from alarmin.trials import resampling, statistics

pytestmark = pytest.mark.slow

UNTIL = {"veteran": 200.0, "lung": 500.0, "tied": 6.0}
CLOSE = {"rel": 1e-6, "abs": 1e-9}

# Of each data set in turn: the data themselves, and what R makes of them. Times of `tied` are whole numbers.
SCRIPT = r"""
suppressMessages(library(survival))
set.seed(1)
sets <- list(
  veteran = with(veteran, data.frame(time = time, event = status == 1, first = trt == 2, other = age)),
  lung = with(lung, data.frame(time = time, event = status == 2, first = sex == 2, other = age)),
  tied = data.frame(time = ceiling(rexp(300, 0.2)), event = runif(300) < 0.7, first = rep(c(TRUE, FALSE), 150),
                    other = round(rnorm(300), 1)))
until <- c(veteran = 200, lung = 500, tied = 6)
digits <- function(x) ifelse(is.na(x), "null", sprintf("%.17g", as.numeric(x)))
numbers <- function(x) paste0("[", paste(digits(x), collapse = ","), "]")
one <- function(name) {
  data <- sets[[name]]
  curve <- survfit(Surv(time, event) ~ 1, data, conf.type = "log-log")
  exact <- coxph.control(eps = 1e-12, iter.max = 50)
  efron <- coxph(Surv(time, event) ~ first, data, control = exact)
  breslow <- coxph(Surv(time, event) ~ first, data, ties = "breslow", control = exact)
  both <- coxph(Surv(time, event) ~ first + other, data, control = exact)
  test <- survdiff(Surv(time, event) ~ first, data)
  peto <- survdiff(Surv(time, event) ~ first, data, rho = 1)
  mean <- summary(curve, rmean = until[[name]])$table
  found <- list(time = data$time, event = data$event, first = data$first, other = data$other,
    at = curve$time, survival = curve$surv, low = curve$lower, high = curve$upper,
    median = quantile(curve, 0.5)$quantile, median_low = quantile(curve, 0.5)$lower,
    median_high = quantile(curve, 0.5)$upper,
    score = test$obs[2] - test$exp[2], variance = test$var[2, 2], chisq = test$chisq, weighted = peto$chisq,
    efron = c(coef(efron), sqrt(diag(vcov(efron)))), breslow = c(coef(breslow), sqrt(diag(vcov(breslow)))),
    both = c(coef(both), sqrt(diag(vcov(both)))), rmst = mean[c("rmean", "se(rmean)")])
  paste0("\"", name, "\":{", paste0("\"", names(found), "\":", sapply(found, numbers), collapse = ","), "}")
}
cat("{", paste(sapply(names(sets), one), collapse = ","), "}", sep = "")
"""


@pytest.fixture(scope="module")
def r():
    """What R says, by data set and name."""
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed; on Debian: apt-get install r-cran-survival")
    done = subprocess.run(["Rscript", "-e", SCRIPT], capture_output=True, text=True, timeout=120)
    if "there is no package called" in done.stderr:
        pytest.skip("R has no package survival; on Debian: apt-get install r-cran-survival")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return {set: {k: np.array(v, float) for k, v in numbers.items()} for set, numbers in found.items()}


@pytest.fixture(params=UNTIL)
def one(request, r):
    """One data set: time, event, whether in the first arm, what R says, and until when means are restricted."""
    told = r[request.param]
    return told["time"], told["event"] == 1.0, told["first"] == 1.0, told, UNTIL[request.param]


def test_kaplan_meier_and_median(one):
    time, event, _, told, _ = one
    for at, survival, low, high in zip(told["at"], told["survival"], told["low"], told["high"], strict=True):
        found = statistics.survival_at(time, event, at)
        assert found.value == pytest.approx(survival, **CLOSE)
        if 0.0 < survival < 1.0:
            assert (found.low, found.high) == pytest.approx((low, high), **CLOSE)
    found = statistics.median(time, event)
    assert (found.value, found.low, found.high) == pytest.approx(
        (*told["median"], *told["median_low"], *told["median_high"])
    )
    many = resampling.curves(time[None], event[None])
    assert [many.at(at)[0] for at in told["at"]] == pytest.approx(told["survival"], **CLOSE)
    assert many.quantile(0.5)[0] == told["median"][0]


def test_log_rank_with_ties(one):
    time, event, first, told, _ = one
    z, _ = statistics.log_rank(time, event, first)
    assert z == pytest.approx(told["score"][0] / told["variance"][0] ** 0.5, **CLOSE)
    assert z**2 == pytest.approx(told["chisq"][0], **CLOSE)
    score, variance = resampling.log_ranks(time[None], event[None], first[None], ((0.0, 0.0), (1.0, 0.0)))
    assert score[0, 0] == pytest.approx(-told["score"][0], **CLOSE)
    assert variance[0, 0, 0] == pytest.approx(told["variance"][0], **CLOSE)
    assert score[0, 1] ** 2 / variance[0, 1, 1] == pytest.approx(told["weighted"][0], **CLOSE)


def test_cox_with_ties(one):
    time, event, first, told, _ = one
    effect, error = told["efron"]
    found = statistics.cox(time, event, first)
    assert np.log([found.hr, found.low, found.high]) == pytest.approx(
        effect + np.array([0.0, -1.0, 1.0]) * statistics.Z * error, **CLOSE
    )
    many = resampling.cox(time[None], event[None], first[None])
    assert (many[0][0], many[1][0]) == pytest.approx((effect, error), **CLOSE)
    breslow = resampling.hazard_ratios(time[None], event[None], first)[0][0]
    assert np.log(breslow) == pytest.approx(told["breslow"][0], **CLOSE)
    both = statistics.cox_effects(time, event, np.stack([first, told["other"]], axis=1))
    assert both is not None
    # Lifelines stops where the likelihood hardly rises, which is a little before its maximum.
    assert np.abs((np.concatenate(both) - told["both"]) / np.tile(told["both"][2:], 2)).max() < 1e-3


def test_restricted_mean(one):
    time, event, _, told, until = one
    mean, error = told["rmst"]
    found = statistics.restricted_mean(time, event, until)
    assert found.value == pytest.approx(mean, **CLOSE)
    assert (found.high - found.value) / statistics.Z == pytest.approx(error, **CLOSE)
    many = resampling.restricted_means(time[None], event[None], until)
    assert (many[0][0], many[1][0] ** 0.5) == pytest.approx((mean, error), **CLOSE)


def test_another_way_with_ties_would_be_noticed(r):
    """The companion: Breslow's and Efron's estimates differ by far more than the tolerance where there are ties."""
    for name in ("lung", "tied"):
        assert abs(r[name]["efron"][0] - r[name]["breslow"][0]) > 1e-5
