/*
 * Guest structures, read by the names of their fields. Offsets come from the debug information of the kernel and of the drivers of
 * ours that the machine really runs (debug/types.h), so nothing here can disagree with them.
 */
#ifndef DEBUG_LAYOUT_H
#define DEBUG_LAYOUT_H

#include "debug/debugger.h"
#include "debug/types.h"

/* A structure in guest memory. Reads of what is not readable or not known give 0 and leave `bad` set. */
struct object {
    struct debugger *d;
    const struct machine_image *image; /* whose debug information has the type */
    struct types *types;
    type_id type;
    gva_t at;
    bool bad;
};

/* Type: "KTHREAD", "FLT_VOLUME"; looked for in the kernel, then in our drivers. */
struct object object_open(struct debugger *d, const char *type, gva_t at);
/* An error line "Unable to read WHAT at ADDRESS" when something was bad; true then. */
bool object_failed(const struct object *o, const char *what);

/* "Rd.state": integers are extended to 64 bits by their own sign. */
uint64_t object_get(struct object *o, const char *path);
gva_t object_field(struct object *o, const char *path); /* where it lies */
uint64_t object_size(struct object *o);
/* An ASCII array, or the UNICODE_STRING at a path; "" when empty or unreadable. */
const char *object_text(struct object *o, const char *path, char *out, size_t size);
const char *object_unicode(struct object *o, const char *path, char *out, size_t size);

/* Address of a variable of the kernel or one of our drivers; 0: there is none. */
gva_t layout_variable(struct debugger *d, const char *module, const char *name);

/* A LIST_ENTRY list from its head. Broken or endless ones end with a line that says so. */
struct list {
    struct debugger *d;
    gva_t head, at;
    unsigned count;
};
struct list list_open(struct debugger *d, gva_t head);
/* The next entry minus `offset`: the structure that holds it. */
bool list_next(struct list *l, uint64_t offset, gva_t *out);
uint64_t layout_offset(struct debugger *d, const char *type, const char *path);

/* "STATUS_PENDING"-like texts are not needed here; flags are: "DO_BUFFERED_IO | DO_DEVICE_INITIALIZING". */
struct flag_name {
    uint64_t bit;
    const char *name;
};
void print_flags(struct debugger *d, uint64_t flags, const struct flag_name *names, size_t count, const char *between);

/* kernel.c: what several commands show. */
/* "\Driver\Filter" of a driver object, "\Device\Filter" of a named device; "" without a name. */
const char *kernel_object_name(struct debugger *d, gva_t object, char *out, size_t size);
/* The type's name from the object's header; "" when it is no object. */
const char *kernel_object_type(struct debugger *d, gva_t object, char *out, size_t size);
/* Follows "\A\B" through the directories; 0: nothing there. */
gva_t kernel_find_object(struct debugger *d, const char *path);
const char *kernel_major_name(unsigned major); /* "IRP_MJ_CREATE" */

struct scene debug_scene(struct debugger *d);
/* A stack in k's columns; arguments: with the first four home slots. */
void debug_print_stack(struct debugger *d, unsigned thread);

#endif
