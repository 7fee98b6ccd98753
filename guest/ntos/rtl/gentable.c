/*
 * The older generic tables. Theirs are splay trees; what callers can see is the layout of a node
 * (links, a list in order of insertion, the data), the order by key and the order by insertion. The
 * tree here is a plain binary search tree with those links: the shape of the tree is nobody's
 * business but its speed.
 */
#include "guest/include/ntos.h"

typedef struct _TABLE_NODE
{
    RTL_SPLAY_LINKS Links;
    LIST_ENTRY Order;
    ULONG64 Data[0];
} TABLE_NODE, *PTABLE_NODE;
C_ASSERT(FIELD_OFFSET(TABLE_NODE, Data) == 0x28);

static PVOID DataOf(PRTL_SPLAY_LINKS Links)
{
    return Links != NULL ? ((PTABLE_NODE)Links)->Data : NULL;
}

NTEXPORT(RtlInitializeGenericTable, ANY_LEVEL, "");
VOID NTAPI RtlInitializeGenericTable(PRTL_GENERIC_TABLE Table,
                                     PRTL_GENERIC_COMPARE_ROUTINE CompareRoutine,
                                     PRTL_GENERIC_ALLOCATE_ROUTINE AllocateRoutine,
                                     PRTL_GENERIC_FREE_ROUTINE FreeRoutine, PVOID TableContext)
{
    RtlZeroMemory(Table, sizeof *Table);
    InitializeListHead(&Table->InsertOrderList);
    Table->OrderedPointer = &Table->InsertOrderList;
    Table->CompareRoutine = CompareRoutine;
    Table->AllocateRoutine = AllocateRoutine;
    Table->FreeRoutine = FreeRoutine;
    Table->TableContext = TableContext;
}

static TABLE_SEARCH_RESULT FindNode(PRTL_GENERIC_TABLE Table, PVOID Buffer,
                                    PRTL_SPLAY_LINKS *Result)
{
    PRTL_SPLAY_LINKS Node = Table->TableRoot;

    *Result = NULL;
    if (Node == NULL)
    {
        return TableEmptyTree;
    }
    for (;;)
    {
        RTL_GENERIC_COMPARE_RESULTS Order = Table->CompareRoutine(Table, Buffer, DataOf(Node));
        PRTL_SPLAY_LINKS Next = Order == GenericLessThan ? Node->LeftChild : Node->RightChild;
        *Result = Node;
        if (Order == GenericEqual)
        {
            return TableFoundNode;
        }
        if (Next == NULL)
        {
            return Order == GenericLessThan ? TableInsertAsLeft : TableInsertAsRight;
        }
        Node = Next;
    }
}

/* A root is its own parent. */
static VOID ReplaceNode(PRTL_GENERIC_TABLE Table, PRTL_SPLAY_LINKS Old, PRTL_SPLAY_LINKS New)
{
    PRTL_SPLAY_LINKS Parent = Old->Parent;

    if (Parent == Old)
    {
        Table->TableRoot = New;
        Parent = New;
    }
    else if (Parent->LeftChild == Old)
    {
        Parent->LeftChild = New;
    }
    else
    {
        Parent->RightChild = New;
    }
    if (New != NULL)
    {
        New->Parent = Parent;
    }
}

static VOID RemoveNode(PRTL_GENERIC_TABLE Table, PRTL_SPLAY_LINKS Node)
{
    PRTL_SPLAY_LINKS Next;

    if (Node->LeftChild == NULL || Node->RightChild == NULL)
    {
        ReplaceNode(Table, Node, Node->LeftChild != NULL ? Node->LeftChild : Node->RightChild);
        return;
    }
    for (Next = Node->RightChild; Next->LeftChild != NULL; Next = Next->LeftChild)
    {
    }
    if (Next != Node->RightChild)
    {
        ReplaceNode(Table, Next, Next->RightChild);
        Next->RightChild = Node->RightChild;
        Next->RightChild->Parent = Next;
    }
    ReplaceNode(Table, Node, Next);
    Next->LeftChild = Node->LeftChild;
    Next->LeftChild->Parent = Next;
}

static PRTL_SPLAY_LINKS FirstNode(PRTL_GENERIC_TABLE Table)
{
    PRTL_SPLAY_LINKS Node = Table->TableRoot;

    while (Node != NULL && Node->LeftChild != NULL)
    {
        Node = Node->LeftChild;
    }
    return Node;
}

static PRTL_SPLAY_LINKS NextNode(PRTL_SPLAY_LINKS Node)
{
    if (Node->RightChild != NULL)
    {
        for (Node = Node->RightChild; Node->LeftChild != NULL; Node = Node->LeftChild)
        {
        }
        return Node;
    }
    while (Node->Parent != Node && Node->Parent->RightChild == Node)
    {
        Node = Node->Parent;
    }
    return Node->Parent == Node ? NULL : Node->Parent;
}

NTEXPORT(RtlInsertElementGenericTableFull, ANY_LEVEL, "");
PVOID NTAPI RtlInsertElementGenericTableFull(PRTL_GENERIC_TABLE Table, PVOID Buffer,
                                             CLONG BufferSize, PBOOLEAN NewElement,
                                             PVOID NodeOrParent, TABLE_SEARCH_RESULT SearchResult)
{
    PRTL_SPLAY_LINKS Parent = NodeOrParent;
    PTABLE_NODE New;

    if (NewElement != NULL)
    {
        *NewElement = FALSE;
    }
    if (SearchResult == TableFoundNode)
    {
        return DataOf(Parent);
    }
    New = Table->AllocateRoutine(Table, sizeof(TABLE_NODE) + BufferSize);
    if (New == NULL)
    {
        return NULL;
    }
    RtlZeroMemory(New, sizeof *New);
    RtlCopyMemory(New->Data, Buffer, BufferSize);
    InsertTailList(&Table->InsertOrderList, &New->Order);
    Table->NumberGenericTableElements++;
    New->Links.Parent = SearchResult == TableEmptyTree ? &New->Links : Parent;
    if (SearchResult == TableEmptyTree)
    {
        Table->TableRoot = &New->Links;
    }
    else if (SearchResult == TableInsertAsLeft)
    {
        Parent->LeftChild = &New->Links;
    }
    else
    {
        Parent->RightChild = &New->Links;
    }
    if (NewElement != NULL)
    {
        *NewElement = TRUE;
    }
    return New->Data;
}

NTEXPORT(RtlInsertElementGenericTable, ANY_LEVEL, "");
PVOID NTAPI RtlInsertElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer, CLONG BufferSize,
                                         PBOOLEAN NewElement)
{
    PRTL_SPLAY_LINKS Node;
    TABLE_SEARCH_RESULT Result = FindNode(Table, Buffer, &Node);

    return RtlInsertElementGenericTableFull(Table, Buffer, BufferSize, NewElement, Node, Result);
}

NTEXPORT(RtlDeleteElementGenericTable, ANY_LEVEL, "");
BOOLEAN NTAPI RtlDeleteElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    PRTL_SPLAY_LINKS Node;

    if (FindNode(Table, Buffer, &Node) != TableFoundNode)
    {
        return FALSE;
    }
    RemoveNode(Table, Node);
    RemoveEntryList(&((PTABLE_NODE)Node)->Order);
    Table->NumberGenericTableElements--;
    Table->WhichOrderedElement = 0;
    Table->OrderedPointer = &Table->InsertOrderList;
    Table->FreeRoutine(Table, Node);
    return TRUE;
}

NTEXPORT(RtlLookupElementGenericTableFull, ANY_LEVEL, "");
PVOID NTAPI RtlLookupElementGenericTableFull(PRTL_GENERIC_TABLE Table, PVOID Buffer,
                                             PVOID *NodeOrParent, TABLE_SEARCH_RESULT *SearchResult)
{
    PRTL_SPLAY_LINKS Node;

    *SearchResult = FindNode(Table, Buffer, &Node);
    *NodeOrParent = Node;
    return *SearchResult == TableFoundNode ? DataOf(Node) : NULL;
}

NTEXPORT(RtlLookupElementGenericTable, ANY_LEVEL, "");
PVOID NTAPI RtlLookupElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    PRTL_SPLAY_LINKS Node;

    return FindNode(Table, Buffer, &Node) == TableFoundNode ? DataOf(Node) : NULL;
}

NTEXPORT(RtlEnumerateGenericTableWithoutSplaying, ANY_LEVEL, "");
PVOID NTAPI RtlEnumerateGenericTableWithoutSplaying(PRTL_GENERIC_TABLE Table, PVOID *RestartKey)
{
    PRTL_SPLAY_LINKS Node =
        *RestartKey == NULL ? FirstNode(Table) : NextNode((PRTL_SPLAY_LINKS)*RestartKey);

    if (Node != NULL)
    {
        *RestartKey = Node;
    }
    return DataOf(Node);
}

/* In order of insertion; the position is kept in the table. */
NTEXPORT(RtlGetElementGenericTable, ANY_LEVEL, "");
PVOID NTAPI RtlGetElementGenericTable(PRTL_GENERIC_TABLE Table, ULONG I)
{
    PLIST_ENTRY Entry = &Table->InsertOrderList;

    if (I >= Table->NumberGenericTableElements)
    {
        return NULL;
    }
    for (ULONG i = 0; i <= I; i++)
    {
        Entry = Entry->Flink;
    }
    Table->OrderedPointer = Entry;
    Table->WhichOrderedElement = I + 1;
    return CONTAINING_RECORD(Entry, TABLE_NODE, Order)->Data;
}

NTEXPORT(RtlNumberGenericTableElements, ANY_LEVEL, "");
ULONG NTAPI RtlNumberGenericTableElements(PRTL_GENERIC_TABLE Table)
{
    return Table->NumberGenericTableElements;
}

NTEXPORT(RtlIsGenericTableEmpty, ANY_LEVEL, "");
BOOLEAN NTAPI RtlIsGenericTableEmpty(PRTL_GENERIC_TABLE Table)
{
    return Table->NumberGenericTableElements == 0;
}
