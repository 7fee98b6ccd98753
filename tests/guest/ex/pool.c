/*
 * Pool, lookaside lists and interlocked lists.
 */
#include "../test.h"

TEST(PoolBlocksAreAlignedDistinctAndWritable)
{
    PUCHAR First = ExAllocatePoolWithTag(NonPagedPool, 24, TEST_TAG);
    PUCHAR Second = ExAllocatePoolWithTag(PagedPool, 24, TEST_TAG);

    EXPECT(First != NULL && Second != NULL);
    EXPECT_EQ((ULONG_PTR)First & 15, 0);
    EXPECT_EQ((ULONG_PTR)Second & 15, 0);
    RtlFillMemory(First, 24, 0x5a);
    RtlFillMemory(Second, 24, 0xa5);
    EXPECT_EQ(First[0], 0x5a);
    EXPECT_EQ(First[23], 0x5a);
    EXPECT_EQ(Second[23], 0xa5);
    ExFreePoolWithTag(First, TEST_TAG);
    ExFreePool(Second);
}

TEST(APageOfPoolIsPageAligned)
{
    PVOID Block = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TEST_TAG);

    EXPECT(Block != NULL);
    EXPECT_EQ((ULONG_PTR)Block & (PAGE_SIZE - 1), 0);
    ExFreePoolWithTag(Block, TEST_TAG);
}

TEST(UserBufferCopiesKeepTheirBytes)
{
    UCHAR Source[64], Target[64];
    ULONG Index;

    for (Index = 0; Index < sizeof(Source); Index++)
    {
        Source[Index] = (UCHAR)(Index * 7);
    }
    RtlZeroMemory(Target, sizeof(Target));
    RtlCopyMemory(Target + 3, Source + 5, 41);
    EXPECT_EQ(Target[2], 0);
    EXPECT_EQ(RtlCompareMemory(Target + 3, Source + 5, 41), 41);
    EXPECT_EQ(Target[44], 0);
    RtlMoveMemory(Target + 5, Target + 3, 41);
    EXPECT_EQ(RtlCompareMemory(Target + 5, Source + 5, 41), 41);
}

TEST(LookasideListHandsOutUsableEntries)
{
    NPAGED_LOOKASIDE_LIST List;
    PVOID First, Second;

    ExInitializeNPagedLookasideList(&List, NULL, NULL, 0, 48, TEST_TAG, 0);
    First = ExAllocateFromNPagedLookasideList(&List);
    Second = ExAllocateFromNPagedLookasideList(&List);
    EXPECT(First != NULL && Second != NULL && First != Second);
    RtlFillMemory(First, 48, 1);
    ExFreeToNPagedLookasideList(&List, First);
    ExFreeToNPagedLookasideList(&List, Second);
    ExDeleteNPagedLookasideList(&List);
}

TEST(InterlockedListIsFirstInFirstOut)
{
    LIST_ENTRY Head, First, Second;
    KSPIN_LOCK Lock;

    InitializeListHead(&Head);
    KeInitializeSpinLock(&Lock);
    EXPECT_EQ(ExInterlockedInsertTailList(&Head, &First, &Lock), 0);
    EXPECT_EQ(ExInterlockedInsertTailList(&Head, &Second, &Lock), &First);
    EXPECT_EQ(ExInterlockedRemoveHeadList(&Head, &Lock), &First);
    EXPECT_EQ(ExInterlockedRemoveHeadList(&Head, &Lock), &Second);
    EXPECT_EQ(ExInterlockedRemoveHeadList(&Head, &Lock), 0);
    EXPECT_EQ(ExInterlockedInsertHeadList(&Head, &First, &Lock), 0);
    EXPECT_EQ(ExInterlockedRemoveHeadList(&Head, &Lock), &First);
}

TEST(SequencedListIsLastInFirstOut)
{
    PSLIST_HEADER Head = TestAllocate(sizeof(SLIST_HEADER));
    PSLIST_ENTRY Entries = TestAllocate(4 * sizeof(SLIST_ENTRY));

    InitializeSListHead(Head);
    ExpInterlockedPushEntrySList(Head, &Entries[0]);
    EXPECT_EQ(ExpInterlockedPushEntrySList(Head, &Entries[2]), &Entries[0]);
    EXPECT_EQ(ExpInterlockedPopEntrySList(Head), &Entries[2]);
    EXPECT_EQ(ExpInterlockedPopEntrySList(Head), &Entries[0]);
    EXPECT_EQ(ExpInterlockedPopEntrySList(Head), 0);
    TestFree(Entries);
    TestFree(Head);
}
