/*
 * Counted strings and the linked lists of the run-time library.
 */
#include "../test.h"

TEST(InitUnicodeStringCountsBytesWithoutTheTerminator)
{
    UNICODE_STRING String;

    RtlInitUnicodeString(&String, L"driver");
    EXPECT_EQ(String.Length, 12);
    EXPECT_EQ(String.MaximumLength, 14);
    RtlInitUnicodeString(&String, NULL);
    EXPECT_EQ(String.Length, 0);
}

TEST(EqualUnicodeStringHeedsCaseOnDemand)
{
    UNICODE_STRING Lower, Upper;

    RtlInitUnicodeString(&Lower, L"driver");
    RtlInitUnicodeString(&Upper, L"DRIVER");
    EXPECT(!RtlEqualUnicodeString(&Lower, &Upper, FALSE));
    EXPECT(RtlEqualUnicodeString(&Lower, &Upper, TRUE));
}

TEST(CompareUnicodeStringOrders)
{
    UNICODE_STRING First, Second;

    RtlInitUnicodeString(&First, L"alpha");
    RtlInitUnicodeString(&Second, L"beta");
    EXPECT(RtlCompareUnicodeString(&First, &Second, FALSE) < 0);
    EXPECT(RtlCompareUnicodeString(&Second, &First, TRUE) > 0);
    EXPECT_EQ(RtlCompareUnicodeString(&First, &First, FALSE), 0);
}

TEST(CopyUnicodeStringTruncatesAtTheMaximum)
{
    UNICODE_STRING Source, Target;
    WCHAR Buffer[5];

    Buffer[4] = L'#';
    Target.Buffer = Buffer;
    Target.Length = 0;
    Target.MaximumLength = 4 * sizeof(WCHAR);
    RtlInitUnicodeString(&Source, L"driver");
    RtlCopyUnicodeString(&Target, &Source);
    EXPECT_EQ(Target.Length, 8);
    EXPECT_EQ(Buffer[0], 'd');
    EXPECT_EQ(Buffer[3], 'v');
    EXPECT_EQ(Buffer[4], '#');
}

TEST(AppendRefusesWhatDoesNotFit)
{
    UNICODE_STRING Target;
    WCHAR Buffer[8];

    Target.Buffer = Buffer;
    Target.Length = 0;
    Target.MaximumLength = sizeof(Buffer);
    EXPECT_EQ(RtlAppendUnicodeToString(&Target, L"\\Dev"), STATUS_SUCCESS);
    EXPECT_EQ(RtlAppendUnicodeToString(&Target, L"ice\\X"), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(Target.Length, 8);
}

TEST(AnsiAndUnicodeConvertIntoEachOther)
{
    ANSI_STRING Ansi, Back;
    UNICODE_STRING Unicode, Expected;

    RtlInitAnsiString(&Ansi, "rundown");
    RtlInitUnicodeString(&Expected, L"rundown");
    EXPECT_EQ(RtlAnsiStringToUnicodeString(&Unicode, &Ansi, TRUE), STATUS_SUCCESS);
    EXPECT(RtlEqualUnicodeString(&Unicode, &Expected, FALSE));
    EXPECT_EQ(RtlUnicodeStringToAnsiString(&Back, &Unicode, TRUE), STATUS_SUCCESS);
    EXPECT(RtlEqualString(&Ansi, &Back, FALSE));
    RtlFreeAnsiString(&Back);
    RtlFreeUnicodeString(&Unicode);
}

TEST(IntegersConvertToStringsAndBack)
{
    UNICODE_STRING String;
    WCHAR Buffer[16];
    ULONG Value = 0;

    String.Buffer = Buffer;
    String.Length = 0;
    String.MaximumLength = sizeof(Buffer);
    EXPECT_EQ(RtlIntegerToUnicodeString(12345, 10, &String), STATUS_SUCCESS);
    EXPECT_EQ(String.Length, 10);
    EXPECT_EQ(RtlUnicodeStringToInteger(&String, 10, &Value), STATUS_SUCCESS);
    EXPECT_EQ(Value, 12345);
}

TEST(ListsKeepTheirOrder)
{
    LIST_ENTRY Head, First, Second, Third;

    InitializeListHead(&Head);
    EXPECT(IsListEmpty(&Head));
    InsertTailList(&Head, &First);
    InsertTailList(&Head, &Second);
    InsertHeadList(&Head, &Third);
    EXPECT_EQ(RemoveHeadList(&Head), &Third);
    EXPECT_EQ(RemoveTailList(&Head), &Second);
    EXPECT(RemoveEntryList(&First));
    EXPECT(IsListEmpty(&Head));
}

TEST(SystemVersionIsReported)
{
    RTL_OSVERSIONINFOW Version;

    RtlZeroMemory(&Version, sizeof(Version));
    Version.dwOSVersionInfoSize = sizeof(Version);
    EXPECT_EQ(RtlGetVersion(&Version), STATUS_SUCCESS);
    EXPECT(Version.dwMajorVersion >= 6);
}
