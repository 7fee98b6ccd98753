/*
 * References: each one taken holds the object by itself.
 */
#include "../test.h"

TEST(ReferenceByPointerHoldsTheObject)
{
    HANDLE Handle;
    PKEVENT Event;

    EXPECT_EQ(ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE),
              STATUS_SUCCESS);
    EXPECT_EQ(ObReferenceObjectByHandle(Handle, EVENT_MODIFY_STATE, *ExEventObjectType, KernelMode,
                                        (PVOID *)&Event, NULL),
              STATUS_SUCCESS);
    EXPECT_EQ(ObReferenceObjectByPointer(Event, EVENT_MODIFY_STATE, *ExEventObjectType, KernelMode),
              STATUS_SUCCESS);
    ZwClose(Handle);
    ObDereferenceObject(Event);
    KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
    EXPECT(KeReadStateEvent(Event) != 0);
    ObDereferenceObject(Event);
}
