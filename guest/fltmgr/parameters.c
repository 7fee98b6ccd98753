/*
 * FLT_PARAMETERS begins like the IRP's stack location for every major function; behind that come the buffers, which an
 * IRP keeps in three other places. The table says where.
 */
#include "guest/include/fltp.h"

typedef enum _FLTP_BUFFER
{
    FltpNoBuffer,
    FltpSystemBuffer,   /* Irp->AssociatedIrp.SystemBuffer */
    FltpUserBuffer,     /* Irp->UserBuffer and Irp->MdlAddress */
    FltpTransferBuffer, /* the system buffer when the volume's device asks for buffered I/O, else the user's */
    FltpByMethod        /* as the control code says */
} FLTP_BUFFER;

typedef struct _FLTP_LAYOUT
{
    UCHAR StackBytes; /* common with the stack location */
    UCHAR Buffer;     /* offset of the buffer's address; the MDL's address follows it */
    UCHAR Kind;       /* FLTP_BUFFER */
    BOOLEAN HasMdl;
} FLTP_LAYOUT;

static const FLTP_LAYOUT FltpLayouts[IRP_MJ_MAXIMUM_FUNCTION + 1] = {
    [IRP_MJ_CREATE] = {0x20, 0x20, FltpSystemBuffer, FALSE},
    [IRP_MJ_READ] = {0x18, 0x18, FltpTransferBuffer, TRUE},
    [IRP_MJ_WRITE] = {0x18, 0x18, FltpTransferBuffer, TRUE},
    [IRP_MJ_QUERY_INFORMATION] = {0x10, 0x10, FltpSystemBuffer, FALSE},
    [IRP_MJ_SET_INFORMATION] = {0x20, 0x20, FltpSystemBuffer, FALSE},
    [IRP_MJ_QUERY_EA] = {0x20, 0x20, FltpUserBuffer, TRUE},
    [IRP_MJ_SET_EA] = {0x08, 0x08, FltpUserBuffer, TRUE},
    [IRP_MJ_QUERY_VOLUME_INFORMATION] = {0x10, 0x10, FltpSystemBuffer, FALSE},
    [IRP_MJ_SET_VOLUME_INFORMATION] = {0x10, 0x10, FltpSystemBuffer, FALSE},
    [IRP_MJ_DIRECTORY_CONTROL] = {0x20, 0x20, FltpUserBuffer, TRUE},
    [IRP_MJ_FILE_SYSTEM_CONTROL] = {0x18, 0x18, FltpByMethod, FALSE},
    [IRP_MJ_DEVICE_CONTROL] = {0x18, 0x18, FltpByMethod, FALSE},
    [IRP_MJ_INTERNAL_DEVICE_CONTROL] = {0x18, 0x18, FltpByMethod, FALSE},
    [IRP_MJ_LOCK_CONTROL] = {0x18, 0, FltpNoBuffer, FALSE},
    [IRP_MJ_QUERY_SECURITY] = {0x10, 0x10, FltpUserBuffer, TRUE},
    [IRP_MJ_SET_SECURITY] = {0x10, 0, FltpNoBuffer, FALSE},
    [IRP_MJ_QUERY_QUOTA] = {0x20, 0x20, FltpUserBuffer, TRUE},
    [IRP_MJ_SET_QUOTA] = {0x08, 0x08, FltpUserBuffer, TRUE},
};
C_ASSERT(FIELD_OFFSET(FLT_PARAMETERS, Read.ReadBuffer) == 0x18);
C_ASSERT(FIELD_OFFSET(FLT_PARAMETERS, Read.MdlAddress) == 0x20);
C_ASSERT(FIELD_OFFSET(FLT_PARAMETERS, Read.ByteOffset) == FIELD_OFFSET(IO_STACK_LOCATION, Parameters.Read.ByteOffset) - 8);
C_ASSERT(FIELD_OFFSET(FLT_PARAMETERS, Create.EaBuffer) == 0x20);
C_ASSERT(FIELD_OFFSET(FLT_PARAMETERS, Create.EaLength) == FIELD_OFFSET(IO_STACK_LOCATION, Parameters.Create.EaLength) - 8);
C_ASSERT(FIELD_OFFSET(FLT_PARAMETERS, QueryFileInformation.InfoBuffer) == 0x10);
C_ASSERT(FIELD_OFFSET(FLT_PARAMETERS, SetFileInformation.InfoBuffer) == 0x20);
C_ASSERT(FIELD_OFFSET(FLT_PARAMETERS, QueryEa.EaBuffer) == 0x20);
C_ASSERT(FIELD_OFFSET(FLT_PARAMETERS, SetEa.EaBuffer) == 0x08);
C_ASSERT(FIELD_OFFSET(FLT_PARAMETERS, QueryVolumeInformation.VolumeBuffer) == 0x10);
C_ASSERT(FIELD_OFFSET(FLT_PARAMETERS, DirectoryControl.QueryDirectory.DirectoryBuffer) == 0x20);
C_ASSERT(FIELD_OFFSET(FLT_PARAMETERS, DirectoryControl.NotifyDirectory.DirectoryBuffer) == 0x20);
C_ASSERT(FIELD_OFFSET(FLT_PARAMETERS, DeviceIoControl.Buffered.SystemBuffer) == 0x18);
C_ASSERT(FIELD_OFFSET(FLT_PARAMETERS, QuerySecurity.SecurityBuffer) == 0x10);
C_ASSERT(FIELD_OFFSET(FLT_PARAMETERS, LockControl.ProcessId) == 0x18);
C_ASSERT(FIELD_OFFSET(FLT_PARAMETERS, QueryQuota.QuotaBuffer) == 0x20);

static FLTP_LAYOUT FltpLayoutOf(UCHAR Major)
{
    FLTP_LAYOUT Other = {0x20, 0, FltpNoBuffer, FALSE};

    return Major <= IRP_MJ_MAXIMUM_FUNCTION && FltpLayouts[Major].StackBytes != 0 ? FltpLayouts[Major] : Other;
}

static BOOLEAN FltpUsesSystemBuffer(PIRP Irp, FLTP_LAYOUT Layout)
{
    return Layout.Kind == FltpSystemBuffer ||
           (Layout.Kind == FltpTransferBuffer && Irp->AssociatedIrp.SystemBuffer != NULL);
}

static ULONG FltpMethodOf(PIRP Irp, const FLT_PARAMETERS *Parameters)
{
    return Parameters->DeviceIoControl.Common.IoControlCode & 3;
}

static VOID FltpReadControl(PIRP Irp, PIO_STACK_LOCATION Stack, PFLT_CALLBACK_DATA Data)
{
    PFLT_PARAMETERS Parameters = &Data->Iopb->Parameters;

    switch (FltpMethodOf(Irp, Parameters))
    {
    case METHOD_BUFFERED:
        Parameters->DeviceIoControl.Buffered.SystemBuffer = Irp->AssociatedIrp.SystemBuffer;
        Data->Flags |= FLTFL_CALLBACK_DATA_SYSTEM_BUFFER;
        break;
    case METHOD_NEITHER:
        Parameters->DeviceIoControl.Neither.InputBuffer = Stack->Parameters.DeviceIoControl.Type3InputBuffer;
        Parameters->DeviceIoControl.Neither.OutputBuffer = Irp->UserBuffer;
        Parameters->DeviceIoControl.Neither.OutputMdlAddress = Irp->MdlAddress;
        break;
    default:
        Parameters->DeviceIoControl.Direct.InputSystemBuffer = Irp->AssociatedIrp.SystemBuffer;
        Parameters->DeviceIoControl.Direct.OutputBuffer = Irp->UserBuffer;
        Parameters->DeviceIoControl.Direct.OutputMdlAddress = Irp->MdlAddress;
        break;
    }
}

VOID FltpReadParameters(PIRP Irp, PIO_STACK_LOCATION Stack, PFLT_CALLBACK_DATA Data)
{
    FLTP_LAYOUT Layout = FltpLayoutOf(Stack->MajorFunction);
    PFLT_PARAMETERS Parameters = &Data->Iopb->Parameters;
    PVOID *Buffer = (PVOID *)((PUCHAR)Parameters + Layout.Buffer);

    RtlCopyMemory(Parameters, &Stack->Parameters, Layout.StackBytes);
    if (Layout.Kind == FltpByMethod)
    {
        FltpReadControl(Irp, Stack, Data);
        return;
    }
    if (FltpUsesSystemBuffer(Irp, Layout))
    {
        Buffer[0] = Irp->AssociatedIrp.SystemBuffer;
        Data->Flags |= Buffer[0] != NULL ? FLTFL_CALLBACK_DATA_SYSTEM_BUFFER : 0;
    }
    else if (Layout.Kind != FltpNoBuffer)
    {
        Buffer[0] = Irp->UserBuffer;
    }
    if (Layout.HasMdl)
    {
        Buffer[1] = Irp->MdlAddress;
    }
    if (Stack->MajorFunction == IRP_MJ_CREATE)
    {
        Parameters->Create.AllocationSize = Irp->Overlay.AllocationSize;
    }
    if (Stack->MajorFunction == IRP_MJ_LOCK_CONTROL)
    {
        Parameters->LockControl.ProcessId = IoGetRequestorProcess(Irp);
        Parameters->LockControl.FailImmediately = (Stack->Flags & SL_FAIL_IMMEDIATELY) != 0;
        Parameters->LockControl.ExclusiveLock = (Stack->Flags & SL_EXCLUSIVE_LOCK) != 0;
    }
}

/* The other way, after a filter has changed them. */
VOID FltpWriteParameters(PIRP Irp, PIO_STACK_LOCATION Stack, PFLT_CALLBACK_DATA Data)
{
    FLTP_LAYOUT Layout = FltpLayoutOf(Data->Iopb->MajorFunction);
    PFLT_PARAMETERS Parameters = &Data->Iopb->Parameters;
    PVOID *Buffer = (PVOID *)((PUCHAR)Parameters + Layout.Buffer);

    Stack->MajorFunction = Data->Iopb->MajorFunction;
    Stack->MinorFunction = Data->Iopb->MinorFunction;
    Stack->Flags = Data->Iopb->OperationFlags;
    Stack->FileObject = Data->Iopb->TargetFileObject;
    Irp->Flags = Data->Iopb->IrpFlags;
    RtlCopyMemory(&Stack->Parameters, Parameters, Layout.StackBytes);
    if (Layout.Kind == FltpByMethod)
    {
        if (FltpMethodOf(Irp, Parameters) == METHOD_BUFFERED)
        {
            Irp->AssociatedIrp.SystemBuffer = Parameters->DeviceIoControl.Buffered.SystemBuffer;
            return;
        }
        Irp->UserBuffer = Parameters->DeviceIoControl.Neither.OutputBuffer;
        Irp->MdlAddress = Parameters->DeviceIoControl.Neither.OutputMdlAddress;
        if (FltpMethodOf(Irp, Parameters) == METHOD_NEITHER)
        {
            Stack->Parameters.DeviceIoControl.Type3InputBuffer = Parameters->DeviceIoControl.Neither.InputBuffer;
        }
        return;
    }
    if (FltpUsesSystemBuffer(Irp, Layout))
    {
        Irp->AssociatedIrp.SystemBuffer = Buffer[0];
    }
    else if (Layout.Kind != FltpNoBuffer)
    {
        Irp->UserBuffer = Buffer[0];
    }
    if (Layout.HasMdl)
    {
        Irp->MdlAddress = Buffer[1];
    }
    if (Data->Iopb->MajorFunction == IRP_MJ_CREATE)
    {
        Irp->Overlay.AllocationSize = Parameters->Create.AllocationSize;
    }
}
