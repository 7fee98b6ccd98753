/*
 * PE32+ images: parse, map, resolve, unwind. Input is hostile: every offset is checked against the
 * file before it is used, and each function below has a fuzz target.
 * Source: Microsoft "PE Format" specification; "x64 exception handling" for .pdata.
 */
#ifndef MACHINE_PE_PE_H
#define MACHINE_PE_PE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define PE_MAX_SECTIONS 96
#define PE_MAX_IMAGE 0x02000000u /* 32 MiB mapped */

struct pe_section {
    char name[9];
    uint32_t rva, virtual_size; /* virtual_size is never 0 here */
    uint32_t file_offset, file_size;
    bool readable, writable, executable, discardable;
};

struct pe_directory {
    uint32_t rva, size;
};

struct pe {
    const uint8_t *file;
    size_t file_size;
    uint64_t preferred_base;
    uint32_t image_size, header_size, entry_rva, section_alignment, timestamp, checksum;
    uint16_t subsystem, characteristics;
    unsigned section_count;
    struct pe_section sections[PE_MAX_SECTIONS];
    struct pe_directory directories[16];
};

/* Refuses, with one line that begins with `name`: not a PE, truncated, 32-bit, ARM64, sections outside the
 * file or overlapping, directories outside the image. The file must outlive *out. */
bool pe_parse(const char *name, const uint8_t *file, size_t size, struct pe *out, struct error *e);

/* Writes headers and sections into `memory` (image_size bytes, zeroed by this call) and applies base
 * relocations for `base`. An image without relocations loads only at its preferred base. */
bool pe_map(const struct pe *pe, const char *name, uint64_t base, uint8_t *memory, struct error *e);

/* Calls `import` for every imported symbol of a mapped image (memory as filled by pe_map). It returns the
 * address to store into the slot. ordinal is used when symbol is NULL. */
typedef bool (*pe_import_fn)(void *context, const char *module, const char *symbol, uint16_t ordinal,
                             uint64_t *address_out, struct error *e);
bool pe_bind(const struct pe *pe, const char *name, uint8_t *memory, pe_import_fn import, void *context,
             struct error *e);

/* Looks up an export by name, or by ordinal when symbol is NULL. *rva_out is the address; when the export is
 * a forwarder ("NTOSKRNL.KeFoo", "NTOSKRNL.#12") *forward_out points to its text inside `memory` and
 * rva_out is 0. False: there is no such export. */
bool pe_export(const struct pe *pe, const uint8_t *memory, const char *symbol, uint16_t ordinal,
               uint32_t *rva_out, const char **forward_out);
/* Name of the export at exactly this rva, or NULL. */
const char *pe_export_name(const struct pe *pe, const uint8_t *memory, uint32_t rva);
typedef void (*pe_export_fn)(void *context, const char *symbol, uint32_t ordinal, uint32_t rva);
void pe_each_export(const struct pe *pe, const uint8_t *memory, pe_export_fn fn, void *context);

/* Unwinding one frame by .pdata. `read` reads guest memory. regs are rax..r15 in encoding order; rip and
 * regs become the caller's. Leaf functions (no entry) pop the return address. Handles chained infos,
 * machine frames, epilogues and xmm saves (skipped). *machine_frame says that the frame was an interrupt's. */
typedef bool (*pe_read_fn)(void *context, uint64_t address, void *out, size_t bytes);
struct pe_frame {
    uint64_t rip;
    uint64_t gpr[16];
    bool machine_frame;
};
/* Tables and instructions are read from the file, only the stack through `read`. On false *frame is unchanged. */
bool pe_unwind(const struct pe *pe, uint64_t base, struct pe_frame *frame, pe_read_fn read, void *context);
/* Start and end rva of the function that holds rva, by .pdata; false: none. */
bool pe_function(const struct pe *pe, uint32_t rva, uint32_t *start_out, uint32_t *end_out);
/* Every function that .pdata names, in its order; leaf functions have no entry there. */
typedef void (*pe_function_fn)(void *context, uint32_t start, uint32_t end);
void pe_each_function(const struct pe *pe, pe_function_fn fn, void *context);

#endif
