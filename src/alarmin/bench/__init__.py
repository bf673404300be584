"""How fast this machine computes, beside what it could do: one file for each thing measured."""

from alarmin.bench.ball import bench
from alarmin.bench.diffusion import bench_diffusion
from alarmin.bench.memory import triad
from alarmin.bench.reaction import bench_reaction
from alarmin.bench.volume import bench_volume

__all__ = ["bench", "bench_diffusion", "bench_reaction", "bench_volume", "triad"]
