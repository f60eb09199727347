"""``fxlstm spice``: netlists for a circuit simulator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fxlstm.app.console import Json, print_json

app = typer.Typer(no_args_is_help=True, help="Write netlists for ngspice.")


@app.command(epilog="Example: fxlstm spice array state.npz -o array.cir && ngspice -b array.cir")
def array(
    state: Annotated[Path, typer.Argument(metavar="STATE.npz", help="A simulated array, written by its save().")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="ARRAY.cir", help="Where the netlist goes.")],
    volts: Annotated[Path | None, typer.Option(metavar="V.npy", help="Driver voltages, one per row; by default all read.")] = None,
    as_json: Json = False,
) -> None:
    """Write the cells and wires of a simulated array as a netlist; ngspice answers with the columns' currents."""
    from fxlstm.app.files import load_array
    from fxlstm.circuits.netlist import array_netlist
    from fxlstm.crossbar.simulated import SimulatedArray
    from fxlstm.files import write_whole

    simulated = SimulatedArray.load(state)
    row_volts = simulated.hardware.read_voltage if volts is None else load_array(volts)
    netlist = array_netlist(simulated.conductance, simulated.wires, row_volts)
    write_whole(output, lambda file: file.write(netlist.encode()))
    if as_json:
        print_json({"output": str(output), "rows": simulated.rows, "columns": simulated.columns})
