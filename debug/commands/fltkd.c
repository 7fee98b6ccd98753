/* !fltkd.*: what the filter manager knows of filters, volumes and instances, in fltkd's layout. */
#include <inttypes.h>
#include <string.h>

#include "debug/layout.h"

static bool ready(struct debugger *d)
{
    if (layout_variable(d, "fltmgr", "FltpFilters") != 0)
        return true;
    debug_error(d, "The filter manager is not loaded");
    return false;
}

static void print_base(struct debugger *d, struct object *o, const char *kind)
{
    uint64_t rundown = object_get(o, "Base.RundownRef");
    debug_print(d, "   FLT_OBJECT: %016" PRIx64 "  [%08" PRIx64 "] %s%s\n", o->at, object_get(o, "Base.Flags"), kind,
                object_get(o, "Base.Flags") & 1 ? " Draining" : "");
    if (rundown & 1)
        debug_print(d, "      RundownRef               : 0x%016" PRIx64 " (running down)\n", rundown);
    else
        debug_print(d, "      RundownRef               : 0x%016" PRIx64 " (%" PRIu64 ")\n", rundown, rundown >> 1);
    debug_print(d, "      PointerCount             : 0x%08" PRIx64 "\n", object_get(o, "Base.PointerCount"));
    debug_print(d, "      PrimaryLink              : [%016" PRIx64 "-%016" PRIx64 "]\n", object_get(o, "Base.PrimaryLink.Flink"),
                object_get(o, "Base.PrimaryLink.Blink"));
}

static void line(struct debugger *d, struct object *o, const char *label, const char *path)
{
    debug_print(d, "   %-25s: %016" PRIx64 "\n", label, object_get(o, path));
}

static void named_line(struct debugger *d, struct object *o, const char *label, const char *path, const char *type, const char *name)
{
    char text[200];
    struct object other = object_open(d, type, object_get(o, path));
    debug_print(d, "   %-25s: %016" PRIx64 " \"%s\"\n", label, other.at, object_unicode(&other, name, text, sizeof text));
}

static void instance_line(struct debugger *d, struct object *o, const char *indent)
{
    char name[160], altitude[60];
    object_unicode(o, "Name", name, sizeof name);
    object_unicode(o, "Altitude", altitude, sizeof altitude);
    debug_print(d, "%sFLT_INSTANCE: %016" PRIx64 " \"%s\" \"%s\"\n", indent, o->at, name, altitude);
}

static void print_instances(struct debugger *d, struct object *o, const char *link, const char *indent)
{
    gva_t at;
    struct list l = list_open(d, object_field(o, "Instances"));
    while (list_next(&l, layout_offset(d, "FLT_INSTANCE", link), &at)) {
        struct object i = object_open(d, "FLT_INSTANCE", at);
        instance_line(d, &i, indent);
    }
}

static unsigned count_list(struct debugger *d, gva_t head)
{
    unsigned count = 0;
    gva_t at;
    for (struct list l = list_open(d, head); list_next(&l, 0, &at);)
        count++;
    return count;
}

static void print_volume(struct debugger *d, struct object *o, bool whole)
{
    char name[200], driver[200];
    debug_print(d, "%sFLT_VOLUME: %016" PRIx64 " \"%s\"\n", whole ? "\n" : "   ", o->at, object_unicode(o, "DeviceName", name, sizeof name));
    if (!whole) {
        print_instances(d, o, "VolumeLink", "      ");
        return;
    }
    print_base(d, o, "Volume");
    line(d, o, "DeviceObject", "FilterDevice");
    line(d, o, "DiskDeviceObject", "DiskDevice");
    debug_print(d, "   %-25s: %016" PRIx64 "\n", "FrameZeroVolume", o->at);
    gva_t fs = object_get(o, "VolumeDevice");
    struct object v = object_open(d, "DEVICE_OBJECT", fs);
    debug_print(d, "   %-25s: %016" PRIx64 "\n", "VolumeDevice", fs);
    debug_print(d, "   %-25s: \"%s\"\n", "CDODriverName", kernel_object_name(d, object_get(&v, "DriverObject"), driver, sizeof driver));
    debug_print(d, "   %-25s: (%016" PRIx64 ")  Count=%u\n", "VolumeContexts", object_field(o, "VolumeContexts"),
                count_list(d, object_field(o, "VolumeContexts")));
    debug_print(d, "   %-25s: (%016" PRIx64 ")  Count=%u\n", "FileContexts", object_field(o, "FileContexts"),
                count_list(d, object_field(o, "FileContexts")));
    debug_print(d, "   %-25s: (%016" PRIx64 ")  Count=%u\n", "StreamList", object_field(o, "Streams"),
                count_list(d, object_field(o, "Streams")));
    debug_print(d, "   %-25s: (%016" PRIx64 ")\n", "InstanceList", object_field(o, "Instances"));
    print_instances(d, o, "VolumeLink", "      ");
}

static void print_filter(struct debugger *d, struct object *o, bool whole)
{
    static const struct flag_name states[] = {{1, "FilteringInitiated"}, {2, "Unloading"}, {4, "MandatoryUnload"}, {8, "Unregistering"}};
    char name[160], altitude[60], driver[200];
    object_unicode(o, "Name", name, sizeof name);
    object_unicode(o, "DefaultAltitude", altitude, sizeof altitude);
    debug_print(d, "%sFLT_FILTER: %016" PRIx64 " \"%s\" \"%s\"\n", whole ? "\n" : "   ", o->at, name, altitude);
    if (!whole) {
        print_instances(d, o, "FilterLink", "      ");
        return;
    }
    print_base(d, o, "Filter");
    debug_print(d, "   %-25s: [%08" PRIx64 "] ", "Flags", object_get(o, "State"));
    print_flags(d, object_get(o, "State"), states, sizeof states / sizeof states[0], " ");
    gva_t object = object_get(o, "DriverObject");
    debug_print(d, "\n   %-25s: %016" PRIx64 " \"%s\"\n", "DriverObject", object, kernel_object_name(d, object, driver, sizeof driver));
    line(d, o, "Operations", "Operations");
    line(d, o, "OldDriverUnload", "OldDriverUnload");
    debug_print(d, "   %-25s: (%016" PRIx64 ")\n", "InstanceList", object_field(o, "Instances"));
    print_instances(d, o, "FilterLink", "      ");
    gva_t at = object_get(o, "Operations");
    for (unsigned i = 0; at != 0 && i < 64; i++) {
        char pre[DEBUG_SYMBOL], post[DEBUG_SYMBOL];
        struct object op = object_open(d, "FLT_OPERATION_REGISTRATION", at);
        op.at += i * object_size(&op);
        uint64_t major = object_get(&op, "MajorFunction");
        if (op.bad || major == 0x80) /* IRP_MJ_OPERATION_END */
            break;
        gva_t before = object_get(&op, "PreOperation"), after = object_get(&op, "PostOperation");
        debug_print(d, "   %-34s pre %s post %s\n", kernel_major_name((unsigned)major), before ? debug_symbol(d, before, pre) : "-",
                    after ? debug_symbol(d, after, post) : "-");
    }
}

static void print_instance(struct debugger *d, struct object *o)
{
    debug_print(d, "\n");
    instance_line(d, o, "");
    print_base(d, o, "Instance");
    uint64_t rundown = object_get(o, "OperationRundown");
    debug_print(d, "   %-25s: 0x%016" PRIx64 " (%" PRIu64 "%s)\n", "OperationRundownRef", rundown, rundown & 1 ? 0 : rundown >> 1,
                rundown & 1 ? ", running down" : "");
    debug_print(d, "   %-25s: [%08" PRIx64 "]%s\n", "Flags", object_get(o, "Ready"), object_get(o, "Ready") ? " Ready" : "");
    named_line(d, o, "Volume", "Volume", "FLT_VOLUME", "DeviceName");
    named_line(d, o, "Filter", "Filter", "FLT_FILTER", "Name");
    line(d, o, "Context", "Context");
    debug_print(d, "   %-25s: (%016" PRIx64 ")  Count=%u\n", "Outstanding", object_field(o, "Outstanding"),
                count_list(d, object_field(o, "Outstanding")));
}

/* Which of the list's objects is meant: by its own address or, for a volume, by a device of its stack. */
static gva_t look_up(struct debugger *d, const char *head, const char *type, gva_t address)
{
    gva_t at;
    struct list l = list_open(d, layout_variable(d, "fltmgr", head));
    while (list_next(&l, layout_offset(d, type, "Base.PrimaryLink"), &at)) {
        struct object o = object_open(d, type, at);
        if (at == address)
            return at;
        if (strcmp(type, "FLT_VOLUME") == 0 &&
            (object_get(&o, "FilterDevice") == address || object_get(&o, "VolumeDevice") == address ||
             object_get(&o, "DiskDevice") == address))
            return at;
    }
    return 0;
}

static gva_t find_instance(struct debugger *d, gva_t address)
{
    gva_t volume, instance;
    struct list l = list_open(d, layout_variable(d, "fltmgr", "FltpVolumes"));
    while (list_next(&l, layout_offset(d, "FLT_VOLUME", "Base.PrimaryLink"), &volume)) {
        struct list i = list_open(d, volume + layout_offset(d, "FLT_VOLUME", "Instances"));
        while (list_next(&i, layout_offset(d, "FLT_INSTANCE", "VolumeLink"), &instance))
            if (instance == address)
                return instance;
    }
    return 0;
}

static void print_all(struct debugger *d, const char *head, const char *type, const char *title,
                      void (*print)(struct debugger *, struct object *, bool))
{
    gva_t at;
    gva_t list = layout_variable(d, "fltmgr", head);
    debug_print(d, "\n%s: %016" PRIx64 " \"Frame 0\"\n", title, list);
    struct list l = list_open(d, list);
    while (list_next(&l, layout_offset(d, type, "Base.PrimaryLink"), &at)) {
        struct object o = object_open(d, type, at);
        print(d, &o, false);
    }
}

static void run(struct debugger *d, const char *name, const char *args)
{
    uint64_t address = 0;
    const char *what = name + strlen("!fltkd.");
    char text[DEBUG_ADDRESS];
    if (!ready(d))
        return;
    if (strcmp(what, "filters") == 0 || strcmp(what, "volumes") == 0) {
        if (what[0] == 'f')
            print_all(d, "FltpFilters", "FLT_FILTER", "Filter List", print_filter);
        else
            print_all(d, "FltpVolumes", "FLT_VOLUME", "Volume List", print_volume);
        return;
    }
    if (*args == '\0') {
        debug_error(d, "%s: which one? Give its address", name);
        return;
    }
    if (!debug_eval(d, &args, &address))
        return;
    bool volume = strcmp(what, "volume") == 0, filter = strcmp(what, "filter") == 0;
    gva_t at = volume   ? look_up(d, "FltpVolumes", "FLT_VOLUME", address)
               : filter ? look_up(d, "FltpFilters", "FLT_FILTER", address)
                        : find_instance(d, address);
    struct object o = object_open(d, volume ? "FLT_VOLUME" : filter ? "FLT_FILTER" : "FLT_INSTANCE", at);
    if (at == 0)
        debug_error(d, "%s is no %s of the filter manager's", debug_address(address, text), what);
    else if (volume)
        print_volume(d, &o, true);
    else if (filter)
        print_filter(d, &o, true);
    else
        print_instance(d, &o);
}

const struct debug_command debug_command_fltkd = {
    .names = "!fltkd.filters !fltkd.filter !fltkd.volumes !fltkd.volume !fltkd.instance",
    .syntax = "[ADDRESS]",
    .help = "the filter manager's filters, volumes (also by device object) and instances",
    .run = run,
};
