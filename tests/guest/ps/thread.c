/*
 * System threads.
 */
#include "../test.h"

typedef struct _STARTED
{
    volatile LONG Calls;
    PVOID Context;
    PKTHREAD Self;
    KIRQL Irql;
    BOOLEAN Terminate;
} STARTED;

static VOID NTAPI Start(PVOID Context)
{
    STARTED *Started = Context;

    Started->Self = KeGetCurrentThread();
    Started->Irql = KeGetCurrentIrql();
    InterlockedIncrement(&Started->Calls);
    if (Started->Terminate)
    {
        PsTerminateSystemThread(STATUS_SUCCESS);
        InterlockedIncrement(&Started->Calls); /* never */
    }
}

TEST(SystemThreadRunsItsRoutineOnce)
{
    STARTED Started;
    TEST_THREAD Thread;

    RtlZeroMemory(&Started, sizeof(Started));
    TestStartThread(&Thread, Start, &Started);
    TestWait(Thread.Thread);
    EXPECT_EQ(Started.Calls, 1);
    EXPECT_EQ(Started.Self, Thread.Thread);
    EXPECT_EQ(Started.Irql, PASSIVE_LEVEL);
    ObDereferenceObject(Thread.Thread);
}

TEST(TerminateDoesNotReturn)
{
    STARTED Started;
    TEST_THREAD Thread;

    RtlZeroMemory(&Started, sizeof(Started));
    Started.Terminate = TRUE;
    TestStartThread(&Thread, Start, &Started);
    TestJoinThread(&Thread);
    EXPECT_EQ(Started.Calls, 1);
}

TEST(ClosingTheHandleDoesNotEndTheThread)
{
    STARTED Started;
    TEST_THREAD Thread;

    RtlZeroMemory(&Started, sizeof(Started));
    TestStartThread(&Thread, Start, &Started); /* closes the handle at once */
    TestJoinThread(&Thread);
    EXPECT_EQ(Started.Calls, 1);
}

TEST(PriorityIsReturnedBySetPriority)
{
    KPRIORITY Old = KeSetPriorityThread(KeGetCurrentThread(), 12);

    EXPECT_EQ(KeQueryPriorityThread(KeGetCurrentThread()), 12);
    EXPECT_EQ(KeSetPriorityThread(KeGetCurrentThread(), Old), 12);
}
