/*
 * PDB files, as Microsoft's and LLVM's linkers write them: the container and its streams (pdb.c), names of functions and data
 * (pdb_names.c), lines and inlined functions (pdb_lines.c); types are in pdb_types.c, behind types.h.
 * Sources: LLVM's "The PDB File Format"; Microsoft's published cvinfo.h for the records.
 */
#ifndef DEBUG_PDB_H
#define DEBUG_PDB_H

#include "base/error.h"
#include "base/vec.h"
#include "debug/cursor.h"

struct pe;

struct pdb_identity {
    uint8_t guid[16];
    uint32_t age;
};

struct pdb_stream {
    uint32_t size;   /* 0 for a stream that was deleted */
    uint64_t blocks; /* where the directory lists its blocks */
    uint8_t *data;   /* put together when first asked for */
};

struct pdb_module {
    struct bytes symbols, lines; /* its symbol records; its C13 subsections */
    bool loaded;
    uint16_t stream;
    uint32_t symbol_bytes, c11_bytes, c13_bytes;
};

/* A function, or data when `size` is 0. */
struct pdb_name {
    uint32_t rva, size;
    uint32_t type;
    uint32_t module, record; /* of a function: where its record begins among the module's symbols */
    const char *text;
};

#define PDB_SEGMENTS 96

struct pdb {
    struct bytes file;
    uint32_t block_size, block_count;
    uint8_t *directory;
    uint32_t directory_size;
    VEC(struct pdb_stream) streams;
    uint64_t copied; /* bytes of streams put together so far: no honest file has more than its own size */
    struct pdb_identity identity;
    uint32_t info_names; /* the stream "/names"; 0: none */
    uint16_t global_records; /* the stream of global symbol records */
    bool rearranged;
    VEC(struct pdb_module) modules;
    uint64_t base;
    unsigned segment_count;
    struct {
        uint32_t rva, size;
    } segments[PDB_SEGMENTS];
    bool named;
    VEC(struct pdb_name) functions, data; /* by rva */
    bool publics_read;
    VEC(struct pdb_name) publics;         /* by rva: what only the linker names */
};

/* Reads what the file says about itself. `pe`: the image, whose sections addresses count from; NULL: there are none. The file must outlive it.
 * False: *e says in one line, without the file's name, what is wrong. */
bool pdb_open(const uint8_t *file, size_t size, const struct pe *pe, struct pdb **out, struct error *e);
void pdb_close(struct pdb *p);
/* Whose it is: the age is that which the image has too. */
const struct pdb_identity *pdb_identify(const struct pdb *p);

/* A stream in one piece; no data: there is none, or it is damaged. It lives as long as the file. */
struct bytes pdb_stream(struct pdb *p, uint32_t index);
/* The module's parts; they are empty when they are damaged. */
const struct pdb_module *pdb_module(struct pdb *p, uint32_t index);
/* False: no such place in the image. */
bool pdb_rva(const struct pdb *p, uint32_t segment, uint32_t offset, uint32_t *out);

/* One record of symbols or types behind its length: kind, and a cursor at its content. False: the end, or damage. */
struct pdb_record {
    uint32_t at, next; /* offset of its length field; of the next one's */
    uint16_t kind;
    struct cursor content;
};
bool pdb_record(const struct bytes *s, uint32_t at, struct pdb_record *out);

/* pdb_names.c. The function that holds rva; NULL: none. */
const struct pdb_name *pdb_function(struct pdb *p, uint32_t rva);
/* The function that begins at rva or nearest in front of it by the linker's own names, which have no length: those from assembly,
 * and all of a PDB that was stripped of what is private. NULL: none. */
const struct pdb_name *pdb_public(struct pdb *p, uint32_t rva);
/* Everything that has a name and a place, functions first. */
typedef void (*pdb_name_fn)(void *context, uint32_t rva, const char *name);
void pdb_each_name(struct pdb *p, pdb_name_fn fn, void *context);
/* Data by name, for types. */
const struct pdb_name *pdb_variable(struct pdb *p, const char *name);

/* pdb_lines.c */
struct pdb_place {
    char function[96];
    char file[160]; /* "" unknown */
    unsigned line;
    uint32_t start; /* of the outermost function; 0 of those that are inlined */
};
#define PDB_CHAIN 9
/* All functions at rva as inlining put them into each other, innermost first, the one that has the address last. */
unsigned pdb_chain(struct pdb *p, uint32_t rva, struct pdb_place out[PDB_CHAIN]);

enum {
    S_END = 0x0006, S_THUNK32 = 0x1102, S_BLOCK32 = 0x1103, S_WITH32 = 0x1104, S_UDT = 0x1108, S_LDATA32 = 0x110C,
    S_GDATA32 = 0x110D, S_PUB32 = 0x110E, S_LPROC32 = 0x110F, S_GPROC32 = 0x1110, S_SEPCODE = 0x1132, S_LPROC32_ID = 0x1146,
    S_GPROC32_ID = 0x1147, S_INLINESITE = 0x114D, S_INLINESITE_END = 0x114E, S_PROC_ID_END = 0x114F, S_INLINESITE2 = 0x115D
};

#endif
