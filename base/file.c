/* Whole files in and out. Writing goes through a temporary file and a rename: either the old content
 * or the whole new content is there, never half of it. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

bool file_read(const char *path, size_t limit, struct file_data *out, struct error *e)
{
    *out = (struct file_data){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(e, ERROR_INPUT, "%s: %s", path, strerror(errno));
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return error_set(e, ERROR_INPUT, "%s: not a regular file", path);
    }
    if ((uint64_t)st.st_size > limit) {
        close(fd);
        return error_set(e, ERROR_INPUT, "%s: %lld bytes, the limit is %zu", path,
                         (long long)st.st_size, limit);
    }
    uint8_t *data = malloc((size_t)st.st_size + 1);
    RD_ASSERT(data != NULL);
    size_t have = 0;
    while (have < (size_t)st.st_size) {
        ssize_t got = read(fd, data + have, (size_t)st.st_size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    close(fd);
    if (have != (size_t)st.st_size) {
        free(data);
        return error_set(e, ERROR_INPUT, "%s: read failed", path);
    }
    data[have] = 0;
    *out = (struct file_data){data, have};
    return true;
}

void file_free(struct file_data *f)
{
    free(f->data);
    *f = (struct file_data){0};
}

static bool write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, data, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        data += put;
        size -= (size_t)put;
    }
    return true;
}

bool file_write(const char *path, const void *data, size_t size, struct error *e)
{
    char *temporary = str_format("%s.%ld.tmp", path, (long)getpid());
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        error_set(e, ERROR_INPUT, "%s: cannot write: %s", path, strerror(errno));
        free(temporary);
        return false;
    }
    bool ok = write_all(fd, data, size);
    ok = close(fd) == 0 && ok;
    ok = ok && rename(temporary, path) == 0;
    if (!ok) {
        error_set(e, ERROR_INPUT, "%s: cannot write: %s", path, strerror(errno));
        unlink(temporary);
    }
    free(temporary);
    return ok;
}

char *file_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return str_dup(".");
    return str_format("%.*s", slash == path ? 1 : (int)(slash - path), path);
}

char *file_join(const char *directory, const char *name)
{
    if (name[0] == '/' || strcmp(directory, ".") == 0)
        return str_dup(name);
    return str_format("%s/%s", directory, name);
}

const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}
