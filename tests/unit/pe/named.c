/* A driver with named things for the symbol tests, which find the lines below by the words in their
 * comments. */
#define EXPORT __declspec(dllexport)
#define NOINLINE __attribute__((noinline))

static volatile int sink;

static inline __attribute__((always_inline)) void Inlined(int x)
{
    sink ^= x; /* line: inlined */
    sink += x;
}

static NOINLINE int Hidden(int x)
{
    sink += x; /* line: hidden */
    return x * 3;
}

EXPORT NOINLINE int Shown(int x)
{
    int a = Hidden(x + 1); /* line: call */
    Inlined(a);            /* line: inlined call */
    return a + Hidden(a);
}

EXPORT int DriverEntry(void *driver, void *path)
{
    (void)driver, (void)path;
    return Shown(5);
}
