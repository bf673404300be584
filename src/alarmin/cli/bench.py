"""`alarmin bench`: how fast this machine is, compilation apart."""

import os
from typing import Annotated, Any

import typer

from alarmin.cli.face import AsJson, as_json, aside, out, refusals
from alarmin.errors import AlarminError

Found = dict[str, Any]


def bench(
    peers: Annotated[
        bool, typer.Option("--peers", help="Instead, two years of a patient beside libRoadRunner's CVODE.")
    ] = False,
    diffusion: Annotated[
        bool,
        typer.Option("--diffusion", help="Instead, diffusion alone in a cube: implicit, and explicit with reactions."),
    ] = False,
    volume: Annotated[
        bool, typer.Option("--volume", help="Instead, the whole step of a lesion in a cube of 64 voxels a side.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Measure how fast this machine simulates lesions, and where the time goes.

    Example:  alarmin bench --json
    """
    with refusals():
        if sum((peers, diffusion, volume)) > 1:
            raise AlarminError(
                "more than one of --peers, --diffusion and --volume", remedy="measure one thing at a time"
            )
        instead = ((peers, PEERS), (diffusion, CUBE), (volume, VOLUME))
        measure, show = next((chosen for asked, chosen in instead if asked), BALL)
        with aside.status("Measuring (some minutes)"):
            found = measure()
        if json:
            as_json(found)
        else:
            show(found)


def _ball() -> Found:
    import jax

    from alarmin.bench import bench as measure

    return measure() | {"cores": os.cpu_count(), "device": jax.devices()[0].platform, "jax": jax.__version__}


def _show_ball(found: Found) -> None:
    out.print(f"lesion-steps a second   {found['lane_steps_per_s']:12,.0f}")
    out.print(f"unknown-steps a second  {found['unknown_steps_per_s']:12,.0f}")
    out.print(f"compilation             {found['compile_s']:12.1f} s")
    out.print(f"memory at most          {found['peak_memory_mb']:12,.0f} MB")
    out.print(f"{found['fields']} fields on {found['shells']} shells, {found['lanes']} lesions at a time, ", end="")
    out.print(f"{found['workers']} at once, {found['precision']}")
    out.print(f"of what the processor can   {found['of_peak']:8.0%}")
    out.print(f"the state, of the triad     {found['of_bandwidth']:8.0%}")
    parts = (f"{name} {part['share']:.0%} ({part['of_peak']:.0%})" for name, part in found["phases"].items())
    out.print("phases, share of time (of what the processor can): " + ", ".join(parts))
    out.print(f"{found['cores']} cores, {found['device']}, JAX {found['jax']}")


def _peers() -> Found:
    from alarmin.exports.peers import against_roadrunner

    return against_roadrunner()


def _show_peers(found: Found) -> None:
    out.print(f"{found['regimen']}, {found['days']} days, {found['cores']} cores")
    out.print(
        f"libRoadRunner {found['roadrunner']}, well mixed, rtol {found['rtol']:g}  {found['roadrunner_s']:8.3f} s"
    )
    out.print(f"a lesion of {found['shells']} shells among {found['lanes']}          {found['alarmin_lane_s']:8.3f} s")
    out.print(f"a patient alone                         {found['alarmin_alone_s']:8.3f} s")
    out.print(f"ratio to libRoadRunner: {found['ratio']:.2f} in a chunk, {found['ratio_alone']:.2f} alone")


def _cube() -> Found:
    from alarmin.bench import bench_diffusion, bench_reaction

    return bench_diffusion() | bench_reaction()


def _show_cube(found: Found) -> None:
    out.print("implicit diffusion and decay")
    for row in found["diffusion"]:
        rate, share = row["voxel_field_steps_per_s"], row["share_of_bandwidth"]
        out.print(
            f"{row['voxels']:9,} voxels × {row['fields']:2} {row['precision']}  {rate:14,.0f} /s "
            f"{share:.0%} of {row['triad_gb_per_s']:.1f} GB/s"
        )
    out.print("explicit diffusion and reaction")
    for row in found["reaction"]:
        shape, rate = " × ".join(map(str, row["shape"])), row["voxel_field_steps_per_s"]
        out.print(
            f"{shape} × {row['fields']} {row['precision']}  {rate:14,.0f} /s, started in {row['compile_s']:.1f} s"
        )


def _volume() -> Found:
    from alarmin.bench import bench_volume

    return bench_volume()


def _show_volume(found: Found) -> None:
    out.print(f"a step of {found['voxels']:,} voxels × {found['fields']} fields   {found['step_s']:.3f} s")
    floors = f"memory {found['bandwidth_floor_s']:.4f} s, arithmetic {found['arithmetic_floor_s']:.4f} s"
    once = f"{found['times_floor_once']:.1f} where iterations count once"
    out.print(f"floors: {floors}; {found['times_floor']:.1f} times the larger, {once}")
    out.print(f"state {found['state_mb']:.0f} MB, with the step {found['times_state']:.1f} times as much")
    out.print(f"the pieces of a step read and write {found['traffic_mb'] / 1e3:.1f} GB, as the compiler counts")
    parts = (f"{name} {part['s']:.3f} s ({part['of_peak']:.0%})" for name, part in found["phases"].items())
    out.print("phases (of what the processor can): " + ", ".join(parts))


BALL, PEERS, CUBE, VOLUME = (_ball, _show_ball), (_peers, _show_peers), (_cube, _show_cube), (_volume, _show_volume)
"""What is measured, and how it is shown."""
