/*
 * Parsing: from the bytes of a file to struct pe, or to one line that says what is wrong and what
 * is wanted. Nothing behind this file needs to doubt a struct pe again: sections lie inside the
 * file and the image, ascend, do not overlap and are page-aligned; directories lie inside the
 * image. What the directories *contain* is checked where it is read. Rule followed: Microsoft "PE
 * Format"; stricter than NT's loader where NT accepts what no linker writes.
 */
#include "machine/pe/internal.h"

#include <stdio.h>

#define DOS_SIZE 64u
#define FILE_HEADER_SIZE 20u
#define OPTIONAL_FIXED 112u /* PE32+ optional header up to its directories */
#define SECTION_SIZE 40u
#define MAGIC_PE32 0x10bu
#define MAGIC_PE32_PLUS 0x20bu
#define MACHINE_AMD64 0x8664u
#define PAGE 4096u

const uint8_t *pe_file_at(const struct pe *pe, uint64_t rva, uint64_t bytes)
{
    if (pe_inside(rva, bytes, pe->header_size))
        return pe->file + rva;
    for (unsigned i = 0; i < pe->section_count; i++) {
        const struct pe_section *s = &pe->sections[i];
        uint32_t size = s->file_size < s->virtual_size ? s->file_size : s->virtual_size;
        if (rva >= s->rva && pe_inside(rva - s->rva, bytes, size))
            return pe->file + s->file_offset + (rva - s->rva);
    }
    return NULL;
}

const char *pe_text_at(const struct pe *pe, const uint8_t *memory, uint64_t rva, size_t limit)
{
    if (rva >= pe->image_size)
        return NULL;
    uint64_t room = pe->image_size - rva;
    if (room > limit)
        room = limit;
    const uint8_t *p = memory + rva;
    for (uint64_t i = 0; i < room; i++) {
        if (p[i] == 0)
            return i > 0 ? (const char *)p : NULL;
        if (p[i] < 0x21 || p[i] > 0x7E)
            return NULL;
    }
    return NULL;
}

static const char *machine_name(uint16_t machine)
{
    static const struct {
        uint16_t machine;
        const char *name;
    } known[] = {
        {0x014c, "32-bit x86"},       {0xaa64, "ARM64"},   {0x01c4, "32-bit ARM"},
        {0x01c0, "32-bit ARM"},       {0x0200, "Itanium"}, {0x0ebc, "EFI byte code"},
        {0x5064, "64-bit RISC-V"},    {0xa641, "ARM64EC"}, {0xa64e, "ARM64X"},
        {0x6264, "64-bit LoongArch"},
    };
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].machine == machine)
            return known[i].name;
    return "an unknown processor";
}

static bool power_of_two(uint32_t v)
{
    return v != 0 && (v & (v - 1)) == 0;
}

/* Finds the headers. *at receives the offset of the COFF file header. */
static bool find_headers(const char *name, const uint8_t *file, size_t size, uint64_t *at,
                         struct error *e)
{
    if (size == 0)
        return error_set(e, ERROR_INPUT, "%s: empty file; an x64 driver (PE32+) is wanted", name);
    if (size >= 4 && memcmp(file, "\177ELF", 4) == 0)
        return error_set(e, ERROR_INPUT, "%s: an ELF file; a Windows x64 driver (PE32+) is wanted",
                         name);
    if (size < 2 || file[0] != 'M' || file[1] != 'Z')
        return error_set(e, ERROR_INPUT,
                         "%s: not a PE image (no MZ signature); a Windows x64 driver is wanted",
                         name);
    if (size < DOS_SIZE)
        return error_set(e, ERROR_INPUT, "%s: truncated: %zu bytes do not hold an MZ header", name,
                         size);
    uint32_t pe_offset = pe_get32(file + 60);
    if (!pe_inside(pe_offset, 4 + FILE_HEADER_SIZE, size))
        return error_set(e, ERROR_INPUT,
                         "%s: truncated: the PE header at 0x%x is outside the file (%zu bytes)",
                         name, pe_offset, size);
    if (memcmp(file + pe_offset, "PE\0\0", 4) != 0)
        return error_set(
            e, ERROR_INPUT,
            "%s: not a PE image (no PE signature at 0x%x); a Windows x64 driver is wanted", name,
            pe_offset);
    *at = (uint64_t)pe_offset + 4;
    return true;
}

static bool parse_optional(const char *name, const uint8_t *o, uint32_t o_size, struct pe *pe,
                           struct error *e)
{
    uint16_t magic = o_size >= 2 ? pe_get16(o) : 0;
    if (magic == MAGIC_PE32)
        return error_set(e, ERROR_INPUT, "%s: a 32-bit image (PE32); build the driver for x64",
                         name);
    if (magic != MAGIC_PE32_PLUS)
        return error_set(e, ERROR_INPUT, "%s: optional header magic 0x%x; 0x20b (PE32+) is wanted",
                         name, magic);
    if (o_size < OPTIONAL_FIXED)
        return error_set(e, ERROR_INPUT, "%s: optional header of %u bytes; at least %u are wanted",
                         name, o_size, OPTIONAL_FIXED);
    pe->entry_rva = pe_get32(o + 16);
    pe->preferred_base = pe_get64(o + 24);
    pe->section_alignment = pe_get32(o + 32);
    uint32_t file_alignment = pe_get32(o + 36);
    pe->image_size = pe_get32(o + 56);
    pe->header_size = pe_get32(o + 60);
    pe->checksum = pe_get32(o + 64);
    pe->subsystem = pe_get16(o + 68);
    uint32_t directories = pe_get32(o + 108);
    if (pe->image_size == 0 || pe->image_size > PE_MAX_IMAGE)
        return error_set(e, ERROR_INPUT,
                         "%s: an image of 0x%x bytes; 1 to 0x%x (32 MiB) are wanted", name,
                         pe->image_size, PE_MAX_IMAGE);
    if (!power_of_two(pe->section_alignment) || pe->section_alignment < PAGE)
        return error_set(
            e, ERROR_INPUT,
            "%s: section alignment 0x%x; a power of two of at least a page (0x1000) is wanted",
            name, pe->section_alignment);
    if (!power_of_two(file_alignment) || file_alignment < 512 || file_alignment > 65536)
        return error_set(e, ERROR_INPUT,
                         "%s: file alignment 0x%x; a power of two from 0x200 to 0x10000 is wanted",
                         name, file_alignment);
    if (pe->preferred_base % 0x10000 != 0)
        return error_set(e, ERROR_INPUT, "%s: image base 0x%llx; a multiple of 64 KiB is wanted",
                         name, (unsigned long long)pe->preferred_base);
    if (pe->header_size > pe->file_size || pe->header_size > pe->image_size)
        return error_set(
            e, ERROR_INPUT,
            "%s: truncated: headers of 0x%x bytes in a file of %zu and an image of 0x%x", name,
            pe->header_size, pe->file_size, pe->image_size);
    if (directories > DIRECTORY_COUNT)
        directories = DIRECTORY_COUNT;
    if (directories * 8 > o_size - OPTIONAL_FIXED)
        return error_set(e, ERROR_INPUT,
                         "%s: %u directories do not fit the optional header of %u bytes", name,
                         directories, o_size);
    for (unsigned i = 0; i < directories; i++) {
        struct pe_directory d = {pe_get32(o + OPTIONAL_FIXED + 8 * i),
                                 pe_get32(o + OPTIONAL_FIXED + 8 * i + 4)};
        if (d.rva == 0 || d.size == 0 || i == DIRECTORY_SECURITY || i == DIRECTORY_COUNT - 1)
            continue;
        if (!pe_inside(d.rva, d.size, pe->image_size))
            return error_set(
                e, ERROR_INPUT,
                "%s: directory %u (0x%x, 0x%x bytes) is outside the image of 0x%x bytes", name, i,
                d.rva, d.size, pe->image_size);
        pe->directories[i] = d;
    }
    return true;
}

static bool parse_section(const char *name, const uint8_t *h, struct pe *pe, struct error *e)
{
    struct pe_section s = {0};
    for (unsigned i = 0; i < 8 && h[i] != 0; i++)
        s.name[i] = h[i] >= 0x21 && h[i] <= 0x7E ? (char)h[i] : '?';
    s.virtual_size = pe_get32(h + 8);
    s.rva = pe_get32(h + 12);
    s.file_size = pe_get32(h + 16);
    s.file_offset = pe_get32(h + 20);
    uint32_t flags = pe_get32(h + 36);
    s.executable = flags & 0x20000000u;
    s.readable = flags & 0x40000000u;
    s.writable = flags & 0x80000000u;
    s.discardable = flags & 0x02000000u;
    if (s.virtual_size == 0)
        s.virtual_size = s.file_size; /* as the loader does */
    if (s.virtual_size == 0)
        return true; /* occupies nothing anywhere */
    if (s.file_size != 0 && !pe_inside(s.file_offset, s.file_size, pe->file_size))
        return error_set(
            e, ERROR_INPUT,
            "%s: section %s (0x%x bytes at 0x%x) is outside the file of %zu bytes: truncated?",
            name, s.name, s.file_size, s.file_offset, pe->file_size);
    if (s.file_size != 0 && s.file_offset % 512 != 0)
        return error_set(
            e, ERROR_INPUT,
            "%s: section %s is unaligned in the file (0x%x); a multiple of 0x200 is wanted", name,
            s.name, s.file_offset);
    if (s.rva % pe->section_alignment != 0)
        return error_set(
            e, ERROR_INPUT,
            "%s: section %s is unaligned in the image (0x%x); a multiple of 0x%x is wanted", name,
            s.name, s.rva, pe->section_alignment);
    if (!pe_inside(s.rva, s.virtual_size, pe->image_size))
        return error_set(e, ERROR_INPUT,
                         "%s: section %s (0x%x bytes at 0x%x) is outside the image of 0x%x bytes",
                         name, s.name, s.virtual_size, s.rva, pe->image_size);
    if (s.rva < pe->header_size)
        return error_set(e, ERROR_INPUT, "%s: section %s at 0x%x overlaps the headers (0x%x bytes)",
                         name, s.name, s.rva, pe->header_size);
    if (pe->section_count > 0) {
        const struct pe_section *p = &pe->sections[pe->section_count - 1];
        if (s.rva < p->rva)
            return error_set(
                e, ERROR_INPUT,
                "%s: section %s at 0x%x lies before section %s; ascending order is wanted", name,
                s.name, s.rva, p->name);
        if (s.rva - p->rva < p->virtual_size)
            return error_set(e, ERROR_INPUT, "%s: sections %s and %s overlap at 0x%x", name,
                             p->name, s.name, s.rva);
    }
    pe->sections[pe->section_count++] = s;
    return true;
}

static bool check_entry(const char *name, const struct pe *pe, struct error *e)
{
    if (pe->entry_rva == 0)
        return true; /* a library such as hal.dll */
    for (unsigned i = 0; i < pe->section_count; i++) {
        const struct pe_section *s = &pe->sections[i];
        if (s->executable && pe->entry_rva >= s->rva && pe->entry_rva - s->rva < s->virtual_size)
            return true;
    }
    return error_set(e, ERROR_INPUT, "%s: the entry point 0x%x lies in no executable section", name,
                     pe->entry_rva);
}

bool pe_parse(const char *name, const uint8_t *file, size_t size, struct pe *out, struct error *e)
{
    struct pe pe = {.file = file, .file_size = size};
    uint64_t at = 0;
    if (!find_headers(name, file, size, &at, e))
        return false;
    const uint8_t *h = file + at;
    uint16_t machine = pe_get16(h);
    if (machine != MACHINE_AMD64)
        return error_set(e, ERROR_INPUT,
                         "%s: built for %s (machine 0x%x); build the driver for x64", name,
                         machine_name(machine), machine);
    unsigned sections = pe_get16(h + 2);
    pe.timestamp = pe_get32(h + 4);
    uint32_t optional_size = pe_get16(h + 16);
    pe.characteristics = pe_get16(h + 18);
    if (!(pe.characteristics & PE_EXECUTABLE_IMAGE))
        return error_set(e, ERROR_INPUT,
                         "%s: not an executable image (the linker left errors in it)", name);
    at += FILE_HEADER_SIZE;
    if (!pe_inside(at, optional_size, size))
        return error_set(e, ERROR_INPUT, "%s: truncated: the optional header is outside the file",
                         name);
    if (!parse_optional(name, file + at, optional_size, &pe, e))
        return false;
    at += optional_size;
    if (sections == 0 || sections > PE_MAX_SECTIONS)
        return error_set(e, ERROR_INPUT, "%s: %u sections; 1 to %u are wanted", name, sections,
                         PE_MAX_SECTIONS);
    uint64_t table_bytes = (uint64_t)sections * SECTION_SIZE;
    if (!pe_inside(at, table_bytes, pe.header_size)) /* which are inside the file */
        return error_set(e, ERROR_INPUT, "%s: headers of 0x%x bytes do not hold the section table",
                         name, pe.header_size);
    for (unsigned i = 0; i < sections; i++)
        if (!parse_section(name, file + at + (uint64_t)i * SECTION_SIZE, &pe, e))
            return false;
    if (pe.section_count == 0)
        return error_set(e, ERROR_INPUT, "%s: all sections are empty", name);
    if (!check_entry(name, &pe, e))
        return false;
    struct pe_directory x = pe.directories[DIRECTORY_EXCEPTION];
    if (x.size != 0 && pe_file_at(&pe, x.rva, x.size) == NULL)
        return error_set(
            e, ERROR_INPUT,
            "%s: the exception table (0x%x, 0x%x bytes) lies in no section's file data", name,
            x.rva, x.size);
    *out = pe;
    return true;
}
