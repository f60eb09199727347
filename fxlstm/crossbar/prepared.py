"""What has been prepared of an array's cells to multiply by, until a cell changes."""

from __future__ import annotations

from collections.abc import Iterable

from fxlstm.crossbar._cells import CellBlock, NativeTiles
from fxlstm.crossbar.cells import Block, Cells, Operand
from fxlstm.crossbar.physical import PhysicalOperand
from fxlstm.crossbar.standing import Standing
from fxlstm.program.formats import CODE_BITS
from fxlstm.program.pairs import COLUMN_PAIRS
from fxlstm.program.program import Tile


class Prepared:
    """Operands of ``cells``: of the tiles that stand there and of the whole array, each made when it is first asked for."""

    def __init__(self, cells: Cells, standing: Standing) -> None:
        self._cells, self._standing = cells, standing
        self._operands: dict[Tile | int, Operand] = {}  # by tile, or by range for the whole array
        self._blocks: dict[Tile, CellBlock] = {}

    def tile(self, tile: Tile) -> Operand:
        """Return a tile's cells."""
        operand = self._operands.get(tile)
        if operand is None:
            operand = self._operands[tile] = self._cells.operand(self._standing.block(tile))
        return operand

    def whole(self, range_index: int) -> Operand:
        """Return all cells, each row driven by itself."""
        operand = self._operands.get(range_index)
        if operand is None:
            rows, columns = self._cells.stuck.shape
            whole = Block(slice(0, rows), None, slice(0, columns), range_index, CODE_BITS)
            operand = self._operands[range_index] = self._cells.operand(whole)
        return operand

    def in_c(self, tile: Tile) -> CellBlock | None:
        """Return a tile to be read in C with all that follows conversion, or ``None`` where its cells cannot be read so."""
        block = self._blocks.get(tile)
        if block is None:
            operand, calibration = self.tile(tile), self._standing.calibrations.get(tile)
            if not isinstance(operand, PhysicalOperand) or operand.cubic:
                return None
            correction = None if calibration is None else (calibration.gain, calibration.offset)
            block = operand.block.as_tile(correction, self._standing.pairing(tile) == COLUMN_PAIRS)
            self._blocks[tile] = block
        return block

    def forget(self) -> None:
        """Cells, or what stands there, have changed."""
        self._operands.clear()
        self._blocks.clear()


def native_tiles(blocks: Iterable[CellBlock | None]) -> NativeTiles | None:
    """Return blocks of cells as a program's tiles, unless there is one that only Python can multiply by."""
    found = []
    for block in blocks:
        if block is None:
            return None
        found.append(block)
    return NativeTiles(found)
