/* Picks the subcommand. Everything a subcommand needs is in its own file. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/cli.h"
#include "explore/explore.h"
#include "report/failure.h"

static const struct command *const commands[] = {&command_check, &command_run, &command_replay,
                                                 &command_debug, &command_merge, &command_list};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

int cli_fail(const struct error *e)
{
    RD_ASSERT(e->kind != ERROR_NONE);
    fprintf(stderr, "rundown: %s%s\n", e->kind == ERROR_INTERNAL ? "internal error: " : "",
            e->text);
    return (int)e->kind;
}

int cli_help(const struct command *c, const char *allowed)
{
    printf("usage: rundown %s %s\n\n%s\n", c->name, c->synopsis, c->help);
    if (allowed[0] != '\0') {
        printf("\nOptions:\n");
        options_print(allowed, stdout);
    }
    return EXIT_CLEAN;
}

static int help(void)
{
    printf("rundown runs Windows drivers on Linux and explores the interleavings of their "
           "threads.\n\nusage:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  rundown %-7s %s\n", commands[i]->name, commands[i]->synopsis);
    printf("\n`rundown COMMAND --help` says more. Exit status: 0 no violation, 1 violation, 2 "
           "wrong usage or input,\n"
           "3 the driver used something that is not implemented, 4 internal error.\n");
    return EXIT_CLEAN;
}

/* A bug of ours met while exploring: the decisions that lead there are half of the bug report. */
static void print_decisions(void *context)
{
    const struct schedule *s = explore_present();
    struct str text = {0};
    (void)context;
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->count; i++) {
        struct failure_decision d = {s->data[i].is_choice, s->data[i].agent, s->data[i].value};
        str_add(&text, i ? " " : "");
        failure_decisions_text(&d, 1, &text);
    }
    fprintf(stderr, "rundown: after the decisions: %s\n", text.data != NULL ? text.data : "none");
    str_free(&text);
}

int main(int argc, char **argv)
{
    struct error e = {0};
    assert_set_hook(print_decisions, NULL);
    if (argc < 2) {
        error_set(&e, ERROR_INPUT, "no command given; try: rundown --help");
        return cli_fail(&e);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0)
        return help();
    if (strcmp(argv[1], "--version") == 0) {
        printf("rundown %s\n", RUNDOWN_VERSION);
        return EXIT_CLEAN;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], commands[i]->name) == 0) {
            int status = commands[i]->run(argc - 1, argv + 1);
            if (fflush(stdout) != 0 || ferror(stdout)) {
                error_set(&e, ERROR_INPUT, "cannot write to standard output");
                return cli_fail(&e);
            }
            return status;
        }
    error_set(&e, ERROR_INPUT, "unknown command \"%s\"; try: rundown --help", argv[1]);
    return cli_fail(&e);
}
