/* Exports of every kind; exporter.def says which. */
int Alpha(void)
{
    return 1;
}
int Beta(void)
{
    return 2;
}
int Nameless(void)
{
    return 3;
}
int Variable = 4;
int DriverEntry(void *driver, void *path)
{
    (void)driver, (void)path;
    return 0;
}
