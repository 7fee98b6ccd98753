/* What the PE tests share: fixtures are images that the makefile built, beside the test program in
 * pe/. */
#ifndef TESTS_UNIT_PE_SUPPORT_H
#define TESTS_UNIT_PE_SUPPORT_H

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/str.h"
#include "machine/pe/pe.h"

static inline char *fixture_path(const char *name)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = 0;
    char *directory = file_directory(self);
    char *path = str_format("%s/pe/%s", directory, name);
    free(directory);
    return path;
}

static inline struct file_data fixture_read(const char *name)
{
    char *path = fixture_path(name);
    struct file_data f;
    struct error e = {0};
    if (!file_read(path, PE_MAX_IMAGE, &f, &e))
        fail_msg("%s", e.text);
    free(path);
    return f;
}

#endif
