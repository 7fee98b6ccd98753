/*
 * Failure files (.rdn): JSON that names the images by content, carries the scenario, the shared
 * locations and the decisions, and the hashes that a replay must reach. Reading one is parsing
 * hostile input.
 */
#ifndef REPORT_FAILURE_H
#define REPORT_FAILURE_H

#include "base/error.h"
#include "base/hash.h"

#define FAILURE_VERSION 1

struct failure_image {
    char *name; /* as the guest asks for it */
    char *path; /* where it was; relative paths are relative to the failure file */
    struct hash128 content;
};

struct failure_decision {
    uint8_t is_choice, agent;
    uint16_t value;
};

struct failure {
    char *rule, *sentence, *bugcheck; /* for people; the replay recomputes them and compares rule */
    char *notes; /* report_notes_text; the replay compares them. NULL: the file says nothing of notes */
    struct hash128 guest;             /* kernel and HAL images: a replay needs the same build */
    struct failure_image *images;
    size_t image_count;
    uint8_t *loader; /* the loader block as lowered from the scenario */
    size_t loader_size;
    char *scenario_path;
    uint64_t driver_base;
    uint64_t *shared; /* granules */
    size_t shared_count;
    struct failure_decision *decisions;
    size_t decision_count;
    struct hash128 trace, memory;
    uint64_t seed;
    char *strategy;
};

bool failure_read(const char *path, struct failure *out, struct error *e);
bool failure_write(const char *path, const struct failure *f, struct error *e);
void failure_free(struct failure *f);
/* Decisions as a failure file writes them: "1 5*6 c5=1" is agent 1, agent 5 six times, its choice 1. */
struct str;
void failure_decisions_text(const struct failure_decision *decisions, size_t count, struct str *out);

#endif
