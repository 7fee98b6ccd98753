/* Whole files in and out, with errors that name the file. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct file_data {
    uint8_t *data; /* malloc'ed, one spare NUL byte behind the end */
    size_t size;
};

/* Reads at most `limit` bytes; a larger file, a directory or a missing one is ERROR_INPUT. */
bool file_read(const char *path, size_t limit, struct file_data *out, struct error *e);
void file_free(struct file_data *f);

/* Writes to a temporary name beside `path` and renames, so that a failed write loses nothing. */
bool file_write(const char *path, const void *data, size_t size, struct error *e);

/* malloc'ed: directory part ("." when there is none); `name` joined to `directory` unless absolute. */
char *file_directory(const char *path);
char *file_join(const char *directory, const char *name);
const char *file_name(const char *path);
bool file_exists(const char *path);

#endif
