/* The request that means nothing, of both drivers. */
#ifndef NOTHING_H
#define NOTHING_H

#define IOCTL_OSR_NOTHING CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

#endif
