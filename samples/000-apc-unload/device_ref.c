/*
 * Remedy: each APC holds a reference on the driver's own device object. The device object holds the
 * driver object, and the image goes with the last reference to that; so nothing needs to be waited
 * for.
 *
 * What remains is how the APC routines drop their reference, since the code that the dereference
 * returns to may be gone. That is one machine instruction, CALL or JMP, and therefore written in
 * assembly: device_ref_call.S and device_ref_jump.S (for Microsoft's assembler, the .asm files
 * beside them). Both call ApcFinish first.
 */
#include "apc_unload.h"

PDEVICE_OBJECT NTAPI ApcFinish(PKAPC Apc, PAPC_NORMAL_ROUTINE *NormalRoutine);

VOID RemedyInitialize(VOID)
{
}

VOID RemedyBeforeInsert(PAPC_REQUEST Request)
{
    ObReferenceObject(Request->DeviceObject);
}

VOID RemedyInsertFailed(PAPC_REQUEST Request)
{
    /* Inside a dispatch routine: the client's handle keeps the device and the image. */
    ObDereferenceObject(Request->DeviceObject);
}

/* Everything that an APC routine does before it drops the reference: suppresses the normal
 * routine, when it is the kernel routine, and frees the KAPC, which nobody touches any more.
 * Returns the device. A normal routine that is not suppressed runs without the reference. */
PDEVICE_OBJECT NTAPI ApcFinish(PKAPC Apc, PAPC_NORMAL_ROUTINE *NormalRoutine)
{
    PAPC_REQUEST Request = CONTAINING_RECORD(Apc, APC_REQUEST, Apc);
    PDEVICE_OBJECT DeviceObject = Request->DeviceObject;

    if (NormalRoutine != NULL && Request->Kind != APC_KIND_NORMAL_ROUTINE)
    {
        *NormalRoutine = NULL;
    }
    ExFreePoolWithTag(Request, APC_UNLOAD_TAG);
    return DeviceObject;
}

VOID RemedyUnload(VOID)
{
}
