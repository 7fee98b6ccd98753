/*
 * Finding an image's debug information outside of the image: its PDB, by the name, GUID and age that the image's debug directory
 * records; and images themselves, for failures whose drivers have moved. Folders may be plain or symbol stores, as symstore and
 * symsrv lay them out: NAME.pdb/GUIDAGE/NAME.pdb, NAME.sys/TIMESTAMPSIZE/NAME.sys, with an index2 folder in front or not.
 */
#ifndef DEBUG_SYMBOL_FILE_H
#define DEBUG_SYMBOL_FILE_H

#include "base/file.h"
#include "debug/debug.h"
#include "debug/pdb.h"
#include "machine/pe/pe.h"

/* What the image says of its PDB. */
struct pdb_reference {
    struct pdb_identity identity;
    const char *path; /* as the linker recorded it */
};
/* False: it has none. */
bool symbol_file_reference(const struct pe *pe, struct pdb_reference *out);

#define PDB_KEY 41
/* "GUIDAGE", the folder's name in a store. */
void symbol_file_key(const struct pdb_identity *i, char out[PDB_KEY]);

/* The PDB with the reference's identity: in the places' folders, plain or as stores; beside the image, under the image's name
 * or the recorded one; where it was recorded. NULL: there is none, and *refused, malloc'ed, says in one line, without the image's
 * name, why a file that was found is not used. *file holds what the PDB is read from, *path (malloc'ed) says which file it is. */
struct pdb *symbol_file_pdb(const struct symbol_places *places, const struct pe *pe, const struct pdb_reference *r, const char *image_path,
                            struct file_data *file, char **path, char **refused);

#endif
