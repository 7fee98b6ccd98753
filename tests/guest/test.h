/*
 * Tests that run inside: a test driver is a list of TEST(SentenceName) functions in one source
 * file. Loading the driver runs them in the order of the file, in DriverEntry, and prints TAP with
 * DbgPrint. Nothing here knows on which kernel it runs: the same driver prints the same lines on
 * Windows.
 *
 * A failed expectation prints where, what was expected and what was got, and the test goes on.
 */
#ifndef TESTS_GUEST_TEST_H
#define TESTS_GUEST_TEST_H

#include <ntifs.h>

#define TEST_TAG 'tseT'

typedef struct _TEST_CASE
{
    const char *Name;
    VOID (*Routine)(VOID);
    ULONG Line;
} TEST_CASE, *PTEST_CASE;

/* Pointers to all cases land in one section, between the two markers of test.c. */
#if defined(_MSC_VER)
#pragma section("test$a", read)
#pragma section("test$m", read)
#pragma section("test$z", read)
#define TEST_SECTION(letter) __declspec(allocate("test$" letter))
#else
#define TEST_SECTION(letter) __attribute__((section("test$" letter), used))
#endif

#define TEST(name)                                                                                 \
    static VOID Test##name(VOID);                                                                  \
    static const TEST_CASE TestCase##name = {#name, Test##name, __LINE__};                         \
    TEST_SECTION("m") static const TEST_CASE *const TestEntry##name = &TestCase##name;             \
    static VOID Test##name(VOID)

VOID TestExpect(BOOLEAN Holds, const char *Text, const char *File, ULONG Line);
VOID TestExpectEqual(ULONG64 Got, ULONG64 Expected, const char *Text, const char *File, ULONG Line);

#define EXPECT(condition) TestExpect((BOOLEAN)!!(condition), #condition, __FILE__, __LINE__)
#define EXPECT_EQ(got, expected)                                                                   \
    TestExpectEqual((ULONG64)(LONG64)(got), (ULONG64)(LONG64)(expected), #got, __FILE__, __LINE__)

/* The driver object of the test driver. */
extern PDRIVER_OBJECT TestDriver;

typedef struct _TEST_THREAD
{
    PKTHREAD Thread;
} TEST_THREAD, *PTEST_THREAD;

/* A system thread; its routine may simply return. */
VOID TestStartThread(PTEST_THREAD Thread, PKSTART_ROUTINE Routine, PVOID Context);
VOID TestJoinThread(PTEST_THREAD Thread);

LARGE_INTEGER TestRelative(ULONG Milliseconds);
VOID TestSleep(ULONG Milliseconds);
/* Waits for ever, or with a bound: returns the status. */
NTSTATUS TestWait(PVOID Object);
NTSTATUS TestPoll(PVOID Object);

/* Zeroed nonpaged pool. */
PVOID TestAllocate(SIZE_T Bytes);
VOID TestFree(PVOID Block);

#endif
