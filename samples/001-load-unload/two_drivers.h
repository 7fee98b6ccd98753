/* Between the two drivers: the first asks the second to register, and tells it how to wait until that call is over. */
#ifndef TWO_DRIVERS_H
#define TWO_DRIVERS_H

#include <ntifs.h>

#define FILTER_DEVICE L"\\Device\\IsolateFilter"
#define IOCTL_REGISTER CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef VOID(NTAPI *WAIT_FOR_REGISTRATION)(VOID);

#endif
