"""`alarmin bench`: how fast this machine is, compilation apart."""

import os
from typing import Annotated

import typer

from alarmin.cli.face import AsJson, as_json, aside, out, refusals


def bench(
    peers: Annotated[
        bool, typer.Option("--peers", help="Instead, two years of a patient beside libRoadRunner's CVODE.")
    ] = False,
    diffusion: Annotated[bool, typer.Option(help="Diffusion and decay alone, in a cube of voxels.")] = False,
    json: AsJson = False,
) -> None:
    """Measure how fast this machine simulates lesions, and where the time goes.

    Example:  alarmin bench --json
    """
    with refusals():
        if peers:
            _beside_peers(json)
            return
        import jax

        from alarmin.bench import bench as measure
        from alarmin.bench import bench_diffusion

        if diffusion:
            with aside.status("Measuring"):
                volume = bench_diffusion()
            if json:
                as_json(volume)
                return
            out.print(f"memory {volume['stream_gb_per_s']:.1f} GB/s")
            for row in volume["diffusion"]:
                rate, share = row["voxel_field_steps_per_s"], row["share_of_bandwidth"]
                out.print(
                    f"{row['voxels']:9,} voxels × {row['fields']:2} {row['precision']}  {rate:14,.0f} /s {share:.0%}"
                )
            return
        with aside.status("Measuring (some minutes)"):
            found = measure()
        found |= {"cores": os.cpu_count(), "device": jax.devices()[0].platform, "jax": jax.__version__}
        if json:
            as_json(found)
            return
        out.print(f"lesion-steps a second   {found['lane_steps_per_s']:12,.0f}")
        out.print(f"unknown-steps a second  {found['unknown_steps_per_s']:12,.0f}")
        out.print(f"compilation             {found['compile_s']:12.1f} s")
        out.print(f"memory at most          {found['peak_memory_mb']:12,.0f} MB")
        out.print(f"{found['fields']} fields on {found['shells']} shells, {found['lanes']} lesions at a time, ", end="")
        out.print(f"{found['workers']} at once, {found['precision']}")
        out.print("phases: " + ", ".join(f"{name} {share:.0%}" for name, share in found["phases"].items()))
        out.print(f"{found['cores']} cores, {found['device']}, JAX {found['jax']}")


def _beside_peers(json: bool) -> None:
    from alarmin.exports.peers import against_roadrunner

    with aside.status("Measuring (some minutes)"):
        found = against_roadrunner()
    if json:
        as_json(found)
        return
    out.print(f"{found['regimen']}, {found['days']} days, {found['cores']} cores")
    out.print(
        f"libRoadRunner {found['roadrunner']}, well mixed, rtol {found['rtol']:g}  {found['roadrunner_s']:8.3f} s"
    )
    out.print(f"a lesion of {found['shells']} shells among {found['lanes']}          {found['alarmin_lane_s']:8.3f} s")
    out.print(f"a patient alone                         {found['alarmin_alone_s']:8.3f} s")
    out.print(f"ratio to libRoadRunner: {found['ratio']:.2f} in a chunk, {found['ratio_alone']:.2f} alone")
