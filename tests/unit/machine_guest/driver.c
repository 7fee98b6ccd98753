/* The routines that the machine's tests run on processors 1 and 2; the number is the test's. */
#include <stdint.h>

__declspec(dllimport) void Touch(void);
__declspec(dllimport) void Nothing(void);
__declspec(dllimport) void Commute(void);
__declspec(dllimport) void Lock(void);
__declspec(dllimport) void Unlock(void);
__declspec(dllimport) void Unload(void);
__declspec(dllimport) void Arm(uint64_t Due);
__declspec(dllimport) void Interrupt(unsigned Cpu);
__declspec(dllimport) void Note(unsigned Forget);
__declspec(dllimport) unsigned Choose(unsigned N);
__declspec(dllimport) uint64_t SeenInterrupts(unsigned Cpu);
__declspec(dllimport) uint64_t SeenFault(unsigned Index);
__declspec(dllimport) void NobodyExportsThis(void);

static volatile uint64_t Counter, Flag, Private[8];

static void Routine(unsigned Test, unsigned Cpu)
{
    switch (Test) {
    case 1: /* a lost update */
        Counter = Counter + 1;
        break;
    case 2: /* kernel calls that touch shared state, and ones that do not */
        Nothing();
        Touch();
        Nothing();
        break;
    case 3:
        Commute();
        break;
    case 4:
        Lock();
        Counter = Counter + 1;
        Unlock();
        break;
    case 5: /* processor 2 unloads the image under processor 1 */
        if (Cpu == 2)
            Unload();
        else
            Counter = 1, Private[0] = 1;
        break;
    case 6: /* a polling loop */
        if (Cpu == 1)
            while (Flag == 0)
                ;
        else
            Flag = 1;
        break;
    case 7:
        if (Cpu == 1)
            Arm(1000);
        break;
    case 8:
        if (Cpu == 2)
            Interrupt(1);
        else
            Counter = SeenInterrupts(1);
        break;
    case 9:
        if (Cpu == 1)
            Counter = Choose(3);
        break;
    case 10:
        if (Cpu == 1)
            NobodyExportsThis();
        break;
    case 11: /* nothing is shared */
        Private[Cpu] = Private[Cpu] + 1;
        break;
    case 12: /* a loop that nobody ends */
        if (Cpu == 1)
            while (Flag == 0)
                ;
        break;
    case 13:
    case 14:
        if (Cpu == 1)
            Note(Test == 14);
        break;
    case 17: /* exceptions that the kernel is told of: a read, a write, a division */
    case 18:
    case 19:
        if (Cpu != 1)
            break;
        if (Test == 17)
            __asm__ volatile("movl (%%rcx), %%eax" ::"c"(0x10000ull) : "rax", "memory");
        else if (Test == 18)
            __asm__ volatile("movl %%eax, (%%rcx)" ::"c"(0x20000ull) : "memory");
        else
            __asm__ volatile("divl %%ecx" ::"c"(0), "a"(1), "d"(0));
        Counter = SeenFault(0) << 32 | SeenFault(1) | SeenFault(2);
        break;
    case 20: /* ... and that it is not told of at raised IRQL */
        if (Cpu == 1)
            __asm__ volatile("mov %0, %%cr8\n movl (%%rcx), %%eax" ::"r"(2ull), "c"(0x10000ull) : "rax", "memory");
        break;
    default:
        break;
    }
}

void Entry(unsigned Test, unsigned Cpu)
{
    Routine(Test, Cpu);
}
__declspec(dllexport) volatile uint64_t *CounterAddress = &Counter;
