/* Damages whatever the debugger's kernel commands walk, and stops the system: rings without an end, pointers to nowhere. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
PDEVICE_OBJECT First, Second;
PIRP Irp;
KTIMER Timer;
PDEVICE_OBJECT Wild;

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    LARGE_INTEGER Due = {.QuadPart = -100000000};

    UNREFERENCED_PARAMETER(RegistryPath);
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &First);
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Second);
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Wild);
    First->AttachedDevice = Second;
    Second->AttachedDevice = First;
    First->NextDevice = Second;
    Second->NextDevice = First;
    DriverObject->DeviceObject = First;
    Wild->AttachedDevice = (PDEVICE_OBJECT)0xFFFFFA80DEADBEE0;
    Wild->DriverObject = (PDRIVER_OBJECT)0x123456789ABCDEF;
    Wild->DeviceObjectExtension = (PVOID)~(ULONG_PTR)0;
    Irp = IoAllocateIrp(3, FALSE);
    Irp->StackCount = 127;
    KeInitializeTimer(&Timer);
    KeSetTimer(&Timer, Due, NULL);
    Timer.TimerListEntry.Flink = &Timer.TimerListEntry;
    KeBugCheckEx(0xE2, 1, 2, 3, 4);
}
