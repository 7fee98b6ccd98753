/*
 * Symbols and stacks: turns addresses of a stopped machine into names, lines and call stacks. Names come from
 * the image's debug information (its PDB; DWARF through llvm-symbolizer), else from exports, else module+offset.
 */
#ifndef DEBUG_DEBUG_H
#define DEBUG_DEBUG_H

#include "base/file.h"
#include "debug/types.h"
#include "machine/machine.h"

struct symbol {
    char module[RD_ABI_NAME]; /* "upper" (no extension; ntoskrnl is "nt"), "" outside images */
    char function[96];        /* "" when unknown */
    uint64_t offset;          /* from the function's start, or from the image base */
    char file[160];           /* source file as the compiler recorded it, "" unknown */
    unsigned line;
    bool unloaded;            /* the image that held the address is gone */
    char image[RD_ABI_NAME];  /* "upper.sys", "" outside images */
    uint64_t image_offset;    /* from the image base */
};

struct symbols; /* a cache over one machine's images and a symbolizer process */
struct symbols *symbols_open(const struct machine *m);
/* Folders besides the images' own that are searched for PDBs, and for what images were before they were stripped: plain ones or symbol
 * stores; and who is told, in one line, of one that
 * was found and is not used. Folders and context must outlive the symbols. Without this call nobody is told. */
struct symbol_places {
    const char *const *folders;
    unsigned count;
    void (*warn)(void *context, const char *text);
    void *context;
};
void symbols_look_in(struct symbols *s, const struct symbol_places *places);
/* The first image of that name in those folders that `accept` takes; malloc'ed, NULL: none. */
typedef bool (*symbol_image_fn)(void *context, const char *path);
char *symbols_find_image(const struct symbol_places *places, const char *name, symbol_image_fn accept, void *context);
void symbols_close(struct symbols *s);
const struct machine *symbols_machine(const struct symbols *s);
/* `address` itself; for a return address pass address - 1 and is_return keeps the printed offset right. */
void symbols_find(struct symbols *s, gva_t address, bool is_return, struct symbol *out);
/* "upper!CompletionRoutine+0x1c [upper.c @ 88]"; with unloaded: "<Unloaded_upper.sys>+0x11c" as WinDbg writes,
 * followed by the symbol it had. */
void symbol_text(const struct symbol *y, char *out, size_t size);

#define INLINE_MAX 8
/* The functions that were inlined where `address` is, innermost first; symbols_find names the function around
 * them. Each has its own file and line and no offset. Returns how many. */
unsigned symbols_inlined(struct symbols *s, gva_t address, struct symbol out[INLINE_MAX]);

/* Types of an image by its debug information; they live as long as the symbols. */
struct types *symbols_types(struct symbols *s, const struct machine_image *image);
/* The file that has the image's symbol table: its own, or that of the image before it was stripped. */
struct file_data symbols_file(struct symbols *s, const struct machine_image *image);
/* "pdb symbols", "dwarf symbols", "coff symbols", "export symbols": where the image's names come from; *path: which file (NULL: unknown). */
const char *symbols_source(struct symbols *s, const struct machine_image *image, const char **path);
/* The image's PDB; NULL: it has none that fits. */
struct pdb *symbols_pdb(struct symbols *s, const struct machine_image *image);
/* Where a variable lies that debug information knows; 0: none. */
gva_t symbols_variable(struct symbols *s, const struct machine_image *image, const char *name, type_id *type);

struct stack_frame {
    gva_t sp, pc;        /* Child-SP and the address of the frame's instruction */
    gva_t return_address;
    bool interrupt;      /* this frame was interrupted here: pc is exact, not a return address */
    bool unloaded;       /* pc lies in an unloaded image */
};
#define STACK_MAX 64
/* Walks from the registers by .pdata, through kernel frames, KiSwapContext and trap frames; stops at the
 * stack's base or when unwinding fails. Unloaded images unwind by their file. Returns frames filled. */
unsigned stack_walk(const struct machine *m, const struct vcpu_regs *regs, struct stack_frame *out, unsigned max);
/* The stack of thread `index` (machine_thread), running or not. */
unsigned stack_walk_thread(const struct machine *m, unsigned index, struct stack_frame *out, unsigned max);

/* Registers of frame `frame` of the same walk: those that unwinding restores, the others as they are in `regs`. */
bool stack_frame_registers(const struct machine *m, const struct vcpu_regs *regs, unsigned frame, struct vcpu_regs *out);
/* Registers that thread `index` goes on with: a processor's, or instruction and stack pointer of one that is switched out.
 * False: it has ended or never ran. */
bool stack_thread_registers(const struct machine *m, unsigned index, struct vcpu_regs *out);

/* Images that come with rundown: the kernel, the HAL, the filter manager, the file system. Nobody is blamed in them. */
bool stack_is_ours(const struct machine_image *image);
/* The first frame that is not of such an image: who to name. -1: none. */
int stack_culprit(const struct machine *m, const struct stack_frame *frames, unsigned count);

#endif
