/*
 * A driver with types of every kind, built twice: with DWARF in the image and with a PDB beside it. It fills its device extension in and
 * then reads freed pool, in a function that is inlined into one that is inlined.
 */
#include <ntddk.h>

#define INLINED static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))

typedef enum _COLOUR
{
    RED = 1,
    GREEN = 2,
    FAR_AWAY = 0x12345678
} COLOUR;

struct OPAQUE;
struct LATER;
typedef ULONG(NTAPI *CALLBACK)(PVOID Context, ULONG Value);

typedef struct
{
    SHORT X, Y;
} POINT;

struct BITS
{
    ULONG Low : 3;
    ULONG Middle : 7;
    ULONG NextWord : 30;
    LONG Signed : 5;
    UCHAR Byte : 1;
    ULONGLONG Wide : 40;
};

typedef struct _EXTENSION
{
    ULONG Magic;
    union
    {
        ULONG Whole;
        struct
        {
            USHORT LowHalf;
            UCHAR Third, Fourth;
        };
    };
    struct
    {
        ULONG Inner;
        POINT Nested;
    } Named;
    struct BITS Bits;
    LIST_ENTRY Links;
    UNICODE_STRING Text;
    LARGE_INTEGER Large;
    COLOUR Colour;
    CHAR Name[12];
    WCHAR Wide[4];
    ULONG Matrix[2][3];
    POINT Points[4];
    CALLBACK Callback;
    struct OPAQUE *Opaque;
    struct LATER *Later;
    const volatile struct LATER *const *Indirect;
    const void *Anything;
    BOOLEAN Flag;
    LONGLONG Signed;
    double Ratio;
    float Small;
    UCHAR Tail[];
} EXTENSION, *PEXTENSION;

struct LATER
{
    PEXTENSION Owner;
    struct LATER *Next;
};

DRIVER_INITIALIZE DriverEntry;
__declspec(dllexport) ULONG NTAPI Middle(volatile ULONG *Freed, PEXTENSION Extension);
COLOUR Favourite = GREEN;
struct LATER Global;
POINT Table[3] = {{1, 2}, {3, 4}, {5, 6}};
static ULONG Hidden;
static const WCHAR DeviceText[] = L"\\Device\\Typed", LinkText[] = L"\\DosDevices\\Typed";

NOINLINE ULONG NTAPI Plain(PVOID Context, ULONG Value)
{
    return (ULONG)(ULONG_PTR)Context ^ Value; /* no frame, so no .pdata */
}

INLINED ULONG ReadFreed(volatile ULONG *Freed)
{
    ULONG Value = Hidden;
    Value += *Freed; /* line: read */
    return Value;
}

INLINED ULONG Outer(volatile ULONG *Freed, PEXTENSION Extension)
{
    ULONG Value = ReadFreed(Freed); /* line: outer */
    return Value * Extension->Magic;
}

__declspec(dllexport) __attribute__((noinline)) ULONG NTAPI Middle(volatile ULONG *Freed, PEXTENSION Extension)
{
    ULONG Value = Outer(Freed, Extension); /* line: middle */
    DbgPrint("%u\n", Value);
    return Value + 1;
}

static VOID Fill(PEXTENSION Extension)
{
    ULONG i;

    Extension->Magic = 0x12345678;
    Extension->Whole = 0x44332211;
    Extension->Named.Inner = 7;
    Extension->Named.Nested.Y = -2;
    Extension->Bits.Low = 5;
    Extension->Bits.Middle = 100;
    Extension->Bits.NextWord = 0x2AAAAAAA;
    Extension->Bits.Signed = -3;
    Extension->Bits.Byte = 1;
    Extension->Bits.Wide = 0x8000000001ull;
    InitializeListHead(&Extension->Links);
    RtlInitUnicodeString(&Extension->Text, DeviceText);
    Extension->Large.QuadPart = -5;
    Extension->Colour = FAR_AWAY;
    RtlCopyMemory(Extension->Name, "typed things", 12);
    for (i = 0; i < 4; i++)
    {
        Extension->Wide[i] = L'a';
        Extension->Points[i].X = (SHORT)i;
    }
    Extension->Matrix[1][2] = 12;
    Extension->Callback = Plain;
    Extension->Later = &Global;
    Extension->Anything = Extension;
    Extension->Flag = TRUE;
    Extension->Signed = -1;
}

static NTSTATUS NTAPI Create(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI Control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PEXTENSION Extension = DeviceObject->DeviceExtension;
    volatile ULONG *Freed = ExAllocatePoolWithTag(NonPagedPool, 64, 0x65707954);

    Fill(Extension);
    Global.Owner = Extension;
    Hidden = Extension->Callback(Extension, Table[1].X);
    ExFreePoolWithTag((PVOID)Freed, 0x65707954);
    Irp->IoStatus.Information = Middle(Freed, Extension) + Favourite;
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name, Link;
    PDEVICE_OBJECT Device;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    RtlInitUnicodeString(&Name, DeviceText);
    RtlInitUnicodeString(&Link, LinkText);
    Status = IoCreateDevice(DriverObject, sizeof(EXTENSION), &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    IoCreateSymbolicLink(&Link, &Name);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Create;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Create;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = Create;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    return STATUS_SUCCESS;
}
