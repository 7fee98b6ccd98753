#!/bin/sh
# Installs what building and testing need, from Debian packages, and says so. Quiet when all is there.
set -eu
packages="gcc make mingw-w64-tools gcc-mingw-w64-x86-64-win32 mingw-w64-x86-64-dev binutils-mingw-w64-x86-64
 patch clang lld llvm libclang-rt-dev libzydis-dev libzycore-dev liblua5.4-dev libjansson-dev libxxhash-dev libedit-dev libcmocka-dev"
missing=
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
echo "rundown: installing missing Debian packages:$missing"
sudo=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "rundown: not root and no sudo: install$missing by hand" >&2; exit 2; }
    sudo=sudo
fi
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
