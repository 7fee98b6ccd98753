/*
 * Handles and references.
 */
#include "../test.h"

TEST(EventHandleLeadsToTheEvent)
{
    HANDLE Handle;
    PKEVENT Event;

    EXPECT_EQ(ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE),
              STATUS_SUCCESS);
    EXPECT_EQ(ObReferenceObjectByHandle(Handle, EVENT_MODIFY_STATE, *ExEventObjectType, KernelMode,
                                        (PVOID *)&Event, NULL),
              STATUS_SUCCESS);
    EXPECT_EQ(KeReadStateEvent(Event), 0);
    KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
    EXPECT_EQ(ZwClose(Handle), STATUS_SUCCESS);
    EXPECT(KeReadStateEvent(Event) != 0);
    ObDereferenceObject(Event);
}

TEST(HandleOfAnotherTypeIsRefused)
{
    HANDLE Handle;
    PVOID Object;

    EXPECT_EQ(ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE),
              STATUS_SUCCESS);
    EXPECT_EQ(ObReferenceObjectByHandle(Handle, 0, *PsThreadType, KernelMode, &Object, NULL),
              STATUS_OBJECT_TYPE_MISMATCH);
    ZwClose(Handle);
}

TEST(ClosedHandleIsInvalid)
{
    HANDLE Handle;
    PVOID Object;

    EXPECT_EQ(ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE),
              STATUS_SUCCESS);
    ZwClose(Handle);
    EXPECT_EQ(ObReferenceObjectByHandle(Handle, 0, *ExEventObjectType, KernelMode, &Object, NULL),
              STATUS_INVALID_HANDLE);
}

TEST(PointerReferenceChecksTheType)
{
    PKTHREAD Thread = KeGetCurrentThread();

    EXPECT_EQ(ObReferenceObjectByPointer(Thread, 0, *PsThreadType, KernelMode), STATUS_SUCCESS);
    ObDereferenceObject(Thread);
    EXPECT_EQ(ObReferenceObjectByPointer(Thread, 0, *ExEventObjectType, KernelMode),
              STATUS_OBJECT_TYPE_MISMATCH);
}

TEST(CurrentThreadHasAnIdAndAProcess)
{
    EXPECT(PsGetCurrentThreadId() != NULL);
    EXPECT(PsGetCurrentProcess() != NULL);
    EXPECT_EQ(PsGetThreadId(PsGetCurrentThread()), PsGetCurrentThreadId());
}

static VOID NTAPI ReturnAtOnce(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
}

TEST(ThreadObjectOutlivesTheThreadWhileReferenced)
{
    TEST_THREAD Thread;

    TestStartThread(&Thread, ReturnAtOnce, NULL);
    TestWait(Thread.Thread);
    EXPECT_EQ(TestPoll(Thread.Thread), STATUS_SUCCESS);
    ObDereferenceObject(Thread.Thread);
}

TEST(PointerReferenceKeepsTheObject)
{
    HANDLE Handle;
    PKEVENT Event;

    EXPECT_EQ(ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE),
              STATUS_SUCCESS);
    EXPECT_EQ(ObReferenceObjectByHandle(Handle, 0, *ExEventObjectType, KernelMode, (PVOID *)&Event, NULL),
              STATUS_SUCCESS);
    EXPECT_EQ(ObReferenceObjectByPointer(Event, 0, *ExEventObjectType, KernelMode), STATUS_SUCCESS);
    ZwClose(Handle);
    ObDereferenceObject(Event);
    EXPECT_EQ(KeReadStateEvent(Event), 0);
    ObDereferenceObject(Event);
}
