/*
 * Enumerating directories, and the matching of names with wild cards.
 */
#include "fs.h"

static UCHAR Listing[2048];

/* The names of one query in order, each followed by a blank. */
static NTSTATUS List(HANDLE Handle, PCWSTR Pattern, BOOLEAN Single, BOOLEAN Restart, ULONG Length,
                     PSTR Names)
{
    UNICODE_STRING Text;
    IO_STATUS_BLOCK IoStatus;
    NTSTATUS Status;
    PFILE_DIRECTORY_INFORMATION Entry = (PFILE_DIRECTORY_INFORMATION)Listing;

    *Names = 0;
    RtlInitUnicodeString(&Text, Pattern);
    Status = ZwQueryDirectoryFile(Handle, NULL, NULL, NULL, &IoStatus, Listing, Length,
                                  FileDirectoryInformation, Single, Pattern != NULL ? &Text : NULL,
                                  Restart);
    while (NT_SUCCESS(Status))
    {
        for (ULONG i = 0; i < Entry->FileNameLength / sizeof(WCHAR); i++)
        {
            *Names++ = (CHAR)Entry->FileName[i];
        }
        *Names++ = ' ';
        *Names = 0;
        if (Entry->NextEntryOffset == 0)
        {
            break;
        }
        Entry = (PFILE_DIRECTORY_INFORMATION)((PUCHAR)Entry + Entry->NextEntryOffset);
    }
    return Status;
}

static HANDLE Prepare(PCWSTR Folder, PCWSTR First, PCWSTR Second, PCWSTR Third)
{
    HANDLE Handle;

    FsMakeDirectory(Folder);
    FsMake(First, "1");
    FsMake(Second, "22");
    FsMake(Third, "333");
    EXPECT_EQ(FsOpen(&Handle, Folder, FILE_OPEN, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
    return Handle;
}

TEST(ListingGoesThroughAllEntriesOnce)
{
    CHAR Names[256];
    HANDLE Handle = Prepare(VOLUME L"\\d1", VOLUME L"\\d1\\a.txt", VOLUME L"\\d1\\b.dat",
                            VOLUME L"\\d1\\c");

    EXPECT_EQ(List(Handle, NULL, FALSE, FALSE, sizeof Listing, Names), STATUS_SUCCESS);
    EXPECT_EQ(strcmp(Names, ". .. a.txt b.dat c "), 0);
    EXPECT_EQ(List(Handle, NULL, FALSE, FALSE, sizeof Listing, Names), STATUS_NO_MORE_FILES);
    EXPECT_EQ(List(Handle, NULL, FALSE, TRUE, sizeof Listing, Names), STATUS_SUCCESS);
    EXPECT_EQ(strcmp(Names, ". .. a.txt b.dat c "), 0);
    ZwClose(Handle);
}

TEST(SingleEntryGivesOneAtATime)
{
    CHAR Names[256];
    HANDLE Handle = Prepare(VOLUME L"\\d2", VOLUME L"\\d2\\x", VOLUME L"\\d2\\y", VOLUME L"\\d2\\z");

    EXPECT_EQ(List(Handle, L"?", TRUE, FALSE, sizeof Listing, Names), STATUS_SUCCESS);
    EXPECT_EQ(strcmp(Names, ". "), 0);
    EXPECT_EQ(List(Handle, NULL, TRUE, FALSE, sizeof Listing, Names), STATUS_SUCCESS);
    EXPECT_EQ(strcmp(Names, "x "), 0);
    EXPECT_EQ(List(Handle, NULL, TRUE, FALSE, sizeof Listing, Names), STATUS_SUCCESS);
    EXPECT_EQ(strcmp(Names, "y "), 0);
    ZwClose(Handle);
}

TEST(PatternOfTheFirstQueryStays)
{
    CHAR Names[256];
    HANDLE Handle = Prepare(VOLUME L"\\d3", VOLUME L"\\d3\\One.TXT", VOLUME L"\\d3\\two.dat",
                            VOLUME L"\\d3\\three.txt");

    EXPECT_EQ(List(Handle, L"*.txt", FALSE, FALSE, sizeof Listing, Names), STATUS_SUCCESS);
    EXPECT_EQ(strcmp(Names, "One.TXT three.txt "), 0);
    EXPECT_EQ(List(Handle, L"*.dat", FALSE, TRUE, sizeof Listing, Names), STATUS_SUCCESS);
    EXPECT_EQ(strcmp(Names, "One.TXT three.txt "), 0);
    ZwClose(Handle);
}

TEST(PatternWithoutAMatchIsNoSuchFile)
{
    CHAR Names[256];
    HANDLE Handle = Prepare(VOLUME L"\\d4", VOLUME L"\\d4\\a", VOLUME L"\\d4\\b", VOLUME L"\\d4\\c");

    EXPECT_EQ(List(Handle, L"*.none", FALSE, FALSE, sizeof Listing, Names), STATUS_NO_SUCH_FILE);
    ZwClose(Handle);
}

TEST(WhatDoesNotFitComesWithTheNextQuery)
{
    CHAR Names[256];
    HANDLE Handle = Prepare(VOLUME L"\\d5", VOLUME L"\\d5\\a", VOLUME L"\\d5\\b", VOLUME L"\\d5\\c");

    EXPECT_EQ(List(Handle, NULL, FALSE, FALSE, 216, Names), STATUS_SUCCESS);
    EXPECT_EQ(strcmp(Names, ". .. a "), 0);
    EXPECT_EQ(List(Handle, NULL, FALSE, FALSE, 216, Names), STATUS_SUCCESS);
    EXPECT_EQ(strcmp(Names, "b c "), 0);
    ZwClose(Handle);
}

TEST(EveryClassHasTheNameInItsPlace)
{
    static const struct
    {
        FILE_INFORMATION_CLASS Class;
        ULONG LengthOffset, NameOffset;
    } Classes[] = {{FileDirectoryInformation, 60, 64},      {FileFullDirectoryInformation, 60, 68},
                   {FileBothDirectoryInformation, 60, 94},  {FileNamesInformation, 8, 12},
                   {FileIdBothDirectoryInformation, 60, 104}, {FileIdFullDirectoryInformation, 60, 80}};
    UNICODE_STRING Pattern = RTL_CONSTANT_STRING(L"only");
    IO_STATUS_BLOCK IoStatus;
    HANDLE Handle;

    FsMakeDirectory(VOLUME L"\\d6");
    FsMake(VOLUME L"\\d6\\only", "12345");
    for (ULONG i = 0; i < sizeof Classes / sizeof Classes[0]; i++)
    {
        EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\d6", FILE_OPEN, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
        EXPECT_EQ(ZwQueryDirectoryFile(Handle, NULL, NULL, NULL, &IoStatus, Listing, sizeof Listing,
                                       Classes[i].Class, FALSE, &Pattern, FALSE),
                  STATUS_SUCCESS);
        EXPECT_EQ(*(PULONG)(Listing + Classes[i].LengthOffset), 8);
        EXPECT_EQ(*(PWCHAR)(Listing + Classes[i].NameOffset), L'o');
        EXPECT_EQ(IoStatus.Information, Classes[i].NameOffset + 8);
        ZwClose(Handle);
    }
}

static BOOLEAN Matches(PCWSTR Expression, PCWSTR Name)
{
    UNICODE_STRING E, N;

    RtlInitUnicodeString(&E, Expression);
    RtlInitUnicodeString(&N, Name);
    return FsRtlIsNameInExpression(&E, &N, TRUE, NULL);
}

TEST(StarAndQuestionMarkMatchAnything)
{
    EXPECT(Matches(L"*", L"any.thing"));
    EXPECT(Matches(L"A?C", L"abc"));
    EXPECT(!Matches(L"A?C", L"ac"));
    EXPECT(Matches(L"*.TXT", L"a.b.txt"));
    EXPECT(!Matches(L"*.TXT", L"txt"));
    EXPECT(Matches(L"A*B*C", L"aXXbYYc"));
    EXPECT(!Matches(L"A*B*C", L"aXXc"));
    EXPECT(Matches(L"PLAIN", L"plain"));
    EXPECT(!Matches(L"PLAIN", L"plainer"));
}

TEST(DosWildCardsKnowTheLastPeriod)
{
    EXPECT(Matches(L"<.TXT", L"a.b.txt"));
    EXPECT(Matches(L"<", L"name"));
    EXPECT(Matches(L"AB>>>", L"ab"));
    EXPECT(Matches(L"A>>.TXT", L"a.txt"));
    EXPECT(!Matches(L"A>.TXT", L"abc.txt"));
    EXPECT(Matches(L"NAME\"", L"name"));
    EXPECT(Matches(L"NAME\"", L"name."));
    EXPECT(!Matches(L"NAME\"", L"names"));
}

TEST(DissectedNameHasAFirstPartAndARest)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\one\\two\\three"), First, Rest;

    FsRtlDissectName(Name, &First, &Rest);
    EXPECT_EQ(First.Length, 6);
    EXPECT_EQ(Rest.Length, 18);
    FsRtlDissectName(First, &First, &Rest);
    EXPECT_EQ(First.Length, 6);
    EXPECT_EQ(Rest.Length, 0);
}
