/*
 * Names in a PDB. Each module's symbols tell its functions, wherever they are visible; data and what the linker exported are
 * records of one stream for all. A function's record says how long it is, so no address is given to a function that has ended.
 */
#include <stdlib.h>

#include "debug/pdb.h"

static int by_place(const void *a, const void *b)
{
    const struct pdb_name *x = a, *y = b;
    if (x->rva != y->rva)
        return x->rva < y->rva ? -1 : 1;
    return strcmp(x->text, y->text);
}

#define sort_names(v) ((v)->count > 0 ? qsort((v)->data, (v)->count, sizeof (v)->data[0], by_place) : (void)0)

static void read_functions(struct pdb *p, uint32_t index)
{
    const struct pdb_module *m = pdb_module(p, index);
    struct pdb_record r;
    for (uint32_t at = 4; pdb_record(&m->symbols, at, &r); at = r.next) {
        if (r.kind != S_GPROC32 && r.kind != S_LPROC32 && r.kind != S_GPROC32_ID && r.kind != S_LPROC32_ID)
            continue;
        struct pdb_name n = {.module = index, .record = at};
        cursor_skip(&r.content, 12);
        n.size = (uint32_t)cursor_fixed(&r.content, 4);
        cursor_skip(&r.content, 8);
        n.type = (uint32_t)cursor_fixed(&r.content, 4);
        uint32_t offset = (uint32_t)cursor_fixed(&r.content, 4), segment = (uint32_t)cursor_fixed(&r.content, 2);
        cursor_skip(&r.content, 1);
        n.text = cursor_text(&r.content);
        if (n.text != NULL && n.text[0] != '\0' && pdb_rva(p, segment, offset, &n.rva))
            vec_push(&p->functions, n);
    }
}

static void read_global(struct pdb *p, struct pdb_record *r)
{
    struct pdb_name n = {.type = (uint32_t)cursor_fixed(&r->content, 4)};
    uint32_t offset = (uint32_t)cursor_fixed(&r->content, 4), segment = (uint32_t)cursor_fixed(&r->content, 2);
    n.text = cursor_text(&r->content);
    if (n.text == NULL || n.text[0] == '\0' || !pdb_rva(p, segment, offset, &n.rva))
        return;
    if (r->kind == S_PUB32)
        vec_push(&p->publics, n);
    else
        vec_push(&p->data, n);
}

static void read_names(struct pdb *p)
{
    if (p->named)
        return;
    p->named = true;
    for (uint32_t i = 0; i < p->modules.count; i++)
        read_functions(p, i);
    struct bytes globals = pdb_stream(p, p->global_records);
    struct pdb_record r;
    for (uint32_t at = 0; pdb_record(&globals, at, &r); at = r.next)
        if (r.kind == S_GDATA32 || r.kind == S_LDATA32 || r.kind == S_PUB32)
            read_global(p, &r);
    sort_names(&p->functions);
    sort_names(&p->data);
    sort_names(&p->publics);
}

/* The last of those at or in front of rva. */
static const struct pdb_name *last_at(const struct pdb_name *names, size_t count, uint32_t rva)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (names[middle].rva <= rva)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? &names[low - 1] : NULL;
}

const struct pdb_name *pdb_function(struct pdb *p, uint32_t rva)
{
    read_names(p);
    const struct pdb_name *n = last_at(p->functions.data, p->functions.count, rva);
    if (n == NULL || rva - n->rva >= n->size)
        return NULL;
    while (n > p->functions.data && n[-1].rva == n->rva && rva - n->rva < n[-1].size)
        n--; /* functions that are equal are folded into one: the first by name, always */
    return n;
}

const struct pdb_name *pdb_public(struct pdb *p, uint32_t rva)
{
    enum { CODE = 1, FUNCTION = 2 };
    const struct pdb_name *found = NULL;
    read_names(p);
    for (const struct pdb_name *n = last_at(p->publics.data, p->publics.count, rva); n != NULL && n >= p->publics.data; n--) {
        if (found != NULL && n->rva != found->rva)
            break;
        if (n->type & (CODE | FUNCTION))
            found = n; /* the first by name of those at one place */
    }
    return found;
}

void pdb_each_name(struct pdb *p, pdb_name_fn fn, void *context)
{
    read_names(p);
    for (size_t i = 0; i < p->functions.count; i++)
        fn(context, p->functions.data[i].rva, p->functions.data[i].text);
    for (size_t i = 0; i < p->data.count; i++)
        fn(context, p->data.data[i].rva, p->data.data[i].text);
    for (size_t i = 0; i < p->publics.count; i++) {
        const struct pdb_name *n = &p->publics.data[i];
        if (strncmp(n->text, "??_C@", 5) == 0) /* a string's text */
            continue;
        const struct pdb_name *f = last_at(p->functions.data, p->functions.count, n->rva);
        const struct pdb_name *d = last_at(p->data.data, p->data.count, n->rva);
        if ((f == NULL || f->rva != n->rva) && (d == NULL || d->rva != n->rva))
            fn(context, n->rva, n->text);
    }
}

const struct pdb_name *pdb_variable(struct pdb *p, const char *name)
{
    read_names(p);
    for (size_t i = 0; i < p->data.count; i++)
        if (strcmp(p->data.data[i].text, name) == 0)
            return &p->data.data[i];
    return NULL;
}
