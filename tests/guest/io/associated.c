/*
 * Associated IRPs: a master that completes with the last of the requests that it was split into.
 */
#include "../stack.h"

static ULONG MasterCompletions;

static NTSTATUS NTAPI CountMaster(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    MasterCompletions++;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* A master as a highest driver holds it: its own location is current. */
static PIRP MakeMaster(PDEVICE_OBJECT Bottom, LONG Parts)
{
    PIRP Master = IoAllocateIrp(Bottom->StackSize + 1, FALSE);

    IoSetNextIrpStackLocation(Master);
    IoSetCompletionRoutine(Master, CountMaster, NULL, TRUE, TRUE, TRUE);
    IoSetNextIrpStackLocation(Master);
    Master->AssociatedIrp.IrpCount = Parts;
    Master->IoStatus.Status = STATUS_SUCCESS;
    MasterCompletions = 0;
    return Master;
}

static NTSTATUS SendPart(PIRP Master, PDEVICE_OBJECT Bottom)
{
    PIRP Part = IoMakeAssociatedIrp(Master, Bottom->StackSize);

    EXPECT(Part != NULL);
    EXPECT(Part->Flags & IRP_ASSOCIATED_IRP);
    EXPECT_EQ(Part->AssociatedIrp.MasterIrp, Master);
    IoGetNextIrpStackLocation(Part)->MajorFunction = IRP_MJ_READ;
    return IoCallDriver(Bottom, Part);
}

TEST(MasterCompletesWithTheLastOfItsParts)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    PIRP Master = MakeMaster(Bottom, 3);

    SendPart(Master, Bottom);
    EXPECT_EQ(MasterCompletions, 0);
    SendPart(Master, Bottom);
    EXPECT_EQ(MasterCompletions, 0);
    EXPECT_EQ(Master->AssociatedIrp.IrpCount, 1);
    SendPart(Master, Bottom);
    EXPECT_EQ(MasterCompletions, 1);
    IoFreeIrp(Master);
    IoDeleteDevice(Bottom);
}

static ULONG PartCompletions;

static NTSTATUS NTAPI KeepPart(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    PartCompletions++;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

TEST(PartThatIsKeptByItsCompletionRoutineLeavesTheMasterAlone)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    PIRP Master = MakeMaster(Bottom, 1);
    PIRP Part = IoMakeAssociatedIrp(Master, Bottom->StackSize);

    PartCompletions = 0;
    IoGetNextIrpStackLocation(Part)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(Part, KeepPart, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(Bottom, Part);
    EXPECT_EQ(PartCompletions, 1);
    EXPECT_EQ(MasterCompletions, 0);
    EXPECT_EQ(Master->AssociatedIrp.IrpCount, 1);
    IoFreeIrp(Part);
    IoFreeIrp(Master);
    IoDeleteDevice(Bottom);
}
