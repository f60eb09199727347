"""Programming campaigns: a target map onto the array by a scheme that runs on the board, resumable after any cut."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.board.driver import Driver
from fxlstm.board.messages import pack, records
from fxlstm.board.protocol import CAMPAIGN_STATES, MESSAGE_BY_NAME, NO_CHIP, RECORDS
from fxlstm.board.transfer import send_object
from fxlstm.core._core import crc32
from fxlstm.errors import BoardError, from_status
from fxlstm.program.mapping import LEAVE
from fxlstm.program.programming_report import ProgrammingReport, Progress
from fxlstm.program.scheme import code_siemens, target_codes
from fxlstm.program.scheme_parameters import SCHEME_KINDS, Scheme

POLL = 0.05  # seconds between two looks at the board; far below its dead-man time
RESTARTS = 5  # times in a row, without a cell done in between, that a campaign silenced by the dead-man is resumed
_STATE_NAMES = {code: name for name, code in CAMPAIGN_STATES.items()}


@dataclass(frozen=True)
class CampaignReport(ProgrammingReport):
    """A :class:`ProgrammingReport` from a board, with what this call did.

    ``resumed``: the board went on with an earlier campaign for the same targets. ``seconds`` it ran by the board's clock.
    """

    resumed: bool = False


def run_campaign(driver: Driver, targets: NDArray[np.uint16], scheme: Scheme, progress: Progress | None = None) -> CampaignReport:
    """Bring every cell to its target (rows, columns; conductance units above the scheme's base, ``LEAVE`` leaves it alone).

    ``progress`` is told cells times the scheme's passes. The device keeps the state of every cell: after a cut, the same call goes
    on, also in a new process.
    """
    image = targets.astype("<u2").tobytes()
    pulses_before = _cells(driver, targets)["pulses"].astype(np.int64)
    logged = _log_start(driver, targets, scheme, crc32(image))
    ran_before = driver.link.request("campaign_status")["milliseconds"]
    resumed = _start(driver, image, scheme)
    status = _follow(driver, crc32(image), scheme.passes, progress)
    cells = _cells(driver, targets)
    if driver.log:
        driver.log.add("campaign_results", campaign=logged, resumed=resumed, status=status, cells=cells)
    _raise_unless_finished(driver, status)
    pulses = cells["pulses"] - pulses_before
    seconds = (status["milliseconds"] - (ran_before if resumed else 0)) / 1000
    return _report(driver, targets, scheme, cells, pulses=pulses, seconds=seconds, resumed=resumed)


def _start(driver: Driver, image: bytes, scheme: Scheme) -> bool:
    """Start the campaign, or join it when it runs already with this scheme; return whether it goes on from before."""
    link, crc = driver.link, crc32(image)
    status = link.request("campaign_status")
    if status["state"] == CAMPAIGN_STATES["running"]:
        if status["target_crc"] == crc and _runs_by(driver, scheme):
            return True
        link.request("campaign_stop")
    send_object(link, "target", image)
    link.request("campaign_scheme", **scheme_message(scheme))
    return bool(link.request("campaign_start", target_crc=crc)["resumed"])


def scheme_message(scheme: Scheme) -> dict[str, Any]:
    """Return the fields of ``campaign_scheme`` that say what a scheme says."""
    fields = asdict(scheme)
    common = {field.name: fields[field.name] for field in MESSAGE_BY_NAME["campaign_scheme"].request if field.name in fields}
    own = {name: value for name, value in fields.items() if name not in common}
    if scheme.kind not in SCHEME_KINDS:
        raise BoardError(f"a programming scheme of type {type(scheme).__name__}; make one by programming_scheme()")
    ladders = [_packed("ladder", own.pop(name)) for name in ("up", "down") if name in own]
    parameters = _packed(f"{scheme.kind}_scheme", own) + b"".join(ladders)
    return {"kind": SCHEME_KINDS[scheme.kind], **common, "parameters": parameters}


def _packed(record: str, values: dict[str, Any]) -> bytes:
    return pack(record, RECORDS[record], values)


def _runs_by(driver: Driver, scheme: Scheme) -> bool:
    """Whether the running campaign has this scheme; the board takes no other while it runs, and any once it has ended."""
    try:
        driver.link.request("campaign_scheme", **scheme_message(scheme))
    except BoardError:
        return False
    return bool(driver.link.request("campaign_status")["state"] == CAMPAIGN_STATES["running"])


def _follow(driver: Driver, crc: int, passes: int, progress: Progress | None) -> dict[str, Any]:
    """Watch the campaign until it ends, resuming it when the board's dead-man stopped it; return its last status."""
    restarts, done_before = 0, -1
    while True:
        status = driver.link.request("campaign_status")
        done = status["passes_before"] * status["cells"] + status["in_tolerance"] + status["gave_up"]
        if done > done_before:
            restarts, done_before = 0, done
        if progress:
            progress(done, status["cells"] * passes)
        if status["state"] == CAMPAIGN_STATES["silenced"] and restarts < RESTARTS:
            restarts += 1
            driver.link.request("campaign_start", target_crc=crc)
        elif status["state"] != CAMPAIGN_STATES["running"]:
            return status
        driver.link.listen(POLL)


def _cells(driver: Driver, targets: NDArray[np.uint16]) -> NDArray[np.void]:
    """Return the board's record of every cell, (rows, columns); rows without a target are not asked for and stay zero."""
    rows = [int(row) for row in np.flatnonzero((targets != LEAVE).any(axis=1))]
    answers = driver.link.requests([("campaign_cells", {"row": row}) for row in rows])
    cells = np.zeros(targets.shape, records("cell_state", b"").dtype)
    for row, answer in zip(rows, answers, strict=True):
        cells[row] = records("cell_state", answer["cells"])
    return cells


def _log_start(driver: Driver, targets: NDArray[np.uint16], scheme: Scheme, crc: int) -> int:
    """Say what is to be done before it is, so that no pulse goes unrecorded."""
    if not driver.log:
        return 0
    rows, columns = targets.shape
    parameters = {"kind": scheme.kind, **asdict(scheme)}
    campaign = {"target_crc": crc, "rows": rows, "columns": columns, "scheme": parameters, "target": targets}
    return driver.log.add("campaigns", session=driver.session, **campaign)


def _raise_unless_finished(driver: Driver, status: dict[str, Any]) -> None:
    state = _STATE_NAMES.get(status["state"], str(status["state"]))
    if state == "failed":
        chip = "" if status["chip"] == NO_CHIP else f" at chip select {status['chip']}"
        raise from_status(status["status"], f"the campaign on {driver.info.url} failed{chip} after {status['pulses']} pulses")
    if state != "finished":
        raise BoardError(
            f"the campaign on {driver.info.url} is {state} with {status['in_tolerance']} of {status['cells']} cells in tolerance; "
            "program again to resume it"
        )


def _report(driver: Driver, targets: NDArray[np.uint16], scheme: Scheme, cells: NDArray[np.void], **counts: Any) -> CampaignReport:
    codes = cells["code"].astype(np.int64)
    wanted = target_codes(targets.astype(np.int64), scheme, driver.hardware)
    measured = targets != LEAVE
    return CampaignReport(
        state=cells["state"].astype(np.uint8),
        cycles=cells["cycles"].astype(np.int64),
        reading=np.where(measured, code_siemens(codes, scheme.range, driver.hardware), np.nan),
        error=np.where(measured, code_siemens(codes - wanted, scheme.range, driver.hardware), np.nan),
        **counts,
    )
