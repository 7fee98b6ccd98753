/*
 * Functions of every shape of frame that compilers make, for the unwinding test: it runs them
 * natively, one instruction at a time, and unwinds at each. Built with several compilers and
 * optimisation levels; what a function computes does not matter, only that the compiler cannot
 * remove it.
 */
#define EXPORT __declspec(dllexport)
#define NOINLINE __attribute__((noinline))

typedef unsigned long long u64;
typedef __builtin_va_list va_list;

EXPORT u64 (*CallOut)(u64) = 0; /* the test's: outside of the image */
static volatile u64 sink;

/* What the compilers call to touch large frames page by page; a stack of the test's is all there
 * already. */
__asm__(".text\n"
        ".globl ___chkstk_ms\n"
        "___chkstk_ms:\n"
        "  ret\n");

void *memset(void *to, int value, u64 n)
{
    void *at = to;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(value) : "memory");
    return to;
}
void *memcpy(void *to, const void *from, u64 n)
{
    void *at = to;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n)::"memory");
    return to;
}

int DriverEntry(void *driver, void *path)
{
    (void)driver, (void)path;
    return 0;
}

static NOINLINE u64 Leaf(u64 x)
{
    return x * 3 + 1;
}

static NOINLINE u64 SmallFrame(u64 x)
{
    u64 a = Leaf(x);
    return a + Leaf(a) + CallOut(a);
}

static NOINLINE u64 StackArguments(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g)
{
    return CallOut(a + e) * b + Leaf(f) * c + d * g;
}

static NOINLINE u64 AllRegisters(u64 x)
{
    u64 a = Leaf(x), b = Leaf(a), c = Leaf(b), d = Leaf(c), e = Leaf(d), f = Leaf(e), g = Leaf(f);
    __asm__ volatile("" ::: "rbx", "rsi", "rdi", "r12", "r13", "r14", "r15");
    u64 h = CallOut(a);
    return StackArguments(a, b, c, d, e, f, g) + h;
}

static NOINLINE u64 VectorRegisters(u64 x)
{
    __asm__ volatile("pxor %%xmm6, %%xmm6\n pxor %%xmm9, %%xmm9\n pxor %%xmm15, %%xmm15" ::
                         : "xmm6", "xmm7", "xmm8", "xmm9", "xmm14", "xmm15", "rbx");
    return CallOut(x) + SmallFrame(x);
}

static NOINLINE u64 LargeFrame(u64 x)
{
    volatile u64 room[600];
    room[x % 600] = x;
    return CallOut(x) + room[x % 600];
}

static NOINLINE u64 HugeFrame(u64 x)
{
    volatile char room[0x90000];
    room[x] = 1;
    __asm__ volatile("" ::: "rbx", "r12", "xmm6");
    return CallOut(x) + (u64)room[x];
}

static NOINLINE u64 DynamicFrame(u64 x)
{
    volatile char *room = __builtin_alloca(x % 7000 + 40);
    for (u64 i = 0; i < 3; i++)
        room[i] = (char)i;
    __asm__ volatile("" ::: "rbx", "rsi", "r13", "xmm7");
    return CallOut(x) + (u64)room[1] + Leaf(x);
}

static NOINLINE u64 TwoDynamicFrames(u64 x)
{
    u64 sum = 0;
    for (u64 i = 1; i < 3; i++) {
        volatile char *room = __builtin_alloca(i * 100 + x);
        room[i] = (char)x;
        sum += DynamicFrame(x + i) + (u64)room[i];
    }
    return sum;
}

static NOINLINE u64 AlignedFrame(u64 x)
{
    volatile char __attribute__((aligned(64))) room[128];
    room[x & 63] = 1;
    __asm__ volatile("" ::: "rbx", "rdi");
    return CallOut((u64)room & 63) + (u64)room[5];
}

static NOINLINE u64 Variable(u64 n, ...)
{
    va_list v;
    __builtin_va_start(v, n);
    u64 sum = 0;
    for (u64 i = 0; i < n; i++)
        sum += CallOut(__builtin_va_arg(v, u64));
    __builtin_va_end(v);
    return sum;
}

static NOINLINE u64 Recursive(u64 n, u64 keep)
{
    if (n == 0)
        return CallOut(keep);
    u64 a = Recursive(n - 1, keep + n);
    return a + Leaf(n) + keep;
}

/* The frame is needed on one path only: compilers may set it up late. */
static NOINLINE u64 LateFrame(u64 x, u64 *p)
{
    if (x < 100)
        return x;
    for (u64 i = 0; i < 4; i++)
        *p += CallOut(x + i);
    return AllRegisters(x) + *p;
}

/* A cold part that gcc moves into a section of its own. */
__attribute__((cold)) static NOINLINE void Rare(u64 x)
{
    sink += x;
    CallOut(x);
}
static NOINLINE u64 ColdPath(u64 x)
{
    u64 a = CallOut(x), b = Leaf(a), c = Leaf(b);
    if (__builtin_expect(x == 77, 0)) {
        Rare(a);
        a += Leaf(b) * c;
        Rare(b + a);
        sink += CallOut(c);
    }
    for (u64 i = 0; i < 2; i++)
        a += CallOut(i + b);
    return a + b + c;
}

static NOINLINE u64 TailCall(u64 x)
{
    u64 a = CallOut(x);
    sink += CallOut(a);
    return SmallFrame(a + sink);
}

static NOINLINE u64 IndirectTailCall(u64 x)
{
    sink += CallOut(x);
    __asm__ volatile("" ::: "rbx", "rsi");
    return CallOut(x + 1);
}

static u64 (*volatile const table[2])(u64) = {Leaf, SmallFrame};
static NOINLINE u64 TableTailCall(u64 x)
{
    u64 (*fn)(u64) = table[x & 1];
    sink += CallOut(x);
    __asm__ volatile("" ::: "rbx", "rdi");
    return fn(x + 1);
}

static NOINLINE u64 Switch(u64 x)
{
    u64 a = CallOut(x);
    switch (x) {
    case 0:
        return Leaf(a) + CallOut(1);
    case 1:
        sink = a;
        break;
    case 2:
        a += CallOut(9);
        break;
    case 3:
        return SmallFrame(a);
    case 4:
        a *= 3;
        sink += a;
        break;
    case 5:
        return a + AllRegisters(a);
    case 6:
        CallOut(a);
        sink ^= 5;
        break;
    case 7:
        return CallOut(a ^ 7);
    }
    return a + Leaf(x);
}

struct big {
    u64 v[9];
};
static NOINLINE struct big Structure(u64 x)
{
    struct big b = {{0}};
    for (unsigned i = 0; i < 9; i++)
        b.v[i] = CallOut(x + i);
    return b;
}

static NOINLINE double Floating(double x, u64 n)
{
    double a = x, b = x * 2, c = x * 3;
    for (u64 i = 0; i < n; i++) {
        a = a * b + (double)CallOut(i);
        c += a - b;
    }
    return a + b + c;
}

EXPORT u64 Everything(u64 x)
{
    u64 sum = SmallFrame(x), p = 3;
    sum += AllRegisters(x);
    sum += VectorRegisters(x);
    sum += LargeFrame(x);
    sum += HugeFrame(x);
    sum += DynamicFrame(x) + DynamicFrame(x + 6000);
    sum += TwoDynamicFrames(x);
    sum += AlignedFrame(x);
    sum += Variable(5, x, 2ull, 3ull, 4ull, x);
    sum += Recursive(6, x);
    sum += LateFrame(1, &p) + LateFrame(x + 100, &p);
    sum += ColdPath(77) + ColdPath(78);
    sum += TailCall(x);
    sum += IndirectTailCall(x);
    sum += TableTailCall(x) + TableTailCall(x + 1);
    for (u64 i = 0; i < 9; i++)
        sum += Switch(i);
    sum += Structure(x).v[3];
    sum += (u64)Floating(1.5, 3);
    return sum;
}
