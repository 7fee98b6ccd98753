/*
 * Counted strings write nothing behind their buffers.
 */
#include "../test.h"

TEST(CopyThatFillsTheBufferWritesNoTerminator)
{
    UNICODE_STRING Source, Target;
    WCHAR Buffer[5] = {0, 0, 0, 0, L'!'};

    Target.Buffer = Buffer;
    Target.Length = 0;
    Target.MaximumLength = 4 * sizeof(WCHAR);
    RtlInitUnicodeString(&Source, L"full");
    RtlCopyUnicodeString(&Target, &Source);
    EXPECT_EQ(Target.Length, 8);
    EXPECT_EQ(Buffer[3], L'l');
    EXPECT_EQ(Buffer[4], L'!');
}

TEST(CopyThatLeavesRoomIsTerminated)
{
    UNICODE_STRING Source, Target;
    WCHAR Buffer[5] = {L'!', L'!', L'!', L'!', L'!'};

    Target.Buffer = Buffer;
    Target.Length = 0;
    Target.MaximumLength = sizeof(Buffer);
    RtlInitUnicodeString(&Source, L"full");
    RtlCopyUnicodeString(&Target, &Source);
    EXPECT_EQ(Target.Length, 8);
    EXPECT_EQ(Buffer[4], 0);
}
