/*
 * How a program reaches the filter manager: control codes of its device. These numbers are our own; NT's user-mode
 * library has private ones for the same requests (FilterLoad, FilterUnload, FilterAttach, FilterDetach).
 * The input is text: the filter's name, and for attach and detach a semicolon and the volume's name.
 */
#ifndef GUEST_FLTCTL_H
#define GUEST_FLTCTL_H

#define FLT_CONTROL_DEVICE L"\\FileSystem\\Filters\\FltMgr"

#define FLT_CONTROL_CODE(Function)                                                                 \
    CTL_CODE(FILE_DEVICE_DISK_FILE_SYSTEM, 0x800 + (Function), METHOD_BUFFERED, FILE_WRITE_ACCESS)
#define FLT_CONTROL_LOAD FLT_CONTROL_CODE(1)
#define FLT_CONTROL_UNLOAD FLT_CONTROL_CODE(2)
#define FLT_CONTROL_ATTACH FLT_CONTROL_CODE(3)
#define FLT_CONTROL_DETACH FLT_CONTROL_CODE(4)

#endif
