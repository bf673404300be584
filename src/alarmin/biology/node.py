"""The tumor-draining node and the blood: priming, division, memory and recall."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import Flow, Mechanism, Now, loss, parameter, signal, supply, transfer
from alarmin.numerics.response import hill


class Node(Mechanism):
    """Dendritic cells from all lesions prime precursors, which divide and enter the blood days later.

        supply(node_dc, sum over lesions of the integral of arrivals);   loss(node_dc, d_N);   h = node_dc/(node_dc + K)
        supply(precursors, k_r N_0);   loss(precursors, k_r + l);   transfer(precursors -> primed_early, k_p h)
        transfer(primed_early -> primed_late, k_n);   loss(primed_late, k_n)
        supply(blood_cd8, k_n primed_late 2^N),   N = N_0 + N_c c + N_h h(cd4),   c = 1/(1 + g CTLA-4)
        loss(blood_cd8, d_B (1 + blood_cd8/B) + l + E/V_B),   E = entry clearance summed over all lesions
        supply(memory, f blood_cd8 (1 - memory/M));   loss(memory, d_M + l/2 + k_m h)
        supply(primed_early, k_m h memory 2^-n (1 + r (1 - PD-1)))
        supply(lymphocytes, k_L);   loss(lymphocytes, k_L + l)

    l is the loss of lymphocytes to therapy. A memory cell that is recalled divides n times less often than a
    precursor, and more often where PD-1 is blocked. CTLA-4 and PD-1 stand for the shares that agents leave free.

    Reads:    dc_arrival, t_cell_entry, cd4, body states, effects ctla4_free, pd1_free, lymphodepletion
    Changes:  node_dc, precursors, primed_early, primed_late, blood_cd8, memory, lymphocytes
    Source:   records node_*, blood_*
    """

    dc_death: float = parameter(".dc_death", "1/day")
    dc_half: float = parameter(".dc_half", "Mcell")
    priming: float = parameter(".priming", "1/day")
    clones: float = parameter(".clones", "dimensionless")
    clone_size: float = parameter(".clone_size", "Mcell")
    renewal: float = parameter(".renewal", "1/day")
    stage: float = parameter(".stage", "1/day")
    divisions: float = parameter(".divisions", "dimensionless")
    divisions_cd28: float = parameter(".divisions_cd28", "dimensionless")
    divisions_help: float = parameter(".divisions_help", "dimensionless")
    help_half: float = parameter(".help_half", "Mcell/mL")
    ctla4_weight: float = parameter(".ctla4_weight", "dimensionless")
    recall: float = parameter(".recall", "1/day")
    recall_fewer: float = parameter(".recall_fewer", "dimensionless")
    recall_pd1: float = parameter(".recall_pd1", "dimensionless")
    memory_share: float = parameter(".memory_share", "1/day")
    memory_most: float = parameter(".memory_most", "Mcell")
    memory_death: float = parameter(".memory_death", "1/day")
    blood_death: float = parameter("blood_cd8_death", "1/day")
    blood_crowding: float = parameter("blood_cd8_crowding", "Mcell")
    blood_volume: float = parameter("blood_volume", "mL")
    lymphocyte_renewal: float = parameter("blood_lymphocyte_renewal", "1/day")

    @signal("dimensionless", off=0.5)
    def costimulation(self, now: Now) -> Any:
        """Costimulation through CD28 that CTLA-4 leaves, 1 where CTLA-4 is blocked fully [-]."""
        return 1.0 / (1.0 + self.ctla4_weight * now.product("ctla4_free"))

    @signal("dimensionless", off=0.0)
    def priming_divisions(self, now: Now) -> Any:
        """Divisions of a primed cell before it leaves the node [-]."""
        helped = hill(self.in_patient(now, now.cd4), self.help_half)
        return (
            self.divisions
            + self.divisions_cd28 * self.in_patient(now, now.costimulation)
            + self.divisions_help * helped
        )

    def in_patient(self, now: Now, value: Any) -> Any:
        """Volume mean over all lesions of the patient."""
        return now.over_lesions(now.integral(value)) / now.over_lesions(now.integral(1.0))

    def flows(self, now: Now) -> list[Flow]:
        met = hill(now.node_dc, self.dc_half)
        depletion = now.total("lymphodepletion")
        pd1 = self.in_patient(now, now.product("pd1_free"))
        recalled = self.recall * met
        boost = jnp.exp2(-self.recall_fewer) * (1.0 + self.recall_pd1 * (1.0 - pd1))
        leaving = now.over_lesions(now.integral(now.t_cell_entry)) / self.blood_volume
        room = jnp.maximum(1.0 - now.memory / self.memory_most, 0.0)
        return [
            supply("node_dc", now.over_lesions(now.integral(now.dc_arrival))),
            loss("node_dc", self.dc_death),
            supply("precursors", self.renewal * self.clones * self.clone_size),
            loss("precursors", self.renewal + depletion),
            transfer("precursors", "primed_early", self.priming * met),
            supply("primed_early", boost * recalled * now.memory),
            transfer("primed_early", "primed_late", self.stage),
            loss("primed_late", self.stage),
            supply("blood_cd8", self.stage * now.primed_late * jnp.exp2(now.priming_divisions)),
            loss("blood_cd8", self.blood_death * (1.0 + now.blood_cd8 / self.blood_crowding) + depletion + leaving),
            supply("memory", self.memory_share * now.blood_cd8 * room),
            loss("memory", self.memory_death + 0.5 * depletion + recalled),
            supply("lymphocytes", self.lymphocyte_renewal),
            loss("lymphocytes", self.lymphocyte_renewal + depletion),
        ]
