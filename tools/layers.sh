#!/bin/sh
# Checks who includes whom (docs/architecture.md): prints each include that the layers do not allow. TAP on stdout.
set -eu
cd "$(dirname "$0")/.."
allowed() {
    case $1 in
    abi) echo "abi" ;;
    base) echo "base" ;;
    machine) echo "machine base abi" ;;
    check) echo "check machine base abi" ;;
    explore) echo "explore machine base abi" ;;
    debug) echo "debug machine check base abi" ;;
    scenario) echo "scenario base abi" ;;
    report) echo "report check debug machine base abi" ;;
    cli) echo "cli report scenario debug explore check machine base abi" ;;
    guest) echo "guest abi" ;;
    esac
}
echo "1..10"
n=0 bad=0
for folder in abi base machine check explore debug scenario report cli guest; do
    n=$((n + 1))
    wrong=$(find $folder -name '*.[ch]' -exec grep -HnE '^#include "[a-z]+/' {} + 2>/dev/null |
        while IFS= read -r line; do
            target=$(printf '%s\n' "$line" | sed 's/.*#include "\([a-z]*\)\/.*/\1/')
            case " $(allowed $folder) " in *" $target "*) ;; *) printf '%s\n' "$line" ;; esac
        done)
    if [ -n "$wrong" ]; then
        echo "not ok $n - $folder includes only what lies below it"
        printf '%s\n' "$wrong" | sed 's/^/# /'
        bad=1
    else
        echo "ok $n - $folder includes only what lies below it"
    fi
done
exit $bad
