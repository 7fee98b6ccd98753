/* !irp: a request and its stack locations. Source of the layout: WDK, !irp. */
#include <inttypes.h>
#include <string.h>

#include "debug/layout.h"

#define IO_TYPE_IRP 6u
#define CONTROL_PENDING 0x01u

static void print_location(struct debugger *d, struct object *s, bool current, bool whole)
{
    char driver[200], symbol[DEBUG_SYMBOL];
    uint64_t major = object_get(s, "MajorFunction"), control = object_get(s, "Control");
    gva_t device = object_get(s, "DeviceObject"), file = object_get(s, "FileObject"), routine = object_get(s, "CompletionRoutine");
    debug_print(d, "%c[%s(%" PRIx64 "), %" PRIx64 "]   %" PRIx64 " %2" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64 "-%016" PRIx64
                   " %s%s%s%s\n",
                current ? '>' : ' ', kernel_major_name((unsigned)major), major, object_get(s, "MinorFunction"), object_get(s, "Flags"),
                control, device, file, routine, object_get(s, "Context"), control & 0x40 ? "Success " : "", control & 0x80 ? "Error " : "",
                control & 0x20 ? "Cancel " : "", control & CONTROL_PENDING ? "pending" : "");
    struct object o = object_open(d, "DEVICE_OBJECT", device);
    if (device != 0 || routine != 0)
        debug_print(d, "\t      %s\t%s\n", device != 0 ? kernel_object_name(d, object_get(&o, "DriverObject"), driver, sizeof driver) : "",
                    routine != 0 ? debug_symbol(d, routine, symbol) : "");
    if (whole)
        debug_print(d, "\t\t\tArgs: %08" PRIx64 " %08" PRIx64 " %08" PRIx64 " %08" PRIx64 "\n", object_get(s, "Parameters.Others.Argument1"),
                    object_get(s, "Parameters.Others.Argument2"), object_get(s, "Parameters.Others.Argument3"),
                    object_get(s, "Parameters.Others.Argument4"));
}

static void details(struct debugger *d, struct object *i)
{
    char symbol[DEBUG_SYMBOL];
    gva_t cancel = object_get(i, "CancelRoutine");
    debug_print(d, "Flags = %08" PRIx64 "\n", object_get(i, "Flags"));
    debug_print(d, "ThreadListEntry.Flink = %016" PRIx64 "\nThreadListEntry.Blink = %016" PRIx64 "\n",
                object_get(i, "ThreadListEntry.Flink"), object_get(i, "ThreadListEntry.Blink"));
    debug_print(d, "IoStatus.Status = %08" PRIx64 "\nIoStatus.Information = %08" PRIx64 "\n", object_get(i, "IoStatus.Status") & 0xFFFFFFFF,
                object_get(i, "IoStatus.Information"));
    debug_print(d, "RequestorMode = %08" PRIx64 "\nCancel = %02" PRIx64 "\nCancelIrql = %" PRIx64 "\n", object_get(i, "RequestorMode") & 0xFF,
                object_get(i, "Cancel"), object_get(i, "CancelIrql"));
    debug_print(d, "ApcEnvironment = %02" PRIx64 "\nUserIosb = %016" PRIx64 "\nUserEvent = %016" PRIx64 "\n",
                object_get(i, "ApcEnvironment") & 0xFF, object_get(i, "UserIosb"), object_get(i, "UserEvent"));
    debug_print(d, "CancelRoutine = %016" PRIx64 " %s\nUserBuffer = %016" PRIx64 "\n", cancel, cancel ? debug_symbol(d, cancel, symbol) : "",
                object_get(i, "UserBuffer"));
    debug_print(d, "Tail.Overlay.OriginalFileObject = %016" PRIx64 "\n", object_get(i, "Tail.Overlay.OriginalFileObject"));
}

static void run(struct debugger *d, const char *name, const char *args)
{
    uint64_t at = 0, detail = 0;
    char address[DEBUG_ADDRESS];
    (void)name;
    if (*args == '\0') {
        debug_error(d, "!irp: which one? Give its address");
        return;
    }
    if (!debug_eval(d, &args, &at) || !debug_eval_optional(d, &args, &detail))
        return;
    struct object i = object_open(d, "IRP", at);
    uint64_t type = object_get(&i, "Type") & 0xFFFF;
    if (object_failed(&i, "IRP"))
        return;
    struct machine_pool_block block;
    bool freed = machine_pool_block(d->m, at, &block) && block.freed;
    int64_t count = (int8_t)object_get(&i, "StackCount"), current = (int8_t)object_get(&i, "CurrentLocation");
    struct object first = object_open(d, "IO_STACK_LOCATION", at + object_size(&i));
    /* Threads have the same type number; their size gives them away. */
    bool fits = count >= 1 && (object_get(&i, "Size") & 0xFFFF) >= object_size(&i) + (uint64_t)count * object_size(&first);
    if ((type != IO_TYPE_IRP || !fits) && !freed) {
        debug_error(d, "%s: IRP signature does not match, probably not an IRP", debug_address(at, address));
        return;
    }
    gva_t thread = object_get(&i, "Tail.Overlay.Thread"), mdl = object_get(&i, "MdlAddress"), buffer = object_get(&i, "AssociatedIrp.SystemBuffer");
    gva_t location = object_get(&i, "Tail.Overlay.CurrentStackLocation");
    if (freed)
        debug_print(d, "The memory of this IRP has been freed; what follows is what was left in it.\n");
    if (current > count + 1)
        debug_print(d, "Irp is completed.  It had %" PRId64 " stacks\n", count);
    else
        debug_print(d, "Irp is active with %" PRId64 " stacks %" PRId64 " is current (= 0x%016" PRIx64 ")\n", count, current, location);
    debug_print(d, mdl != 0 ? " Mdl=%016" PRIx64 ":" : " No Mdl:", mdl);
    debug_print(d, buffer != 0 ? " System buffer=%016" PRIx64 ":" : " No System Buffer:", buffer);
    debug_print(d, " Thread %016" PRIx64 ":  Irp %s\n", thread,
                object_get(&i, "PendingReturned") ? "stack trace.  Pending has been returned" : "stack trace.");
    if (detail != 0)
        details(d, &i);
    debug_print(d, "     cmd  flg cl Device   File     Completion-Context\n");
    if (count < 0 || count > 100) {
        debug_print(d, "(%" PRId64 " stack locations cannot be)\n", count);
        return;
    }
    for (int64_t n = 0; n < count; n++) {
        struct object s = first;
        s.at += (uint64_t)n * object_size(&s);
        print_location(d, &s, n + 1 == current, true);
        if (object_failed(&s, "stack location"))
            return;
    }
}

const struct debug_command debug_command_irp = {
    .names = "!irp",
    .syntax = "ADDRESS [1]",
    .help = "a request with its stack locations; 1: all of its fields",
    .run = run,
};
