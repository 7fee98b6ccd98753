/* `rundown list`: what this build knows, read from the same tables that the rest runs by. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "check/bugchecks.h"
#include "check/check.h"
#include "cli/cli.h"
#include "machine/pe/pe.h"

#define ALLOWED "kh"
/* One record of the kernel's .rdexp section (guest/include/ntexport.h): two pointers and the IRQL.
 */
#define RECORD_SIZE 24

static int list_checks(void)
{
    printf("%-28s %-30s %-14s %s\n", "CHECK", "BUGCHECKS", "--verifier", "WHAT IT FINDS");
    for (size_t i = 0; check_monitors[i] != NULL; i++) {
        const struct monitor *m = check_monitors[i];
        printf("%-28s %-30s %-14s %s\n", m->name, m->codes ? m->codes : "-",
               m->option ? m->option : "-", m->help);
    }
    printf("\n%-28s %-30s %-14s %s\n", "RULE", "RAISED BY THE KERNEL AS", "--verifier", "WHAT IS BROKEN");
    for (const struct bugcheck_raised *r = bugcheck_raised; r->code != 0; r++) {
        const struct bugcheck_info *info = bugcheck_find(r->code);
        const uint64_t arg[4] = {r->first, r->first, r->first, r->first};
        const struct bugcheck_case *c = bugcheck_case(info, arg);
        const char *option = bugcheck_option(r->code, r->first);
        char code[40];
        if (c != NULL)
            snprintf(code, sizeof code, "0x%X, 0x%llX", (unsigned)r->code, (unsigned long long)r->first);
        else
            snprintf(code, sizeof code, "0x%X", (unsigned)r->code);
        printf("%-28s %-30s %-14s %s\n", c != NULL && c->rule != NULL ? c->rule : info->rule, code,
               option ? option : "-", c != NULL ? c->meaning : info->meaning);
    }
    return EXIT_CLEAN;
}

static int list_strategies(void)
{
    for (size_t i = 0; explore_strategies[i] != NULL; i++)
        printf("%-10s %s\n", explore_strategies[i]->name, explore_strategies[i]->help);
    return EXIT_CLEAN;
}

static int list_verbs(void)
{
    for (size_t i = 0; scenario_verbs[i] != NULL; i++)
        printf("%s\n    %s\n", scenario_verbs[i]->syntax, scenario_verbs[i]->help);
    return EXIT_CLEAN;
}

struct export_row {
    char *name;
    const char *objects;
    unsigned irql;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct export_row *)a)->name, ((const struct export_row *)b)->name);
}

/* A NUL-terminated string of the mapped image at a guest address; NULL when it does not lie inside.
 */
static const char *image_text(const struct pe *pe, const uint8_t *memory, uint64_t base,
                              uint64_t address)
{
    if (address < base || address - base >= pe->image_size)
        return NULL;
    const char *text = (const char *)memory + (address - base);
    return memchr(text, '\0', pe->image_size - (address - base)) ? text : NULL;
}

static int print_exports(const char *path, const struct pe *pe, const uint8_t *memory)
{
    static const char *const levels[16] = {"PASSIVE_LEVEL",
                                           "APC_LEVEL",
                                           "DISPATCH_LEVEL",
                                           "3",
                                           "4",
                                           "5",
                                           "6",
                                           "7",
                                           "8",
                                           "9",
                                           "10",
                                           "11",
                                           "12",
                                           "13",
                                           "14",
                                           "any level"};
    const struct pe_section *section = NULL;
    for (unsigned i = 0; i < pe->section_count; i++)
        if (strcmp(pe->sections[i].name, ".rdexp") == 0)
            section = &pe->sections[i];
    if (section == NULL) {
        struct error e = {0};
        error_set(&e, ERROR_INPUT, "%s: not rundown's kernel: no section .rdexp", path);
        return cli_fail(&e);
    }
    struct export_row *rows = calloc(section->virtual_size / RECORD_SIZE + 1, sizeof *rows);
    RD_ASSERT(rows != NULL);
    size_t count = 0;
    /* The compiler may align records more than they need: walk by words, and by records where one
     * is found. */
    for (uint32_t at = 0, step; at + RECORD_SIZE <= section->virtual_size; at += step) {
        uint64_t words[2];
        memcpy(words, memory + section->rva + at, sizeof words);
        const char *name = image_text(pe, memory, RD_NTOS_BASE, words[0]);
        const char *objects = image_text(pe, memory, RD_NTOS_BASE, words[1]);
        step = name != NULL && objects != NULL ? RECORD_SIZE : 8;
        if (step == RECORD_SIZE)
            rows[count++] =
                (struct export_row){(char *)name, objects, memory[section->rva + at + 16]};
    }
    qsort(rows, count, sizeof *rows, by_name);
    for (size_t i = 0; i < count; i++)
        printf("%-40s %-15s %s\n", rows[i].name, levels[rows[i].irql & 15], rows[i].objects);
    free(rows);
    return EXIT_CLEAN;
}

static int list_exports(const struct options *o)
{
    struct error e = {0};
    struct file_data file;
    char *path;
    if (!session_read_kernel(o, &path, &file, &e)) {
        free(path);
        return cli_fail(&e);
    }
    struct pe pe;
    int status;
    if (!pe_parse(path, file.data, file.size, &pe, &e)) {
        status = cli_fail(&e);
    } else {
        uint8_t *memory = malloc(pe.image_size);
        RD_ASSERT(memory != NULL);
        status = pe_map(&pe, path, RD_NTOS_BASE, memory, &e) ? print_exports(path, &pe, memory)
                                                             : cli_fail(&e);
        free(memory);
    }
    file_free(&file);
    free(path);
    return status;
}

static int list(int argc, char **argv)
{
    struct options o;
    struct error e = {0};
    int first;
    if (!options_parse(argc, argv, ALLOWED, &o, &first, &e))
        return cli_fail(&e);
    if (o.help)
        return cli_help(&command_list, ALLOWED);
    const char *what = argc - first == 1 ? argv[first] : "";
    if (strcmp(what, "checks") == 0)
        return list_checks();
    if (strcmp(what, "exports") == 0)
        return list_exports(&o);
    if (strcmp(what, "strategies") == 0)
        return list_strategies();
    if (strcmp(what, "verbs") == 0)
        return list_verbs();
    error_set(&e, ERROR_INPUT, "list: expected one of checks, exports, strategies, verbs");
    return cli_fail(&e);
}

const struct command command_list = {
    .name = "list",
    .synopsis = "checks | exports | strategies | verbs",
    .help = "Prints what this build checks, what its kernel exports, how it can explore, and what "
            "scenarios can say.",
    .run = list,
};
