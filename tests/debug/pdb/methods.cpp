/* What C++ adds to a PDB: classes with bases, virtual functions and pointers to members, and methods that are inlined. */
namespace outer
{
struct Base
{
    int First;
    virtual int Value(int x);
};
struct Mixin
{
    short Low : 3;
    short High : 9;
};
class Derived : public Base, private Mixin
{
  public:
    enum Kind : unsigned char { NONE, MANY = 200 } Which;
    int (Derived::*Method)(int);
    struct Inner
    {
        Derived *Owner;
        int Numbers[2];
    } Nested;
    int &Reference;
    Derived(int &r) : Which(MANY), Reference(r) {}
    __attribute__((always_inline)) int Inlined(int x)
    {
        return x * Reference;
    }
    int Value(int x) override;
};
__attribute__((always_inline)) inline int Free(int *p)
{
    *(volatile int *)p = 5;
    return *(volatile int *)p;
}
int Base::Value(int x)
{
    return x + First;
}
int Derived::Value(int x)
{
    return Inlined(x) + Free(Nested.Numbers);
}
} // namespace outer

static int storage;
extern "C" int DriverEntry(void *, void *)
{
    outer::Derived d(storage);
    outer::Base *b = &d;
    return b->Value(1);
}
