/* Imports by name and by ordinal, and pointers that need relocations. */
__declspec(dllimport) int Alpha(void);
__declspec(dllimport) int Nameless(void);

static int Own(void)
{
    return 5;
}

/* The test reads this table from the mapped image. */
__declspec(dllexport) int (*volatile Pointers[3])(void) = {Own, 0, Own};

int DriverEntry(void *driver, void *path)
{
    (void)driver, (void)path;
    return Alpha() + Nameless() + Pointers[0]();
}
