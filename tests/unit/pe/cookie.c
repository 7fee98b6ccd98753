/* A driver with a load configuration, as code built with /GS has. */
typedef unsigned long long u64;
u64 __security_cookie = 0x00002B992DDFA232ull;

const struct {
    unsigned size, unused[21];
    u64 *cookie;
} _load_config_used = {96, {0}, &__security_cookie};

__declspec(dllexport) u64 DriverEntry(void *driver, void *path)
{
    (void)driver, (void)path;
    return __security_cookie;
}
