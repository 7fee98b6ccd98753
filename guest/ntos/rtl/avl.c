/*
 * Generic tables as AVL trees. Shape of a node: the links, then the caller's data at 8-byte
 * alignment. The table's BalancedRoot stands above the real root, which is its right child, so
 * every real node has a parent.
 */
#include "guest/include/ntos.h"

typedef struct _AVL_NODE
{
    RTL_BALANCED_LINKS Links;
    ULONG64 Data[0];
} AVL_NODE, *PAVL_NODE;

static PVOID DataOf(PRTL_BALANCED_LINKS Links)
{
    return Links != NULL ? ((PAVL_NODE)Links)->Data : NULL;
}

NTEXPORT(RtlInitializeGenericTableAvl, ANY_LEVEL, "");
VOID NTAPI RtlInitializeGenericTableAvl(PRTL_AVL_TABLE Table,
                                        PRTL_AVL_COMPARE_ROUTINE CompareRoutine,
                                        PRTL_AVL_ALLOCATE_ROUTINE AllocateRoutine,
                                        PRTL_AVL_FREE_ROUTINE FreeRoutine, PVOID TableContext)
{
    RtlZeroMemory(Table, sizeof *Table);
    Table->BalancedRoot.Parent = &Table->BalancedRoot;
    Table->CompareRoutine = CompareRoutine;
    Table->AllocateRoutine = AllocateRoutine;
    Table->FreeRoutine = FreeRoutine;
    Table->TableContext = TableContext;
}

/* What the search for Buffer ends at: the node itself, or the one below which it belongs. */
static TABLE_SEARCH_RESULT FindNode(PRTL_AVL_TABLE Table, PVOID Buffer, PRTL_BALANCED_LINKS *Result)
{
    PRTL_BALANCED_LINKS Node = Table->BalancedRoot.RightChild;

    *Result = NULL;
    if (Node == NULL)
    {
        return TableEmptyTree;
    }
    for (;;)
    {
        RTL_GENERIC_COMPARE_RESULTS Order = Table->CompareRoutine(Table, Buffer, DataOf(Node));
        PRTL_BALANCED_LINKS Next = Order == GenericLessThan ? Node->LeftChild : Node->RightChild;
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

static VOID ReplaceChild(PRTL_BALANCED_LINKS Old, PRTL_BALANCED_LINKS New)
{
    PRTL_BALANCED_LINKS Parent = Old->Parent;

    if (Parent->LeftChild == Old)
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

/* Child moves above its parent. */
static VOID Rotate(PRTL_BALANCED_LINKS Child)
{
    PRTL_BALANCED_LINKS Parent = Child->Parent, Inner;

    ReplaceChild(Parent, Child);
    if (Parent->LeftChild == Child)
    {
        Inner = Child->RightChild;
        Parent->LeftChild = Inner;
        Child->RightChild = Parent;
    }
    else
    {
        Inner = Child->LeftChild;
        Parent->RightChild = Inner;
        Child->LeftChild = Parent;
    }
    if (Inner != NULL)
    {
        Inner->Parent = Parent;
    }
    Parent->Parent = Child;
}

/* Node leans by two to the side of its taller child. Returns the subtree's new root; *Shorter: it
 * lost a level. */
static PRTL_BALANCED_LINKS Rebalance(PRTL_BALANCED_LINKS Node, CHAR Side, BOOLEAN *Shorter)
{
    PRTL_BALANCED_LINKS Child = Side > 0 ? Node->RightChild : Node->LeftChild, Inner;

    *Shorter = TRUE;
    if (Child->Balance != -Side)
    {
        Rotate(Child);
        if (Child->Balance == 0)
        {
            Node->Balance = Side;
            Child->Balance = -Side;
            *Shorter = FALSE;
        }
        else
        {
            Node->Balance = Child->Balance = 0;
        }
        return Child;
    }
    Inner = Side > 0 ? Child->LeftChild : Child->RightChild;
    Rotate(Inner);
    Rotate(Inner);
    Node->Balance = Inner->Balance == Side ? -Side : 0;
    Child->Balance = Inner->Balance == -Side ? Side : 0;
    Inner->Balance = 0;
    return Inner;
}

static VOID InsertNode(PRTL_AVL_TABLE Table, PRTL_BALANCED_LINKS New, PRTL_BALANCED_LINKS Parent,
                       TABLE_SEARCH_RESULT Where)
{
    RtlZeroMemory(New, sizeof *New);
    Table->NumberGenericTableElements++;
    if (Where == TableEmptyTree)
    {
        New->Parent = &Table->BalancedRoot;
        Table->BalancedRoot.RightChild = New;
        Table->DepthOfTree = 1;
        return;
    }
    New->Parent = Parent;
    if (Where == TableInsertAsLeft)
    {
        Parent->LeftChild = New;
    }
    else
    {
        Parent->RightChild = New;
    }
    for (;; New = Parent, Parent = Parent->Parent)
    {
        CHAR Side;
        BOOLEAN Shorter;
        if (Parent == &Table->BalancedRoot)
        {
            Table->DepthOfTree++; /* the growth reached the root */
            return;
        }
        Side = Parent->LeftChild == New ? -1 : 1;
        if (Parent->Balance == 0)
        {
            Parent->Balance = Side;
            continue;
        }
        if (Parent->Balance == Side)
        {
            Rebalance(Parent, Side, &Shorter);
        }
        else
        {
            Parent->Balance = 0;
        }
        return;
    }
}

static VOID SwapWithSuccessor(PRTL_BALANCED_LINKS Node)
{
    PRTL_BALANCED_LINKS Next = Node->RightChild, Right;
    RTL_BALANCED_LINKS Copy;

    while (Next->LeftChild != NULL)
    {
        Next = Next->LeftChild;
    }
    Copy = *Next;
    Right = Node->RightChild;
    ReplaceChild(Node, Next);
    Next->LeftChild = Node->LeftChild;
    Next->LeftChild->Parent = Next;
    Next->Balance = Node->Balance;
    Node->LeftChild = NULL;
    Node->RightChild = Copy.RightChild;
    Node->Balance = Copy.Balance;
    if (Copy.RightChild != NULL)
    {
        Copy.RightChild->Parent = Node;
    }
    if (Right == Next)
    {
        Next->RightChild = Node;
        Node->Parent = Next;
    }
    else
    {
        Next->RightChild = Right;
        Right->Parent = Next;
        Node->Parent = Copy.Parent;
        Node->Parent->LeftChild = Node;
    }
}

static VOID RemoveNode(PRTL_AVL_TABLE Table, PRTL_BALANCED_LINKS Node)
{
    PRTL_BALANCED_LINKS Parent, Child;
    CHAR Side;

    Table->DeleteCount++;
    Table->NumberGenericTableElements--;
    if (Node->LeftChild != NULL && Node->RightChild != NULL)
    {
        SwapWithSuccessor(Node);
    }
    Child = Node->LeftChild != NULL ? Node->LeftChild : Node->RightChild;
    Parent = Node->Parent;
    Side = Parent->LeftChild == Node ? -1 : 1;
    ReplaceChild(Node, Child);
    /* The subtree on that side of Parent has lost a level. */
    while (Parent != &Table->BalancedRoot)
    {
        PRTL_BALANCED_LINKS Top = Parent;
        BOOLEAN Shorter = TRUE;
        if (Parent->Balance == 0)
        {
            Parent->Balance = -Side;
            return;
        }
        if (Parent->Balance == Side)
        {
            Parent->Balance = 0;
        }
        else
        {
            Top = Rebalance(Parent, -Side, &Shorter);
        }
        if (!Shorter)
        {
            return;
        }
        Parent = Top->Parent;
        Side = Parent->LeftChild == Top ? -1 : 1;
    }
    Table->DepthOfTree--;
}

static PRTL_BALANCED_LINKS FirstNode(PRTL_AVL_TABLE Table)
{
    PRTL_BALANCED_LINKS Node = Table->BalancedRoot.RightChild;

    while (Node != NULL && Node->LeftChild != NULL)
    {
        Node = Node->LeftChild;
    }
    return Node;
}

static PRTL_BALANCED_LINKS NextNode(PRTL_AVL_TABLE Table, PRTL_BALANCED_LINKS Node)
{
    if (Node->RightChild != NULL)
    {
        for (Node = Node->RightChild; Node->LeftChild != NULL; Node = Node->LeftChild)
        {
        }
        return Node;
    }
    while (Node->Parent != &Table->BalancedRoot && Node->Parent->RightChild == Node)
    {
        Node = Node->Parent;
    }
    return Node->Parent == &Table->BalancedRoot ? NULL : Node->Parent;
}

NTEXPORT(RtlInsertElementGenericTableFullAvl, ANY_LEVEL, "");
PVOID NTAPI RtlInsertElementGenericTableFullAvl(PRTL_AVL_TABLE Table, PVOID Buffer,
                                                CLONG BufferSize, PBOOLEAN NewElement,
                                                PVOID NodeOrParent,
                                                TABLE_SEARCH_RESULT SearchResult)
{
    PAVL_NODE New;

    if (NewElement != NULL)
    {
        *NewElement = FALSE;
    }
    if (SearchResult == TableFoundNode)
    {
        return DataOf(NodeOrParent);
    }
    New = Table->AllocateRoutine(Table, sizeof(AVL_NODE) + BufferSize);
    if (New == NULL)
    {
        return NULL;
    }
    RtlCopyMemory(New->Data, Buffer, BufferSize);
    InsertNode(Table, &New->Links, NodeOrParent, SearchResult);
    if (NewElement != NULL)
    {
        *NewElement = TRUE;
    }
    return New->Data;
}

NTEXPORT(RtlInsertElementGenericTableAvl, ANY_LEVEL, "");
PVOID NTAPI RtlInsertElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer, CLONG BufferSize,
                                            PBOOLEAN NewElement)
{
    PRTL_BALANCED_LINKS Node;
    TABLE_SEARCH_RESULT Result = FindNode(Table, Buffer, &Node);

    return RtlInsertElementGenericTableFullAvl(Table, Buffer, BufferSize, NewElement, Node, Result);
}

NTEXPORT(RtlDeleteElementGenericTableAvl, ANY_LEVEL, "");
BOOLEAN NTAPI RtlDeleteElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer)
{
    PRTL_BALANCED_LINKS Node;

    if (FindNode(Table, Buffer, &Node) != TableFoundNode)
    {
        return FALSE;
    }
    if (Node == Table->RestartKey)
    {
        Table->RestartKey = NULL;
    }
    RemoveNode(Table, Node);
    Table->FreeRoutine(Table, Node);
    return TRUE;
}

NTEXPORT(RtlLookupElementGenericTableFullAvl, ANY_LEVEL, "");
PVOID NTAPI RtlLookupElementGenericTableFullAvl(PRTL_AVL_TABLE Table, PVOID Buffer,
                                                PVOID *NodeOrParent,
                                                TABLE_SEARCH_RESULT *SearchResult)
{
    PRTL_BALANCED_LINKS Node;

    *SearchResult = FindNode(Table, Buffer, &Node);
    *NodeOrParent = Node;
    return *SearchResult == TableFoundNode ? DataOf(Node) : NULL;
}

NTEXPORT(RtlLookupElementGenericTableAvl, ANY_LEVEL, "");
PVOID NTAPI RtlLookupElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer)
{
    PRTL_BALANCED_LINKS Node;

    return FindNode(Table, Buffer, &Node) == TableFoundNode ? DataOf(Node) : NULL;
}

NTEXPORT(RtlEnumerateGenericTableWithoutSplayingAvl, ANY_LEVEL, "");
PVOID NTAPI RtlEnumerateGenericTableWithoutSplayingAvl(PRTL_AVL_TABLE Table, PVOID *RestartKey)
{
    PRTL_BALANCED_LINKS Node =
        *RestartKey == NULL ? FirstNode(Table) : NextNode(Table, (PRTL_BALANCED_LINKS)*RestartKey);

    if (Node != NULL)
    {
        *RestartKey = Node;
    }
    return DataOf(Node);
}

NTEXPORT(RtlEnumerateGenericTableAvl, ANY_LEVEL, "");
PVOID NTAPI RtlEnumerateGenericTableAvl(PRTL_AVL_TABLE Table, BOOLEAN Restart)
{
    PVOID Key = Restart ? NULL : Table->RestartKey, Data;

    Data = RtlEnumerateGenericTableWithoutSplayingAvl(Table, &Key);
    Table->RestartKey = Key;
    return Data;
}

NTEXPORT(RtlGetElementGenericTableAvl, ANY_LEVEL, "");
PVOID NTAPI RtlGetElementGenericTableAvl(PRTL_AVL_TABLE Table, ULONG I)
{
    PRTL_BALANCED_LINKS Node = FirstNode(Table);

    while (Node != NULL && I-- != 0)
    {
        Node = NextNode(Table, Node);
    }
    return DataOf(Node);
}

NTEXPORT(RtlNumberGenericTableElementsAvl, ANY_LEVEL, "");
ULONG NTAPI RtlNumberGenericTableElementsAvl(PRTL_AVL_TABLE Table)
{
    return Table->NumberGenericTableElements;
}

NTEXPORT(RtlIsGenericTableEmptyAvl, ANY_LEVEL, "");
BOOLEAN NTAPI RtlIsGenericTableEmptyAvl(PRTL_AVL_TABLE Table)
{
    return Table->NumberGenericTableElements == 0;
}
