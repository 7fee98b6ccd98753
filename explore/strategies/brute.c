/* Every interleaving of steps, depth first, without any reduction: the oracle that the reducing
 * strategies are tested against, and an honest answer for tiny programs. */
#include "explore/internal.h"

#include <stdlib.h>

struct level {
    uint64_t untried; /* agents, without the present one */
    unsigned agent;
    struct answers answers; /* of the present agent's step */
    unsigned snapshot;
    size_t path;
};

typedef VEC(struct level) level_stack;

/* Opens a level at the present state; false when the execution ends here. */
static bool descend(struct explorer *x, level_stack *stack)
{
    const struct subject *s = x->subject;
    uint64_t enabled = s->enabled(s->context);
    if (enabled == 0) {
        explorer_ended(x, s->quiescent(s->context));
        return false;
    }
    if (x->options->max_steps != 0 && stack->count >= x->options->max_steps) {
        explorer_step_limit(x);
        return false;
    }
    unsigned agent = (unsigned)__builtin_ctzll(enabled);
    vec_push(stack, (struct level){.untried = enabled & (enabled - 1),
                                   .agent = agent,
                                   .snapshot = s->push(s->context),
                                   .path = x->path.count});
    return true;
}

/* Moves the deepest level to its next transition, closing exhausted ones; false when none is left.
 */
static bool advance(struct explorer *x, level_stack *stack)
{
    const struct subject *s = x->subject;
    while (stack->count > 0) {
        struct level *l = &stack->data[stack->count - 1];
        bool more = answers_next(&l->answers);
        if (!more && l->untried != 0) {
            l->agent = (unsigned)__builtin_ctzll(l->untried);
            l->untried &= l->untried - 1;
            more = true;
        }
        if (more) {
            explorer_go_back(x, l->snapshot, l->path);
            return true;
        }
        s->drop(s->context, l->snapshot);
        free(l->answers.data);
        stack->count--;
    }
    return false;
}

static void search(struct explorer *x)
{
    level_stack stack = {NULL, 0, 0};
    explorer_begin_round(x);
    bool more = descend(x, &stack);
    while (more && !x->over && !x->grown) {
        struct level *l = &stack.data[stack.count - 1];
        struct step_result r = explorer_step(x, l->agent, &l->answers, NULL);
        if (r.stop != STOP_NONE)
            explorer_ended(x, r.stop);
        if (r.stop == STOP_NONE && descend(x, &stack))
            continue;
        if (!x->over && !x->grown)
            more = advance(x, &stack);
    }
    while (stack.count > 0) {
        struct level *l = &stack.data[--stack.count];
        x->subject->drop(x->subject->context, l->snapshot);
        free(l->answers.data);
    }
    vec_free(&stack);
}

static bool run(struct explorer *x, struct error *e)
{
    (void)e;
    do
        search(x);
    while (x->grown && !x->over);
    explorer_claim(x, EXPLORER_ALL, "every interleaving explored");
    return true;
}

const struct strategy strategy_brute = {
    "brute", "every interleaving of steps, without reduction: for tiny programs and tests", run};
