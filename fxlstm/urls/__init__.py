"""pyserial URL handlers; opening a board puts this package into ``serial.protocol_handler_packages``."""
