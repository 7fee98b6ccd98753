/* A file system's allocation of blocks to inodes (Flanagan and Godefroid, "Dynamic partial-order reduction for model
 * checking software", POPL 2005): threads with different inodes meet from the fourteenth on, over a block. */
#include "../litmus.h"

#define BLOCKS 26
#define INODES 32

typedef struct DECLSPEC_ALIGN(64) _LOCK
{
    KSPIN_LOCK Lock;
} LOCK;

static LOCK InodeLocks[INODES], BlockLocks[BLOCKS];
static CELL Inodes[INODES], Busy[BLOCKS];

VOID LitmusInitialize(VOID)
{
    LitmusBodies = 20;
}

VOID LitmusBody(ULONG Number)
{
    ULONG Inode = Number % INODES;
    ULONG Block = (Inode * 2) % BLOCKS;
    KIRQL Irql = KeRaiseIrqlToDpcLevel();

    KeAcquireSpinLockAtDpcLevel(&InodeLocks[Inode].Lock);
    while (Inodes[Inode].Value == 0)
    {
        KeAcquireSpinLockAtDpcLevel(&BlockLocks[Block].Lock);
        if (Busy[Block].Value == 0)
        {
            Busy[Block].Value = 1;
            Inodes[Inode].Value = (LONG)Block + 1;
        }
        KeReleaseSpinLockFromDpcLevel(&BlockLocks[Block].Lock);
        Block = (Block + 1) % BLOCKS;
    }
    KeReleaseSpinLockFromDpcLevel(&InodeLocks[Inode].Lock);
    KeLowerIrql(Irql);
}
