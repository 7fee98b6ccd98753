/*
 * The runner that every test driver is linked with: finds the cases, runs them, prints TAP.
 */
#include "test.h"

TEST_SECTION("a") static const TEST_CASE *const FirstEntry = NULL;
TEST_SECTION("z") static const TEST_CASE *const LastEntry = NULL;

#define MAX_CASES 128

PDRIVER_OBJECT TestDriver;
static const TEST_CASE *Cases[MAX_CASES];
static ULONG CaseCount;
static volatile LONG Failures;

DRIVER_INITIALIZE DriverEntry;

static const char *BaseName(const char *Path)
{
    const char *Base = Path;

    for (; *Path != '\0'; Path++)
    {
        if (*Path == '/' || *Path == '\\')
        {
            Base = Path + 1;
        }
    }
    return Base;
}

VOID TestExpect(BOOLEAN Holds, const char *Text, const char *File, ULONG Line)
{
    if (!Holds)
    {
        InterlockedIncrement(&Failures);
        DbgPrint("# %s:%u: expected %s\n", BaseName(File), Line, Text);
    }
}

VOID TestExpectEqual(ULONG64 Got, ULONG64 Expected, const char *Text, const char *File, ULONG Line)
{
    if (Got != Expected)
    {
        InterlockedIncrement(&Failures);
        DbgPrint("# %s:%u: %s: expected 0x%I64x, got 0x%I64x\n", BaseName(File), Line, Text, Expected,
                 Got);
    }
}

/* The linker may pad between entries, and compilers do not keep their order: skip zeros, sort by
 * line. */
static VOID CollectCases(VOID)
{
    const TEST_CASE *const volatile *Entry;

    for (Entry = &FirstEntry; Entry < &LastEntry; Entry++)
    {
        const TEST_CASE *Case = *Entry;
        ULONG Place;

        if (Case == NULL || CaseCount == MAX_CASES)
        {
            continue;
        }
        for (Place = CaseCount; Place > 0 && Cases[Place - 1]->Line > Case->Line; Place--)
        {
            Cases[Place] = Cases[Place - 1];
        }
        Cases[Place] = Case;
        CaseCount++;
    }
}

static VOID NTAPI TestUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG Index;

    UNREFERENCED_PARAMETER(RegistryPath);
    TestDriver = DriverObject;
    DriverObject->DriverUnload = TestUnload;
    CollectCases();
    DbgPrint("1..%u\n", CaseCount);
    for (Index = 0; Index < CaseCount; Index++)
    {
        Failures = 0;
        Cases[Index]->Routine();
        DbgPrint("%s %u - %s\n", Failures == 0 ? "ok" : "not ok", Index + 1, Cases[Index]->Name);
    }
    return STATUS_SUCCESS;
}

VOID TestStartThread(PTEST_THREAD Thread, PKSTART_ROUTINE Routine, PVOID Context)
{
    HANDLE Handle;
    NTSTATUS Status;

    Status = PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine, Context);
    EXPECT_EQ(Status, STATUS_SUCCESS);
    Status = ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, NULL, KernelMode,
                                       (PVOID *)&Thread->Thread, NULL);
    EXPECT_EQ(Status, STATUS_SUCCESS);
    ZwClose(Handle);
}

VOID TestJoinThread(PTEST_THREAD Thread)
{
    KeWaitForSingleObject(Thread->Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Thread->Thread);
}

LARGE_INTEGER TestRelative(ULONG Milliseconds)
{
    LARGE_INTEGER Interval;

    Interval.QuadPart = -10000LL * Milliseconds;
    return Interval;
}

VOID TestSleep(ULONG Milliseconds)
{
    LARGE_INTEGER Interval = TestRelative(Milliseconds);

    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}

NTSTATUS TestWait(PVOID Object)
{
    return KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, NULL);
}

NTSTATUS TestPoll(PVOID Object)
{
    LARGE_INTEGER Zero = {{0, 0}};

    return KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, &Zero);
}

PVOID TestAllocate(SIZE_T Bytes)
{
    PVOID Block = ExAllocatePoolWithTag(NonPagedPool, Bytes, TEST_TAG);

    EXPECT(Block != NULL);
    if (Block != NULL)
    {
        RtlZeroMemory(Block, Bytes);
    }
    return Block;
}

VOID TestFree(PVOID Block)
{
    ExFreePoolWithTag(Block, TEST_TAG);
}
