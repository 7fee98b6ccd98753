/* Threads of a scenario that nothing in it tells apart but their names: the explorer may take them for each other
 * (explore/symmetry.h). */
#include "scenario/scenario.h"

#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_step(const struct scenario_step *a, const struct scenario_step *b)
{
    return a->op == b->op && a->slot == b->slot && a->flags == b->flags && a->code == b->code &&
           a->value == b->value && a->expect == b->expect && a->input_size == b->input_size &&
           a->output_size == b->output_size && same_text(a->text, b->text) && same_text(a->text2, b->text2) &&
           (a->input_size == 0 || memcmp(a->input, b->input, a->input_size) == 0);
}

static bool takes_thread(const struct scenario_step *step)
{
    for (const struct scenario_verb *const *v = scenario_verbs; *v != NULL; v++)
        if ((*v)->op == step->op && strchr((*v)->arguments, 'T') != NULL)
            return true;
    return false;
}

static bool named(const struct scenario *s, unsigned thread)
{
    for (unsigned t = 0; t < s->thread_count; t++)
        for (size_t i = 0; i < s->threads[t].count; i++)
            if (takes_thread(&s->threads[t].steps[i]) && s->threads[t].steps[i].value == thread)
                return true;
    return false;
}

bool scenario_alike(const struct scenario *s, unsigned a, unsigned b)
{
    const struct scenario_thread *x = &s->threads[a], *y = &s->threads[b];
    if (x->count != y->count || x->priority != y->priority || named(s, a) || named(s, b))
        return false;
    for (size_t i = 0; i < x->count; i++)
        if (!same_step(&x->steps[i], &y->steps[i]))
            return false;
    return true;
}
