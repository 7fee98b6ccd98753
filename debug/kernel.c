/* What several commands show of kernel objects: names, types, stacks. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "debug/facts.h"
#include "debug/layout.h"

#define LINK_LIMIT 8u

static struct object header_of(struct debugger *d, gva_t object)
{
    struct object o = object_open(d, "OBJECT_HEADER", 0);
    o.at = object - layout_offset(d, "OBJECT_HEADER", "Body");
    return o;
}

const char *kernel_object_type(struct debugger *d, gva_t object, char *out, size_t size)
{
    struct object h = header_of(d, object);
    struct object type = object_open(d, "OBJECT_TYPE", object_get(&h, "Type"));
    out[0] = '\0';
    if (!h.bad && object_get(&type, "Self") == type.at && !type.bad)
        object_unicode(&type, "Name", out, size);
    return out;
}

/* The directory in whose list the object is, and so on up: names are read from the inside out. */
const char *kernel_object_name(struct debugger *d, gva_t object, char *out, size_t size)
{
    char name[128], type[32];
    gva_t root = layout_variable(d, "nt", "ObpRootDirectory");
    debug_read64(d, root, &root);
    out[0] = '\0';
    if (kernel_object_type(d, object, type, sizeof type)[0] == '\0')
        return out;
    for (unsigned depth = 0; depth < 8 && object != root; depth++) {
        struct object h = header_of(d, object);
        object_unicode(&h, "Name", name, sizeof name);
        object = object_get(&h, "Directory");
        if (h.bad || name[0] == '\0')
            break;
        size_t n = strlen(name), before = strlen(out);
        if (before + n + 2 > size)
            break;
        memmove(out + n + 1, out, before + 1);
        out[0] = '\\';
        memcpy(out + 1, name, n);
        if (object == 0)
            break;
    }
    return out;
}

static gva_t find_in(struct debugger *d, gva_t directory, const char *name, size_t length)
{
    uint64_t links = layout_offset(d, "OBJECT_HEADER", "DirectoryLinks");
    struct list l = list_open(d, directory + layout_offset(d, "OBJECT_DIRECTORY", "Entries"));
    gva_t entry;
    char own[128];
    while (list_next(&l, links, &entry)) {
        struct object h = object_open(d, "OBJECT_HEADER", entry);
        object_unicode(&h, "Name", own, sizeof own);
        if (strlen(own) == length && strncasecmp(own, name, length) == 0)
            return object_field(&h, "Body");
    }
    return 0;
}

gva_t kernel_find_object(struct debugger *d, const char *path)
{
    char type[32], text[400], target[200];
    gva_t root = 0, object = 0;
    unsigned links = 0;
    debug_read64(d, layout_variable(d, "nt", "ObpRootDirectory"), &root);
    snprintf(text, sizeof text, "%s", path);
    path = text;
    object = root;
    while (object != 0 && *path == '\\' && path[1] != '\0') {
        size_t n = strcspn(path + 1, "\\");
        if (strcmp(kernel_object_type(d, object, type, sizeof type), "Directory") != 0)
            return 0;
        object = find_in(d, object, path + 1, n);
        path += 1 + n;
        if (object != 0 && *path == '\\' && strcmp(kernel_object_type(d, object, type, sizeof type), "SymbolicLink") == 0) {
            struct object link = object_open(d, "OBJECT_SYMBOLIC_LINK", object);
            char whole[400];
            object_unicode(&link, "Target", target, sizeof target);
            if (++links > LINK_LIMIT || snprintf(whole, sizeof whole, "%s%s", target, path) >= (int)sizeof whole)
                return 0;
            memcpy(text, whole, sizeof text);
            path = text;
            object = root;
        }
    }
    return object;
}

const char *kernel_major_name(unsigned major)
{
    static const char *const names[] = {
        "IRP_MJ_CREATE", "IRP_MJ_CREATE_NAMED_PIPE", "IRP_MJ_CLOSE", "IRP_MJ_READ", "IRP_MJ_WRITE",
        "IRP_MJ_QUERY_INFORMATION", "IRP_MJ_SET_INFORMATION", "IRP_MJ_QUERY_EA", "IRP_MJ_SET_EA", "IRP_MJ_FLUSH_BUFFERS",
        "IRP_MJ_QUERY_VOLUME_INFORMATION", "IRP_MJ_SET_VOLUME_INFORMATION", "IRP_MJ_DIRECTORY_CONTROL",
        "IRP_MJ_FILE_SYSTEM_CONTROL", "IRP_MJ_DEVICE_CONTROL", "IRP_MJ_INTERNAL_DEVICE_CONTROL", "IRP_MJ_SHUTDOWN",
        "IRP_MJ_LOCK_CONTROL", "IRP_MJ_CLEANUP", "IRP_MJ_CREATE_MAILSLOT", "IRP_MJ_QUERY_SECURITY", "IRP_MJ_SET_SECURITY",
        "IRP_MJ_POWER", "IRP_MJ_SYSTEM_CONTROL", "IRP_MJ_DEVICE_CHANGE", "IRP_MJ_QUERY_QUOTA", "IRP_MJ_SET_QUOTA",
        "IRP_MJ_PNP"};
    return major < sizeof names / sizeof names[0] ? names[major] : "IRP_MJ_?";
}

void debug_print_stack(struct debugger *d, unsigned thread)
{
    struct stack_frame frames[STACK_MAX];
    unsigned n = stack_walk_thread(d->m, thread, frames, STACK_MAX);
    if (n == 0)
        return;
    debug_print(d, "Child-SP          RetAddr           Call Site\n");
    for (unsigned i = 0; i < n; i++) {
        char sp[DEBUG_ADDRESS], ret[DEBUG_ADDRESS], symbol[DEBUG_SYMBOL];
        const struct stack_frame *f = &frames[i];
        bool is_return = i > 0 && !f->interrupt;
        debug_print(d, "%s %s %s%s\n", debug_address(f->sp, sp), debug_address(f->return_address, ret),
                    is_return ? debug_symbol_return(d, f->pc, symbol) : debug_symbol(d, f->pc, symbol),
                    f->interrupt ? " (TrapFrame)" : "");
    }
}
