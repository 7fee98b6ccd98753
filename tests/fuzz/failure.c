/* Failure files as hostile input, as they are and with the check hash made right, so that the
 * members behind it are reached too. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "report/failure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];

static void read_once(const void *data, size_t size)
{
    struct failure f;
    struct error e = {0};
    RD_ASSERT(file_write(path, data, size, &e));
    if (failure_read(path, &f, &e))
        failure_free(&f);
    else
        RD_ASSERT(e.kind == ERROR_INPUT && strchr(e.text, '\n') == NULL && e.text[0] != '\0');
}

static void read_with_right_hash(const uint8_t *data, size_t size)
{
    json_t *o = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(o)) {
        char hash[HASH_TEXT];
        json_object_del(o, "check");
        char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
        RD_ASSERT(text != NULL);
        hash_text(hash_bytes(text, strlen(text)), hash);
        free(text);
        json_object_set_new(o, "check", json_string(hash));
        text = json_dumps(o, 0);
        read_once(text, strlen(text));
        free(text);
    }
    json_decref(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (path[0] == '\0') {
        static char folder[] = "/tmp/rundown-fuzz-XXXXXX";
        RD_ASSERT(mkdtemp(folder) != NULL);
        snprintf(path, sizeof path, "%s/case.rdn", folder);
    }
    read_once(data, size);
    read_with_right_hash(data, size);
    return 0;
}
