"""What the extension uses of the firmware and its host port."""

from libc.stdint cimport uint8_t, uint32_t


cdef extern from "stdbool.h" nogil:
    ctypedef bint bool_t "bool"


cdef extern from "port/host/port.h" nogil:
    ctypedef struct hal_start:
        int reset
        uint32_t boot_id

    ctypedef struct hal:
        void *user
        void (*spi_transfer)(void *user, unsigned chip, const uint8_t *tx, uint8_t *rx, size_t size) noexcept
        void (*pin_write)(void *user, unsigned pin, bool_t high) noexcept
        bool_t (*pin_read)(void *user, unsigned pin) noexcept
        uint32_t (*microseconds)(void *user) noexcept
        void (*delay)(void *user, uint32_t microseconds) noexcept
        hal_start start
        uint32_t serial_number

    size_t port_send(hal *board, const uint8_t *data, size_t size)
    size_t port_receive(hal *board, uint8_t *data, size_t capacity)


cdef extern from "app/firmware.h" nogil:
    ctypedef struct firmware:
        pass

    ctypedef struct firmware_cells:
        pass

    size_t firmware_size()
    size_t firmware_cells_size()
    void firmware_init(firmware *board, firmware_cells *cells, hal *port)
    void firmware_set_name(firmware *board, const char *name)
    bool_t firmware_poll(firmware *board)
