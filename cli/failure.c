/*
 * What the commands on a failure file have in common: replay and debug differ in what they do with the machine it happened in.
 */
#include "cli/cli.h"

int cli_on_failure(const struct command *c, const char *allowed, int argc, char **argv,
                   int (*play)(struct session *s, const struct options *o, const char *path, const struct failure *f))
{
    struct options o;
    struct error e = {0};
    int first;
    if (!options_parse(argc, argv, allowed, &o, &first, &e))
        return cli_fail(&e);
    if (o.help)
        return cli_help(c, allowed);
    if (argc - first != 1) {
        error_set(&e, ERROR_INPUT, "%s: expected one failure file (.rdn), got %d", c->name, argc - first);
        return cli_fail(&e);
    }
    struct failure f;
    if (!failure_read(argv[first], &f, &e))
        return cli_fail(&e);
    struct session s;
    int status = session_open_failure(&s, &o, argv[first], &f, &e) ? play(&s, &o, argv[first], &f) : cli_fail(&e);
    session_close(&s);
    failure_free(&f);
    return status;
}
