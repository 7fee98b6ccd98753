/* The I/O manager's start: its object types, and the PnP manager's driver object. */
#include "guest/include/iop.h"

VOID IoInitSystem(VOID)
{
    static const OBP_TYPE_PROCEDURES Driver = {IopDeleteDriver, NULL, -1};
    static const OBP_TYPE_PROCEDURES Device = {IopDeleteDeviceObject, NULL, -1};
    static const OBP_TYPE_PROCEDURES File = {IopDeleteFile, IopCloseFile,
                                             FIELD_OFFSET(FILE_OBJECT, Event)};

    ObpSetTypeProcedures(ObpDriverType, &Driver);
    ObpSetTypeProcedures(ObpDeviceType, &Device);
    ObpSetTypeProcedures(ObpFileType, &File);
    IopInitializePnp();
}
