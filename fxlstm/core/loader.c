/* The loader: checks the rules of docs/image.md, in their order, before anything runs. It trusts nothing. Here: the whole
 * image, its header and its sections. */
#include "checks.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "images are little-endian and run in place; a big-endian machine cannot run them"
#endif

/* In bytes; of weights, the header says it. */
static const uint8_t ELEMENT_SIZES[FX_SECTION_METADATA + 1] = {
    [FX_SECTION_ARENA] = sizeof(int16_t),
    [FX_SECTION_OPERATIONS] = sizeof(fx_operation),
    [FX_SECTION_MATRICES] = sizeof(fx_matrix),
    [FX_SECTION_TILES] = sizeof(fx_tile),
    [FX_SECTION_SCALES] = sizeof(fx_scale),
    [FX_SECTION_SWEEPS] = sizeof(fx_sweep),
    [FX_SECTION_METADATA] = 1,
};

/* ---- the whole image and its header */

static uint32_t crc_of(const fx_header *header) {
    static const uint8_t no_crc[sizeof header->crc] = {0};
    const uint8_t *bytes = (const uint8_t *)header;
    size_t after = offsetof(fx_header, crc) + sizeof no_crc;
    uint32_t crc = fx_crc32(0, bytes, offsetof(fx_header, crc));
    crc = fx_crc32(crc, no_crc, sizeof no_crc);
    return fx_crc32(crc, bytes + after, header->size - after);
}

static fx_status check_whole(const void *image, size_t size) {
    const fx_header *header = image;
    if ((uintptr_t)image % 8 != 0) {
        return FX_ERROR_IMAGE_ALIGNMENT;
    }
    if (size < sizeof *header) {
        return FX_ERROR_IMAGE_SHORT;
    }
    if (header->magic != FX_MAGIC) {
        return FX_ERROR_IMAGE_MAGIC;
    }
    if (header->version != FX_VERSION) {
        return FX_ERROR_IMAGE_VERSION;
    }
    if (header->size < sizeof *header || header->size > size) {
        return FX_ERROR_IMAGE_SHORT;
    }
    return crc_of(header) == header->crc ? FX_OK : FX_ERROR_IMAGE_CRC;
}

static bool bits_right(uint8_t bits) {
    return bits >= 2 && bits <= 16;
}

static fx_status check_header(const fx_header *header) {
    bool right = header->levels >= 2 && header->levels <= 32768u && bits_right(header->dac_bits) &&
                 (header->adc_bits == 0 || bits_right(header->adc_bits)) && header->pairing < FX_PAIRING_COUNT;
    right = right && (header->weight_bits == 16 || (header->weight_bits == 8 && header->levels <= FX_NARROW_LEVELS));
    return right ? FX_OK : FX_ERROR_IMAGE_HEADER;
}

/* ---- sections */

/* Enter one section; `*position` is where the one before it ends. */
static fx_status enter_section(const fx_header *header, const fx_section *entry, uint32_t *position,
                               fx_sections *found) {
    if (entry->kind < FX_SECTION_ARENA || entry->kind > FX_SECTION_METADATA || entry->reserved != 0 ||
        found->of[entry->kind].data != NULL) {
        return FX_ERROR_IMAGE_SECTIONS;
    }
    uint32_t element = entry->kind == FX_SECTION_WEIGHTS ? header->weight_bits / 8u : ELEMENT_SIZES[entry->kind];
    if (entry->start % 8 != 0 || entry->start < *position || !fx_inside(entry->start, entry->size, header->size) ||
        entry->size % element != 0) {
        return FX_ERROR_IMAGE_SECTIONS;
    }
    found->of[entry->kind].data = (const uint8_t *)header + entry->start;
    found->of[entry->kind].count = entry->size / element;
    *position = entry->start + entry->size;
    return FX_OK;
}

static fx_status find_sections(const fx_header *header, fx_sections *found) {
    const fx_section *table = (const void *)(header + 1);
    size_t table_size = header->section_count * sizeof *table;
    if (table_size > header->size - sizeof *header) {
        return FX_ERROR_IMAGE_SECTIONS;
    }
    uint32_t position = (uint32_t)(sizeof *header + table_size);
    fx_status status = FX_OK;
    *found = (fx_sections){.of = {{NULL, 0}}};
    for (uint32_t i = 0; i < header->section_count && status == FX_OK; i++) {
        status = enter_section(header, table + i, &position, found);
    }
    return status;
}

/* ---- the program */

static fx_program view_of(const fx_header *header, const fx_sections *found) {
    return (fx_program){
        .header = header,
        .arena = found->of[FX_SECTION_ARENA].data,
        .operations = found->of[FX_SECTION_OPERATIONS].data,
        .matrices = found->of[FX_SECTION_MATRICES].data,
        .tiles = found->of[FX_SECTION_TILES].data,
        .weights = found->of[FX_SECTION_WEIGHTS].data,
        .scales = found->of[FX_SECTION_SCALES].data,
        .sweeps = found->of[FX_SECTION_SWEEPS].data,
        .operation_count = found->of[FX_SECTION_OPERATIONS].count,
        .matrix_count = found->of[FX_SECTION_MATRICES].count,
        .tile_count = found->of[FX_SECTION_TILES].count,
        .sweep_count = found->of[FX_SECTION_SWEEPS].count,
    };
}

fx_status fx_program_open(fx_program *program, const void *image, size_t size) {
    const fx_header *header = image;
    fx_sections found;
    fx_status status = check_whole(image, size);
    status = status == FX_OK ? check_header(header) : status;
    status = status == FX_OK ? find_sections(header, &found) : status;
    if (status != FX_OK) {
        return status;
    }
    *program = view_of(header, &found);
    if (header->arena_length == 0 || found.of[FX_SECTION_ARENA].count != header->arena_length) {
        return FX_ERROR_IMAGE_ARENA;
    }
    status = fx_check_matrices(program, &found);
    status = status == FX_OK ? fx_check_operations(program) : status;
    status = status == FX_OK ? fx_check_sweeps(program) : status;
    if (status == FX_OK) {
        program->phase_count = program->sweeps[program->sweep_count - 1].phase + 1u;
    }
    return status;
}
