#!/bin/sh
# usage: exports.sh IMAGE SOURCE... : writes a module-definition file to standard output. Every routine with an
# NTEXPORT line and every variable with an NTEXPORTDATA line in the sources is exported under that name.
# With -h as the first argument: the definition file of hal.dll, whose exports forward to IMAGE.
set -eu
forward=
if [ "$1" = -h ]; then
    forward=yes
    shift
fi
image=$1
shift
list=$(sed -n \
    -e 's/^NTEXPORT(\([A-Za-z_][A-Za-z0-9_]*\),.*/\1/p' \
    -e 's/^NTEXPORTDATA(\([A-Za-z_][A-Za-z0-9_]*\)).*/\1 DATA/p' "$@" | LC_ALL=C sort -u)
if [ -z "$forward" ]; then
    echo "LIBRARY $image"
    echo EXPORTS
    echo "$list" | sed 's/^/    /'
    exit
fi
echo "LIBRARY hal.dll"
echo EXPORTS
# What the HAL of the x64 builds exported and drivers still import from it.
for name in KeStallExecutionProcessor KeQueryPerformanceCounter KfRaiseIrql KfLowerIrql KeRaiseIrql KeLowerIrql \
    KeGetCurrentIrql KeRaiseIrqlToDpcLevel KeRaiseIrqlToSynchLevel ExAcquireFastMutex ExReleaseFastMutex \
    ExTryToAcquireFastMutex KeAcquireSpinLock KeReleaseSpinLock KeAcquireSpinLockRaiseToSynch \
    KeAcquireInStackQueuedSpinLock KeReleaseInStackQueuedSpinLock KeAcquireQueuedSpinLock \
    KeReleaseQueuedSpinLock KeTryToAcquireQueuedSpinLock KeFlushWriteBuffer KeQueryAuxiliaryCounterFrequency; do
    if echo "$list" | grep -qx "$name"; then
        echo "    $name = ${image%.*}.$name"
    fi
done
