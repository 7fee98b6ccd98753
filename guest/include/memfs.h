/* What the scenario's `mount` step asks of the memory file system's control device. */
#ifndef GUEST_MEMFS_H
#define GUEST_MEMFS_H

#include <ntifs.h>

#define MEMFS_CONTROL_DEVICE L"\\MemFs"

/* Makes a disk of this name and a DOS name for it. Input: MEMFS_DISK_REQUEST. */
#define IOCTL_MEMFS_CREATE_DISK                                                                    \
    CTL_CODE(FILE_DEVICE_DISK_FILE_SYSTEM, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _MEMFS_DISK_REQUEST
{
    WCHAR Name[64];    /* \Device\HarddiskVolume1 */
    WCHAR DosName[64]; /* \DosDevices\C: */
    BOOLEAN MayPend;   /* reads, writes and directory queries may pend: the explorer chooses */
} MEMFS_DISK_REQUEST, *PMEMFS_DISK_REQUEST;

#endif
